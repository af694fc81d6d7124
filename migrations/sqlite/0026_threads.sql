-- A thread is a room of visibility 'thread' that is reached through a message of another room, its head. Its members
-- follow it; who may read the other room may read it. What the head shows of it is kept here, because a head is read far
-- more often than a reply is written.
create table threads (
  room_id        integer primary key references rooms (id),
  parent_room_id integer not null references rooms (id),
  head_id        integer not null unique,   -- a message of that room
  replies        integer not null default 0,
  last_reply_at  integer,
  announced_at   integer not null default 0, -- when a reply last gave the head a rev: at most once a second
  head_stale     integer not null default 0  -- 1: there were replies since
) strict;
create index threads_parent on threads (parent_room_id);
create index threads_stale on threads (announced_at) where head_stale = 1;

-- Who replied in a thread, with the replies that are not deleted.
create table thread_authors (
  room_id  integer not null references threads (room_id),
  user_id  integer not null references users (id),
  replies  integer not null,
  last_seq integer not null,                -- of the last reply
  primary key (room_id, user_id)
) strict, without rowid;
create index thread_authors_last on thread_authors (room_id, last_seq);

-- The thread of which a message is the head.
alter table messages
  add column thread_id integer;
-- In the copy of a reply that was sent to the room, too: the reply.
alter table messages
  add column twin_of integer;
create index messages_twin on messages (twin_of) where twin_of is not null;
