-- What was deleted is not unread: it is counted between two places of a room, and is a small part of all.
create index messages_deleted on messages (pos) where deleted_at is not null;
