-- Quotes, the edit history and pins of messages.

-- The replies to a message: a change of it changes what they quote.
create index messages_replies on messages (reply_to, room_seq_key) where reply_to is not null;

-- How often a message was edited. Of earlier edits only the last time is known.
alter table messages
  add column edits bigint not null default 0;
update messages set edits = 1 where edited_at is not null;

-- Who pinned a message to its room, and when; null: it is not pinned.
alter table messages
  add column pinned_at bigint;
alter table messages
  add column pinned_by bigint references users (id);
create index messages_pinned on messages (room_seq_key) where pinned_at is not null;

-- The former versions of edited messages. Deleting a message deletes them.
create table message_edits (
  message_id bigint not null,
  number     bigint not null,             -- the edits before it; 0: the original
  body       text not null,
  markup     bigint not null default 0, -- as in `messages`
  at         bigint not null,             -- when it was written
  primary key (message_id, number)
);
