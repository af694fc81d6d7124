-- A thread is a room of visibility 'thread' that is reached through a message of another room, its head. Its members
-- follow it; who may read the other room may read it. What the head shows of it is kept here, because a head is read far
-- more often than a reply is written.
create table threads (
  room_id        bigint primary key references rooms (id),
  parent_room_id bigint not null references rooms (id),
  head_id        bigint not null unique,   -- a message of that room
  replies        bigint not null default 0,
  last_reply_at  bigint,
  announced_at   bigint not null default 0, -- when a reply last gave the head a rev: at most once a second
  head_stale     bigint not null default 0  -- 1: there were replies since
);
create index threads_parent on threads (parent_room_id);
create index threads_stale on threads (announced_at) where head_stale = 1;

-- Who replied in a thread, with the replies that are not deleted.
create table thread_authors (
  room_id  bigint not null references threads (room_id),
  user_id  bigint not null references users (id),
  replies  bigint not null,
  last_seq bigint not null,                -- of the last reply
  primary key (room_id, user_id)
);
create index thread_authors_last on thread_authors (room_id, last_seq);

-- The thread of which a message is the head.
alter table messages
  add column thread_id bigint;
-- In the copy of a reply that was sent to the room, too: the reply.
alter table messages
  add column twin_of bigint;
create index messages_twin on messages (twin_of) where twin_of is not null;
