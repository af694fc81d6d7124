# Registrarse y entrar
login-title = Entrar
login-heading = Qué bueno verte
login-lead = Entra en { $name }.
login-button = Entrar
login-no-account = ¿Es tu primera vez?
login-no-cookies = Tu navegador no ha guardado la cookie de esta página, así que no puedes mantener la sesión. Entra en { $name } y permite allí las cookies.
login-wrong = Nombre o contraseña incorrectos.

register-title = Crear una cuenta
register-heading = Pasa, adelante
register-lead = Crea tu cuenta en { $name }.
register-lead-first = Nadie ha llegado antes, así que tu cuenta será la de administración.
register-button = Crear una cuenta
register-have-account = ¿Ya tienes cuenta?
register-closed = Por ahora no se pueden crear cuentas. Pregunta a quien administra este sitio.

field-login = Correo o nombre
field-name = Nombre
field-name-hint = De 2 a 32 letras, cifras, puntos o guiones. No se puede cambiar.
field-email = Correo
field-password = Contraseña
field-password-hint = Al menos 8 caracteres. Varias palabras se recuerdan bien.
field-password-again = Repite la contraseña
show-password = Mostrar la contraseña
available = ✓ Disponible

your-account = Tu cuenta
sign-out = Salir
role-admin = Administración

# Toda la gente
all-people = Toda la gente: encuentra a quién escribir
find-person = Busca a alguien
find = Buscar
nobody-called = Aquí nadie se llama «{ $name }». ¿Se escribirá de otra manera?
show-everybody = Ver a toda la gente
people-count = { $count ->
    [one] { $count } persona
   *[other] { $count } personas
}
find-account = Busca un nombre o un correo
list-pages = Páginas de esta lista
list-previous = Página anterior
list-next = Página siguiente
presence-outdated = La lista de quién está en línea puede estar desactualizada: este servidor no alcanza a los demás.
presence-partial = Puede faltar alguien en línea: este servidor solo conoce a quienes lo usan.
people-alone = Nadie más tiene cuenta aquí todavía.

# Lo que no está bien en un campo
name-length = Usa entre 2 y 32 caracteres.
name-characters = Solo letras, cifras, «.», «_» y «-», y que empiece por letra o cifra.
name-scripts = Todas las letras deben ser del mismo alfabeto.
name-reserved = Este nombre está reservado.
name-taken = Este nombre, o uno que se le parece, ya está en uso.
email-shape = Esto no es una dirección de correo.
email-taken = Ya hay una cuenta con esta dirección.
password-length = Usa entre 8 y 256 caracteres.
password-guessable = Es fácil de adivinar. Añade una o dos palabras.
password-differs = Las dos contraseñas no coinciden.
label-length = Una etiqueta puede tener 64 caracteres como máximo, en una línea.

# Los ajustes propios
settings = Ajustes
saved = Guardado.
settings-name = Tu nombre
field-display-name = Nombre visible
field-display-name-hint = El nombre que ven los demás: de 1 a 64 caracteres. Puedes cambiarlo cuando quieras.
settings-look = Idioma y apariencia
theme = Tema
theme-system = Igual que el dispositivo
theme-light = Claro
theme-dark = Oscuro
density = Densidad
density-comfortable = Cómoda
density-compact = Compacta (con ratón)
keys = Atajos de una sola tecla (letras, +, Supr, ?)
letter-keys-on = Activados
letter-keys-off = Desactivados
field-current-password = Contraseña actual
field-new-password = Contraseña nueva
password-change-hint = Se cierran todas tus demás sesiones, también las de los programas.
settings-sessions = Dónde tienes la sesión abierta
unknown-browser = Navegador desconocido
browser-on = { $browser } en { $system }
this-session = Esta
since = desde { $name }
sign-out-elsewhere = Cerrar las demás sesiones
settings-programs = Programas
programs-hint = Con un token, un programa actúa en tu nombre. Puedes tener 20; al crear otro se revoca el que lleva más tiempo sin usarse. Si cambias la contraseña o el correo, se revocan todos.
token-once = Tu nuevo token. Cópialo ahora: no se volverá a mostrar.
token-unnamed = Sin nombre
token-used = usado por última vez { $name }
token-unused = sin usar
token-until = caduca { $name }
field-token-lifetime = Validez
token-lifetime-month = 30 días
token-lifetime-quarter = 90 días
token-lifetime-year = Un año
token-lifetime-endless = Hasta que lo revoques
token-lifetime-range = Indica un número de segundos, hasta diez años.
token-revoke = Revocar
token-revoke-named = Revocar { $name }
field-token-label = Para qué es el token
token-make = Crear un token
display-name-shape = Usa entre 1 y 64 caracteres en una línea.
password-too-many = Demasiadas contraseñas incorrectas. Espera un momento y vuelve a probar.
password-missing = Escribe tu contraseña actual.
password-confirmed = Acabas de escribir tu contraseña, así que no hace falta que la repitas.
password-wrong = Esa no es tu contraseña actual.

settings-picture = Tu foto
field-picture = Una foto en lugar de tus iniciales
field-picture-hint = JPEG, PNG, GIF o WebP, hasta 12 MB. Se recorta en forma de cuadrado.
picture-remove = Usar las iniciales
picture-unreadable = Este archivo no se puede leer como imagen. Usa JPEG, PNG, GIF o WebP.
picture-too-large = Esta foto es demasiado grande. Puede tener como máximo 50 megapíxeles, 20 000 píxeles por lado, y un lado 20 veces más largo que el otro.
picture-too-costly = Abrir esta foto requiere demasiada memoria o demasiado tiempo. Guárdala más pequeña, o como JPEG, y vuelve a probar.
upload-running = Todavía se está subiendo otro archivo tuyo. Espera a que acabe y vuelve a enviar este.
uploads-busy = Se están subiendo demasiados archivos a la vez. Espera un momento y vuelve a enviar este.

# Un enlace que restablece la contraseña
reset-title = Elige una contraseña
reset-lead = Para { $name }. Después tendrás la sesión iniciada.
reset-button = Guardar y entrar
reset-unknown = Este enlace ya se usó o ha caducado. Pide otro.

# Lo que hacen quienes administran
admin = Administración
admin-sign-up = Cuentas nuevas
admin-sign-up-open = Cualquiera que tenga esta dirección puede crear una cuenta:
admin-sign-up-closed = Nadie puede crear una cuenta. Puedes añadir a gente más abajo.
admin-sign-up-fixed = La configuración del servidor cierra el registro (SIGNUP=closed). Puedes añadir a gente más abajo.
admin-sign-up-close = Cerrar el registro
admin-sign-up-reopen = Abrir el registro
admin-add = Añadir a alguien
admin-add-hint = Recibes un enlace para pasárselo, con el que elige su contraseña.
admin-name-hint = De 2 a 32 letras, cifras, puntos o guiones. No se puede cambiar.
admin-add-button = Añadir
admin-people-count = { $count ->
    [one] { $count } persona puede entrar.
   *[other] { $count } personas pueden entrar.
}
admin-closed = cerrada
admin-link = Enlace de contraseña
admin-link-of = Enlace de contraseña para { $name }
admin-link-for = Un enlace para { $name }
admin-link-hint = Pásalo en privado: la primera persona que lo abra elige la contraseña. Sirve una sola vez, durante tres días, y no se volverá a mostrar.
admin-promote = Hacer administrador
admin-promote-person = Hacer administrador: { $name }
admin-demote = Hacer miembro
admin-demote-person = Hacer miembro: { $name }
admin-close = Cerrar la cuenta
admin-close-account = Cerrar la cuenta de { $name }
admin-open = Reabrir
admin-open-account = Reabrir la cuenta de { $name }
not-an-administrator = Solo puede hacerlo quien administra.
last-administrator = Alguien tiene que administrar: nombra antes a otra persona.

# Trabajo de fondo que se dio por perdido
admin-unclear = Se rechazó la conexión en vivo o un formulario
admin-unclear-hint = Se rechazó una petición de una página de { $page }, porque el proxy llama «{ $host }» a este Patio y no se puede saber si la página es suya. Indica la dirección pública en BASE_URL, o haz que el proxy la pase como Host.
admin-jobs = Tareas fallidas
admin-jobs-hint = Se intentaron muchas veces y se dieron por perdidas. Corrige la causa y vuelve a ejecutarlas.
job-pass-on-rooms = Buscar dueño para las salas de la cuenta cerrada { $name }
job-purge-room = Eliminar los mensajes de la sala eliminada { $name }
job-tidy = Eliminar los datos caducados
job-attempts = { $count ->
    [one] un intento
   *[other] { $count } intentos
}
job-again = Volver a ejecutar
job-drop = Descartar

# Lo que se hizo, como lo leen quienes administran
audit = Registro de auditoría
audit-hint = Quién eliminó, renombró, expulsó, cerró o ascendió qué. Las entradas son permanentes y no contienen texto de mensajes.
audit-empty = Todavía no hay ninguna entrada.
audit-earlier = Entradas anteriores
audit-command-line = Línea de comandos
audit-message-delete = eliminó un mensaje de @{ $author } en { $room }
audit-message-remove-preview = quitó la vista previa de un enlace de un mensaje de @{ $author } en { $room }
audit-room-delete = eliminó la sala { $name }
audit-room-restore = recuperó la sala { $name }
audit-room-archive = archivó la sala { $name }
audit-room-unarchive = volvió a poner en uso la sala { $name }
audit-room-rename = cambió el nombre de la sala { $name } a { $new }
audit-member-remove = expulsó a @{ $name } de { $room }
audit-user-close = cerró la cuenta de @{ $name }
audit-user-reopen = volvió a abrir la cuenta de @{ $name }
audit-user-erase = empezó a eliminar todo lo que escribió @{ $name }
audit-user-promote = hizo administrador a @{ $name }
audit-user-demote = volvió a hacer miembro a @{ $name }
audit-user-reset-link = creó un enlace de contraseña para @{ $name }
audit-emoji-add = añadió el emoji :{ $name }:
audit-emoji-delete = eliminó el emoji :{ $name }:
audit-sign-up-open = abrió el registro
audit-sign-up-close = cerró el registro
field-time-zone = Zona horaria
field-time-zone-hint = Por ejemplo, Europe/Madrid o America/Lima. La búsqueda usa los días de esta zona.
time-zone-unknown = No existe esa zona horaria. Escríbela como Europe/Madrid.
about-shape = Como mucho 500 caracteres, sin caracteres de control.
status-shape = Como mucho 80 caracteres en una línea.
status-over = El final del estado ya ha pasado.
status-end-unknown = Elige cuándo termina el estado.
settings-profile = Sobre ti
field-about = Lo que otros deben saber de ti
field-about-hint = Como mucho 500 caracteres. Todo el mundo aquí puede leerlo.
status = Estado
status-emoji = Emoji de tu estado
status-text = ¿Qué haces ahora?
status-end = Cuándo termina
status-hint = Un emoji y como mucho 80 caracteres. Aparece junto a tu nombre.
status-clear = Quitar el estado
status-change = Cambiar el estado
status-until = hasta
status-end-kept = como está
status-end-never = hasta que lo cambie
status-end-half-an-hour = 30 minutos
status-end-hour = una hora
status-end-four-hours = cuatro horas
status-end-today = hoy
status-end-week = esta semana
profile = Perfil
profile-edit = Editar tu perfil
profile-message = Escribir
profile-about = Sobre esta persona
about-add = Di algo sobre ti
about-none = Aún no hay nada aquí.
local-time = Hora local
local-same = como aquí
local-ahead = { $name } más tarde
local-behind = { $name } más temprano
profile-closed = Esta cuenta está cerrada. Lo que escribió se queda.
rooms-shared = Salas que compartes con esta persona

# Cerrar una cuenta
close-account-hint = Se cierra la sesión de { $name } en todas partes y no podrá volver hasta que reabras la cuenta. Sus salas pasan a otras personas.
account-closed = La cuenta de { $name } está cerrada. Con «Reabrir» se deshace.
account-is-open = La cuenta está abierta: ciérrala antes.
erase-messages = Eliminar todo lo que escribió
erase-messages-of = Eliminar todo lo que escribió { $name }
erase-messages-hint = Todos sus mensajes, empezando por los más recientes, también en salas privadas y mensajes directos. No se puede deshacer. Si reabres la cuenta, se detiene y se conserva lo que quede.
erasure-deleted = { $count ->
    [one] { $count } mensaje eliminado
   *[other] { $count } mensajes eliminados
}
erasure-going-on = Eliminando lo que escribió: { $percent } %, { $deleted }
job-erase-messages = Eliminar todo lo que escribió la cuenta cerrada { $name }

# Almacenamiento de archivos
storage = Almacenamiento
storage-all = En total
storage-of = { $used } de { $whole }
storage-pictures = Imágenes y vistas previas
storage-media = Vídeo y sonido
storage-others = Otros archivos
storage-stored = Guardado
storage-unused = En ningún mensaje; se elimina al cabo de un día
storage-arriving = Llegando
storage-free = Libre
storage-quota = Límite para todos los archivos (STORAGE_QUOTA)
storage-user-quota = Límite para los archivos de una persona (UPLOAD_QUOTA)
storage-largest = Archivo más grande (MAX_UPLOAD)
storage-no-limit = ninguno
storage-none = No hay archivos.
storage-files = { $count ->
    [one] 1 archivo
   *[other] { $count } archivos
  }
storage-contents = { $count ->
    [one] 1 contenido
   *[other] { $count } contenidos
  }
storage-rooms = Salas que más ocupan
storage-users = Personas que más ocupan
storage-direct = Mensajes directos y grupos
storage-check = Comprobación
storage-check-hint = Patio compara lo guardado con lo que necesitan los mensajes, una vez al día o ahora. Lo que está guardado y en ningún mensaje se elimina 24 horas después de la comprobación que lo encontró.
storage-check-start = Comprobar ahora
storage-check-never = Aún no hubo ninguna comprobación.
storage-check-runs = La comprobación está en marcha: { $name } % hecho.
storage-check-ended = Última comprobación: { $name }
storage-reload = Ver cuánto lleva
storage-sound = { $count ->
    [one] 1 contenido está como debe
   *[other] { $count } contenidos están como deben
  }
storage-missing = { $count ->
    [0] No falta nada
    [one] 1 contenido falta o tiene otro tamaño
   *[other] { $count } contenidos faltan o tienen otro tamaño
  }
storage-orphans = { $count ->
    [0] No había nada guardado que Patio no conociera
    [one] Había 1 contenido guardado que Patio no conocía
   *[other] Había { $count } contenidos guardados que Patio no conocía
  }
storage-unreadable = Mensajes cuyos archivos faltan
storage-unreadable-hint = Una copia de seguridad los tiene: cópialos de su carpeta «files» a la del almacenamiento y comprueba otra vez.
storage-message = Mensaje { $name }
job-check-storage = Comprobar el almacenamiento de archivos

# Máquinas
machines = Máquinas
machines-hint = Cada Patio de esta instalación se anuncia aquí cada diez segundos. El que terminó sin decirlo sigue un día en la lista.
machines-warnings = Necesita atención
machines-versions = Las máquinas tienen versiones distintas. Actualízalas todas a la misma.
machines-clock = El reloj de { $name } va mal por más de un segundo. Patio se guía por el de la base de datos; ponlo en hora de todos modos.
machines-bus-away = { $name } no alcanza NATS. Mientras tanto, los cambios tardan hasta un segundo en llegar de sus usuarios y a ellos, y quién escribe o está en línea solo se ve allí.
machines-silent = { $name } no se anuncia desde { $time }. Está bloqueado, aislado o se cayó.
machines-fsync = PostgreSQL no espera a su disco (fsync está en off): si su máquina se cae, se pueden perder mensajes confirmados y dañar la base de datos. Pon fsync = on.
machines-commits = PostgreSQL no espera como pide Patio (synchronous_commit es { $name }): un fallo puede perder mensajes confirmados. Un gestor de conexiones cambia el ajuste: configúralo por sesión (session pooling).
machines-no-standby = PostgreSQL no tiene réplica síncrona: si otro servidor toma el relevo, se pueden perder los últimos mensajes confirmados. Configura synchronous_standby_names, salvo que tu proveedor copie el disco.
machines-standby-missing = Hay muy pocas réplicas de synchronous_standby_names conectadas: PostgreSQL espera a más y no se puede guardar ningún mensaje. Arráncalas o cambia el ajuste.
machines-without-bus = { $name } no tiene NATS_URL y otras máquinas sí. Ponla también allí: mientras tanto, los cambios tardan hasta un segundo en llegar de sus usuarios y a ellos, y quién escribe o está en línea solo se ve allí.
machines-no-bus = Estas máquinas no tienen NATS_URL: los cambios tardan hasta un segundo en llegar a los usuarios de otra, y quién escribe o está en línea solo se ve en cada una.
machines-legend = Última mirada: cuánto hacía, cuando la máquina se anunció, que había buscado cambios de salas y usuarios; un segundo es lo normal. Reparaciones: cuántas veces, en la última hora, el sondeo encontró mensajes que NATS no había traído.
machine-name = Nombre
machine-version = Versión
machine-since = Desde
machine-connections = Conexiones
machine-online = Personas
machine-clock = Reloj
machine-bus = NATS
machine-look = Última mirada
machine-repaired = Reparaciones
standby = Réplica síncrona
standby-unknown = el rol de Patio no puede verla
standby-none = ninguna
standby-missing = sin conexión
standby-connected = conectada
timeline = Línea temporal (crece cuando una réplica toma el relevo)
clock-right = en hora
clock-behind = { $name } atrasado
clock-ahead = { $name } adelantado
bus-off = ninguno
bus-connected = conectado
bus-away = sin conexión
