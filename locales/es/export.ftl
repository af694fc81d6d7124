# Las páginas de una exportación
export-until = Todo lo escrito hasta { $name }. Todas las horas son de { $zone }.
export-direct = mensaje directo
export-group = grupo
export-private = privada
export-messages = mensajes: { $name }
export-older = Mensajes anteriores
export-newer = Mensajes siguientes
export-newest = Mensajes más recientes
export-edited = editado
export-deleted = Este mensaje fue eliminado.
