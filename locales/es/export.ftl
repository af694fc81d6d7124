# Las páginas de una exportación
export-until = Todo lo que se escribió hasta { $name }. Todas las horas son las de { $zone }.
export-direct = conversación directa
export-private = privada
export-messages = mensajes: { $name }
export-older = Mensajes anteriores
export-newer = Mensajes siguientes
export-newest = Mensajes más recientes
export-edited = editado
export-deleted = Este mensaje fue borrado.
