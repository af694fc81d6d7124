-- Who is mentioned in which message, by its place: what is unread of them is a range of a room.
create table mentions (
  user_id bigint not null references users (id),
  pos     bigint not null,
  primary key (user_id, pos)
);
create index mentions_pos on mentions (pos);
