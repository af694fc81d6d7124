# Búsqueda
search = Buscar
search-messages = Buscar mensajes
search-in = Buscar en { $name }
search-for = Buscar { $name }
search-results = Resultados
search-count = { $count ->
    [one] { $count } resultado
   *[other] { $count } resultados
}
search-older = Resultados anteriores
search-nothing = No hay nada para «{ $name }». Con menos palabras, o más cortas, se encuentra más.
search-help = Qué se puede buscar
search-help-words = Palabras, con o sin tildes. El mensaje debe tenerlas todas; la última puede estar a medias. También valen direcciones web, nombres en código, emojis y partes de textos en chino, japonés o coreano.
search-help-exact = Exactamente estas palabras en este orden. Las tildes cuentan.
search-help-not = Sin esta palabra. El signo menos también vale delante de los filtros: -from:ana.
search-help-from = Solo lo que escribió esta persona; from:me son tus propios mensajes.
search-help-in = Solo en esta sala. Un nombre con espacios va entre comillas: in:"el huerto".
search-help-dates = Solo desde este día, en tu zona horaria; before: llega hasta antes de un día.
search-help-file = Solo mensajes con una imagen; también valen has:file, has:video y has:audio.
search-help-filename = Solo mensajes con un archivo cuyo nombre tenga estas palabras. Un nombre con espacios va entre comillas.
search-help-link = Solo mensajes con un enlace.
search-help-direct = Solo mensajes directos.
search-nothing-yet = No se encontró nada entre los mensajes más recientes.
search-go-on = Buscar más atrás
search-incomplete = Los mensajes antiguos aún se están preparando para la búsqueda. Puede que falten algunos durante un rato.
search-help-day = Solo de este día, en tu zona horaria.
cursor-shape = Esto no es un cursor de búsqueda.
search-count-first = { $count ->
    [one] El resultado más reciente; hay anteriores
   *[other] Los { $count } resultados más recientes; hay anteriores
}
search-filters = Filtros
search-without = Sin el filtro «{ $name }»
search-from = De
search-from-name = De { $name }
search-me = Yo
search-room = Sala
search-when = Cuándo
search-today = Hoy
search-last-week = Últimos 7 días
search-last-month = Últimos 30 días
search-after = Desde { $name }
search-before = Antes de { $name }
search-on = El { $name }
search-kind = Tipo
search-with-file = Con archivo
search-with-image = Con imagen
search-with-video = Con vídeo
search-with-audio = Con audio
search-file-named = Archivo «{ $name }»
search-with-link = Con enlace
search-only-direct = Mensajes directos
search-not = Sin: { $name }
search-recent = Búsquedas recientes
