# La página de una sala
skip-to-composer = Ir al cuadro de mensaje
places = Lugares
you = Tú
rooms-nav = Salas
rooms = Salas
open-rooms = Abrir la lista de salas
people = Gente
people-button = { $count ->
    [one] { $count } persona
   *[other] { $count } personas
}
people-button-one = {"{n}"} persona
people-button-other = {"{n}"} personas
about-room = Sobre { $name }
topic = Tema
more-members = Más gente de la sala
online = En línea
offline = Sin conexión

messages-in = Mensajes en { $name }
older-messages = Mensajes anteriores
newer-messages = Mensajes posteriores
newest-messages = Mensajes más recientes
room-start = Aquí empieza #{ $name }
room-start-text = Saluda. Quien llegue después podrá leer todo desde aquí.
lobby-alone-text = Eres la primera persona aquí. Invita a las demás o escribe el primer mensaje: quien llegue después podrá leerlo.
write-first = Escribir el primer mensaje
add-topic = Añadir un tema
new-messages-one = {"{n}"} mensaje nuevo
new-messages-other = {"{n}"} mensajes nuevos
announce-many = {"{n}"} mensajes nuevos

write-message = Escribe un mensaje
composer-more = Más: formato, emoji
formatting = Formato
format-bold = Negrita
format-italic = Cursiva
format-strike = Tachado
format-link = Enlace
format-list = Lista
format-numbers = Lista numerada
format-quote = Cita
format-code = Código
format-block = Bloque de código
preview = Vista previa
characters-left-one = Queda {"{n}"}
characters-left-other = Quedan {"{n}"}
message-to = Mensaje para #{ $name }
enter-to-send = para enviar
typing-one = {"{names}"} está escribiendo…
typing-other = {"{names}"} están escribiendo…
typing-many = Varias personas están escribiendo…
send = Enviar
sending = Enviando…
waiting-for-connection = A la espera de conexión
try-again = Reintentar
discard = Eliminar

offline-title = Reconectando.
offline-text = Puedes seguir escribiendo; los mensajes saldrán cuando vuelvas.
polling-title = Sin actualización en directo.
polling-text = Los mensajes llegan cada pocos segundos, y lo que escribes se envía.
list-away = Sin conexión. Cierra esto y vuelve a abrirlo cuando haya.
waiting-room-gone = La sala de este mensaje ya no existe.
waiting-refused = El servidor no lo ha aceptado.
going-title = Sin conexión.
going-text = Llegarás en cuanto vuelva.
offline-retry = Probar ahora

# Lo que no está bien en un mensaje
body-empty = Primero escribe algo.
body-long = Un mensaje puede tener 16 000 caracteres como máximo.
nonce-shape = Un nonce son de 1 a 64 caracteres ASCII visibles.
nonce-reused = Este nonce ya se usó para otro mensaje.
format-unknown = El formato es markdown o plain.
reply-unknown = Ese mensaje no existe en esta sala.
limit-range = El límite es un número de 1 a 100.
not-the-author = Esto solo lo puede hacer quien escribió el mensaje.
not-a-moderator = Esto solo lo puede hacer quien escribió el mensaje, quien es propietario de la sala o quien administra Patio.
message-is-deleted = El mensaje fue eliminado.
message-is-reply = Este mensaje es una respuesta en un hilo: responde junto a él.
thread-fixed = Un hilo no tiene nombre, propietario ni código.
emoji-one = Elige un emoji.
pins-many = Una sala puede tener 100 mensajes fijados como máximo.
emoji-many = Un mensaje puede tener 20 emojis distintos como máximo.
query-one-place = Indica uno de before, after, around y since_rev, o ninguno.

# Lo que pasa con un mensaje
message-page = Mensaje
message-actions = Acciones del mensaje
message-by = Mensaje de {"{name}"}
message-alone = Abrir en su propia página
copy-text = Copiar el texto
copied = Copiado.
select-text = Seleccionar el texto
message-deleted = Mensaje eliminado
message-removed = Eliminado por moderación
edited = (editado)
edit-message = Editar el mensaje
cancel = Cancelar
delete-message = Eliminar el mensaje
delete-hint = El texto desaparece para todo el mundo. Seguirá viéndose que hubo un mensaje.
remove-message = Retirar este mensaje
remove-message-hint = El texto de { $name } desaparece para todo el mundo y no vuelve. Se verá que lo retiró un moderador.
deleting = Se eliminará en un momento.
undo = Deshacer
react = Añadir una reacción
pinned-by = Fijado por
pin = Fijar en la sala
unpin = Dejar de fijar
pins-page = Mensajes fijados
pins-count = { $count ->
    [one] 1 mensaje fijado
   *[other] { $count } mensajes fijados
}
pins-count-one = {"{n}"} mensaje fijado
pins-count-other = {"{n}"} mensajes fijados
pins-none = Aquí no hay nada fijado. Fija lo que todos deban encontrar: está en el menú de cada mensaje.
show-in-room = Mostrar en la sala
reply = Responder
in-reply-to = En respuesta a
linked-message = El mensaje del enlace:
no-reply = No responder a este mensaje
quote-gone = El mensaje se eliminó
edits-page = Historial de cambios
edits-none = No se guardaron las versiones anteriores de este mensaje.
edits-now = Ahora
more-actions = Más acciones
copy-link = Copiar enlace
mark-unread = Marcar como no leído desde aquí
marked-unread = No leído desde aquí.
message-source = El texto como se escribió
key-delete = Supr
reaction-count = { $count ->
    [one] { $count } persona
   *[other] { $count } personas
}
field-emoji = Otro emoji
react-button = Reaccionar
change-failed = No ha funcionado. Inténtalo de nuevo.
retry-hint = Inténtalo de nuevo {"{when}"}.
change-signed-out = Tu sesión ha terminado. Vuelve a cargar la página para entrar: lo que has escrito se guarda.

# Bloques de código
code-named = Código, { $name }
code-text = Texto
code-copy = Copiar
code-copied = Copiado
code-more-one = Mostrar {"{n}"} línea más
code-more-other = Mostrar {"{n}"} líneas más
code-fewer = Mostrar menos líneas

# Emojis
emoji-choose = Elige un emoji
emoji-search = Buscar un emoji
emoji-search-short = Buscar
emoji-groups = Clases
emoji-recent = Recientes
emoji-faces = Caras
emoji-people = Gente
emoji-nature = Naturaleza
emoji-food = Comida
emoji-activities = Ocio
emoji-travel = Viajes
emoji-objects = Objetos
emoji-symbols = Símbolos
emoji-flags = Banderas
emoji-tone = Tono de piel: {"{tone}"}
emoji-tones = Tono de piel
emoji-tone-none = sin tono
emoji-tone-light = claro
emoji-tone-medium-light = claro medio
emoji-tone-medium = medio
emoji-tone-medium-dark = oscuro medio
emoji-tone-dark = oscuro
emoji-found-one = {"{n}"} para «{"{term}"}»
emoji-found-other = {"{n}"} para «{"{term}"}»
emoji-found-none = Nada se llama «{"{term}"}». Prueba con otra palabra, en español o en inglés.
emoji-hint = Escribe : en el mensaje y verás la misma lista
emoji-menu = Emojis
emoji-custom = Emojis propios
emoji-custom-hint = Todo el mundo puede escribirlos como :nombre: y reaccionar con ellos. Los mensajes anteriores se quedan como están.
emoji-custom-none = Todavía no hay ninguno.
emoji-add = Añadir el emoji
emoji-delete = Eliminar :{ $name }:
emoji-delete-short = Eliminar
field-emoji-name = Nombre del emoji
field-emoji-name-hint = De 2 a 32 letras minúsculas sin acento, cifras, «-», «_» o «+»; por ejemplo, loro-fiestero.
field-emoji-image = Imagen
field-emoji-image-hint = PNG, GIF, WebP o JPEG, hasta 12 MB. Mejor cuadrada; se hace pequeña, y una animación se queda quieta.
emoji-name-shape = Usa de 2 a 32 letras minúsculas sin acento, cifras, «-», «_» o «+».
emoji-name-standard = Así se llama un emoji normal.
emoji-name-taken = Ya hay un emoji con este nombre.
emoji-too-many = Puede haber 500 emojis propios como máximo. Elimina uno antes.
emoji-unknown = No hay ningún emoji con ese nombre.
reactor-you = Tú
reactors-more = { $count ->
    [one] y { $count } más
   *[other] y { $count } más
}
react-with = Reaccionar con {"{emoji}"}

# Salas que hace la gente
all-rooms = Todas las salas: crea una o entra en una
all-rooms-title = Salas
find-room = Busca una sala
no-room-called = Aquí ninguna sala se llama «{ $name }». ¿Se escribirá de otra manera?
show-all-rooms = Ver todas las salas
direct-messages = Mensajes directos
go-to = Ir o buscar…
room-or-person = Sala o persona
not-joined = sin unirte
results-none = No hay nada así. Prueba a escribirlo de otra manera; Intro busca en los mensajes.
results-one = {"{n}"} resultado
results-other = {"{n}"} resultados
unread = sin leer
with-your-name = con tu nombre
new-line = Nuevo
jump-to-new = Ir a los mensajes nuevos
skip-to-content = Ir al contenido
room-settings = Ajustes de la sala
back-to-room = Volver a la sala
reading-only = No te has unido a esta sala.
join = Unirse
join-room = Unirse a { $name }
online-count = { $count } en línea
owned-by = de { $name }
create-room = Crear una sala
create-room-button = Crear la sala
field-room-name = Nombre
field-topic = Tema (para qué es)
field-wide-mentions = Quién puede avisar a toda la sala con @room
wide-mentions-members = Todos los miembros
wide-mentions-owner = Solo quien es propietario de la sala y quienes administran
field-link-previews = Enlaces en los mensajes nuevos
link-previews-on = Mostrar una vista previa de la página
link-previews-off = Mostrar solo el enlace
link-previews = Vistas previas de enlaces
remove-link-preview = Quitar la vista previa «{ $name }»
remove-preview = Quitar esta vista previa
field-visibility = Quién puede entrar
visibility-public = Todo el mundo.
visibility-public-hint = Aparece en la lista y se puede leer.
visibility-private = Solo con invitación.
visibility-private-hint = No aparece en la lista; se entra con un código.
join-by-code = Entrar con un código
field-code = Código
field-code-hint = Doce letras y cifras. Da igual mayúsculas, minúsculas o guiones.
room-name-and-topic = Nombre y tema
save = Guardar
invite = Invitar a gente
invite-hint = Quien tenga este código o enlace y una cuenta aquí puede unirse.
invite-named = Invitar a { $name }
not-in-room = No está en esta sala, así que no recibe aviso: { $name }
wide-asks = { $count ->
    [one] Esto avisa a una persona.
   *[other] Esto avisa a { $count } personas.
}
wide-asks-script = Esto avisa a {"{n}"} personas.
wide-send = Enviar
wide-edit = Editar
mention-room = toda la sala
mention-here = quien está en línea en la sala
qr-label = Código QR del enlace
renew-code = Renovar el código
owner = Propietario
hand-over = Ceder
hand-over-to = Ceder la sala a { $name }
remove = Expulsar
remove-person = Expulsar a { $name } de la sala
leave-room = Dejar la sala
leave-room-hint = Si la sala es tuya, pasa a quien lleva más tiempo en ella.
invited = Te han invitado a esta sala.
message-person = Mensaje para { $name }
direct-start = Esto queda entre tú y { $name }
direct-start-text = Nadie más puede leerlo.

visibility-unknown = Elige quién puede entrar.
group-size = Elige de 2 a 19 personas más.
group-unknown = No hay nadie con uno de estos nombres.
group-new = Nuevo grupo
group-hint = Una sala para entre 3 y 20 personas. Las mismas personas tienen siempre la misma; nadie entra ni sale.
field-names = Con
field-names-hint = Nombres, separados por comas. De 2 a 19 personas.
group-begin = Empezar
group-chosen = {"{n}"} de {"{most}"}
group-take-out = Quitar a { $name }
group-full = No caben más de {"{most}"} personas.
room-name-shape = El nombre de una sala tiene de 1 a 64 caracteres en una línea.
section-shape = Una sección tiene 32 caracteres como máximo, en una línea.
room-topic-shape = Un tema puede tener 250 caracteres como máximo, en una línea.
room-name-taken = Ya hay una sala con este nombre.
code-unknown = Ninguna sala tiene este código.
not-the-owner = Esto solo lo puede hacer quien es propietario de la sala.
moderators-only = Esto solo lo pueden hacer quien es propietario de la sala y quienes administran.
room-permanent = No puedes dejar esta sala.
room-no-member = Esa persona no está en esta sala.

# Eliminar una sala
delete-room = Eliminar la sala
delete-room-hint = Desaparece para todo el mundo al momento. Se puede recuperar durante 24 horas; después se eliminan para siempre todos sus mensajes.
room-deleted = Sala eliminada
room-deleted-text = { $name } ha desaparecido para todo el mundo.
room-restore-until = Se puede recuperar hasta
room-restore = Recuperar
deleted-rooms = Salas que eliminaste
message-count = { $count ->
    [one] { $count } mensaje
   *[other] { $count } mensajes
}

# Todas las salas, para quienes administran
admin-rooms = Salas
admin-rooms-hint = Todas las salas; las privadas solo con nombre y tamaño, salvo que participes en ellas. Los mensajes directos no aparecen.
admin-room-deleted = eliminada
admin-room-change = Cambiar
admin-room-rename = Cambiar el nombre
room-removed = Te han expulsado de esta sala. Un miembro puede invitarte de nuevo.
removed-from = Te han expulsado de {"{name}"}. Un miembro puede invitarte de nuevo.
room-was-deleted = La sala {"{name}"} fue eliminada.
room-outsider = Esto solo lo puede hacer quien está en esta sala.
room-oneself = No puedes expulsarte. Para irte, usa /leave o «Dejar la sala» en sus ajustes.

# Hilos

thread = Hilo
thread-in = Hilo en { $name }
threads = Hilos
threads-hint = Los hilos que sigues, los últimos activos primero
threads-none = Aún no sigues ningún hilo. Responde a un mensaje en su hilo para empezar uno.
thread-replies = { $count ->
    [one] 1 respuesta
   *[other] { $count } respuestas
}
thread-unread = { $count ->
    [one] 1 nueva
   *[other] { $count } nuevas
}
thread-last = última respuesta
thread-from = De un hilo
thread-reply = Responde en este hilo
thread-also = Enviar también a { $name }
thread-follow = Seguir
thread-unfollow = Dejar de seguir
thread-close = Cerrar el hilo
thread-no-command = Los comandos no funcionan en los hilos. Para enviar esto como texto, empieza con dos barras: //
thread-no-message = Todavía no hay ningún mensaje.
thread-replies-other = {"{n}"} respuestas
thread-new-one = {"{n}"} nueva
thread-new-other = {"{n}"} nuevas
thread-open = Responder en un hilo

command-with-files = Una orden no puede llevar archivos. Quítalos o envía esto como mensaje.
