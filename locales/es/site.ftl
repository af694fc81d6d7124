# El marco de cada página
site-description = { $name }: un chat que lleva su propia gente.
hosted-by-community = Alojado por tu comunidad
language = Idioma
close = Cerrar

weekdays = lunes martes miércoles jueves viernes sábado domingo
months = enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre
day-line = { $weekday } { $day } de { $month } de { $year }
