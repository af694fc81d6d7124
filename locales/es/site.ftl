# El marco de cada página
site-description = { $name }: un chat que lleva su propia comunidad.
hosted-by-community = Alojado por tu comunidad
language = Idioma
close = Cerrar

# La página con la referencia de la API JSON
reference = API JSON
reference-lead = Todo lo que un programa puede hacer aquí, llamada a llamada. La referencia en sí está en inglés.
reference-document = Lo mismo como documento OpenAPI
reference-contents = En esta página

weekdays = lunes martes miércoles jueves viernes sábado domingo
months = enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre
day-line = { $weekday } { $day } de { $month } de { $year }
too-long-one = Sobra 1 carácter.
too-long-other = Sobran {"{n}"} caracteres.
file-choose = Elegir un archivo
file-none = No has elegido ningún archivo.
file-chosen = Hay un archivo elegido.
