-- Users who were removed from a room: they do not join it again until a member invites them.
create table removals (
  room_id    bigint not null references rooms (id) on delete cascade,
  user_id    bigint not null references users (id),
  removed_at bigint not null,
  primary key (room_id, user_id)
);
