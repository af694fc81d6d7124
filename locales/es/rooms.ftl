# La página de una sala
skip-to-composer = Ir al cuadro de mensaje
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
online = En línea
offline = Sin conexión

messages-in = Mensajes en { $name }
older-messages = Mensajes anteriores
newest-messages = Mensajes más recientes
room-start = Aquí empieza #{ $name }
room-start-text = Saluda. Quien llegue después podrá leer todo desde aquí.
new-messages-one = {"{n}"} mensaje nuevo
new-messages-other = {"{n}"} mensajes nuevos
announce-many = {"{n}"} mensajes nuevos

write-message = Escribe un mensaje
message-to = Mensaje para #{ $name }
enter-to-send = para enviar
send = Enviar
sending = Enviando…
waiting-for-connection = A la espera de conexión
try-again = Reintentar
discard = Eliminar

offline-title = Reconectando.
offline-text = Puedes seguir escribiendo; los mensajes saldrán cuando vuelvas.
offline-retry = Probar ahora

# Lo que no está bien en un mensaje
body-empty = Primero escribe algo.
body-long = Un mensaje tiene 16.000 caracteres como mucho.
nonce-shape = Un nonce son de 1 a 64 caracteres ASCII visibles.
nonce-reused = Este nonce ya se usó para otro mensaje.
reply-unknown = No hay tal mensaje en esta sala.
limit-range = El límite es un número de 1 a 100.
query-one-place = Indica uno de before, after, around y since_rev, o ninguno.
