# Lo que solo ve una persona: mensajes guardados, borradores, lugares de salas
saved-messages = Guardados
save-message = Guardar para luego
unsave-message = Quitar de guardados
unsave-message-of = Quitar de guardados el mensaje de { $name }
message-is-saved = Guardado
unsaved = Se ha quitado de tus mensajes guardados.
saved-empty = Aún no hay nada guardado
saved-empty-text = Guarda un mensaje para volver a encontrarlo aquí, en todos tus dispositivos. Solo tú ves lo que guardas.
saved-earlier = Guardados antes

draft = borrador
drafts = Borradores
drafts-empty = No hay borradores
drafts-empty-text = Lo que has empezado a escribir y no has enviado espera aquí, en todos tus dispositivos.
draft-continue = Seguir escribiendo
draft-continue-in = Seguir escribiendo en { $name }
draft-discard = Eliminar
draft-discard-of = Eliminar el borrador de { $name }
draft-discarded = El borrador se ha eliminado.
draft-other = Borrador de otro dispositivo, { $name }
draft-use = Usarlo
draft-keep = Quedarme con el mío

favourite = Favorita
favourites = Favoritas
archived-rooms = Salas archivadas
room-place = Tu barra lateral
room-place-hint = Pon esta sala en una sección tuya. Solo tú la ves. Déjalo vacío para no usar ninguna.
field-section = Sección
room-archived = Esta sala está archivada. Puedes leerla y buscar en ella, pero no escribir.
archive-room = Archivar la sala
archive-room-hint = Todos pueden seguir leyéndola y buscando en ella, pero no se escribe en ella hasta que vuelva a estar en uso.
unarchive-room = Volver a usar la sala
unarchive-room-hint = Está archivada: se puede leer, pero no escribir en ella.
