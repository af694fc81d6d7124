-- What users keep for themselves: saved messages, drafts, and the places of their rooms. And rooms that are archived.

alter table rooms
  add column archived_at integer;          -- nothing is posted there any more; null: in use

alter table memberships
  add column favourite integer not null default 0;
alter table memberships
  add column section text not null default ''; -- of the sidebar; empty: none
alter table deleted_memberships
  add column favourite integer not null default 0;
alter table deleted_memberships
  add column section text not null default '';

create table saved_messages (
  user_id    integer not null references users (id),
  message_id integer not null,
  saved_at   integer not null,
  primary key (user_id, message_id)
) strict, without rowid;
create index saved_messages_newest on saved_messages (user_id, saved_at, message_id);
create index saved_messages_message on saved_messages (message_id);

-- Text that was not sent yet, on all devices of its author. Storing a message with this nonce deletes the row.
create table drafts (
  user_id    integer not null references users (id),
  room_id    integer not null references rooms (id) on delete cascade,
  body       text not null,
  reply_to   integer,
  nonce      text,
  updated_at integer not null,
  primary key (user_id, room_id)
) strict;
create index drafts_room on drafts (room_id);

-- The message of a change of what one user has saved.
alter table changes
  add column message_id integer;
