# Archivos de camino a un mensaje
attach = Adjuntar archivos
keys-attach = Adjuntar archivos
camera = Hacer una foto
drop-to = Suelta para adjuntar en { $name }
drop-hint = Esperan encima de tu texto hasta que lo envíes.
tray = Archivos para enviar
tray-choose = Elegir otra vez
tray-done = listo
tray-lost = Elige el archivo otra vez para continuar
tray-failed = No se pudo subir
tray-no-connection = Sin conexión. No se pierde nada.
tray-not-sent = Aún no se ha enviado: falta { $name }. Inténtalo otra vez o quítalo.
tray-not-accepted = Aún no se ha enviado: { $name } no se acepta. Quítalo.
tray-too-large = { $name } es demasiado grande: un archivo puede tener como máximo {"{limit}"}.
tray-too-many = { $name } se quedó fuera: un mensaje puede tener como máximo {"{limit}"} archivos.
tray-progress = Subida de { $name }
tray-cancel = Cancelar la subida de { $name }
tray-remove = Quitar { $name }
tray-removed = { $name } ya no está.
tray-describe = Describir { $name }
tray-describe-again = Cambiar la descripción de { $name }
tray-half = { $name }: ya ha llegado la mitad.
tray-left = quedan { $name }
tray-started-one = 1 archivo va de camino.
tray-started-other = {"{n}"} archivos van de camino.
tray-ready-one = 1 archivo está listo.
tray-ready-other = {"{n}"} archivos están listos.
describe = Describe la imagen
describe-hint = Para quien no puede verla. La leen los lectores de pantalla.
describe-done = Listo

# Imágenes, de una en una
picture-count = Imagen {"{n}"} de {"{all}"}
picture-number = Imagen {"{n}"}
picture-before = Imagen anterior
picture-next = Imagen siguiente
pictures-of-message = Imágenes de este mensaje
zoom-in = Más grande
zoom-out = Más pequeña
open-original = Abrir el original
download-named = Descargar, { $name }

# Archivos de un mensaje
download-file = Descargar { $name }
open-picture = Abrir imagen:
attachment-count = { $count ->
    [one] 1 archivo
   *[other] { $count } archivos
}

# Archivos y enlaces de una sala
files-and-links = Archivos y enlaces
room-files = Archivos
room-links = Enlaces
room-pictures = Imágenes
room-others = Otros archivos
room-files-none = Aún no hay archivos. Aquí estará lo que se envíe.
room-links-none = Aún no hay enlaces. Aquí estarán los de los mensajes.
room-files-older = Archivos anteriores
room-links-older = Enlaces anteriores
all-files = Todos los archivos y enlaces
