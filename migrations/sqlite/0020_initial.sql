-- The tables of Patio; migrations/postgres has the same. Times are Unix milliseconds, flags are 0 or 1. The numbers
-- before this one belonged to builds from before the first release (db/migrations.rs).

-- What is known of the installation as a whole. `epoch` names its history: a restore renews it.
create table settings (
  name  text primary key,
  value text not null
) strict, without rowid;

-- The last message id. A row and not a query for the maximum: raising it in the transaction that stores a batch puts
-- the batches of all processes in one order.
create table counters (
  name  text primary key,
  value integer not null
) strict, without rowid;
insert into counters (name, value) values ('message', 0);

-- Users

create table users (
  id             integer primary key,
  name           text not null,
  folded_name    text not null unique,     -- equal for names that differ only in case
  skeleton       text not null unique,     -- equal for names that look alike (UTS 39)
  display_name   text not null,
  sort_key       text,                     -- the order of display names (UTS 10), hexadecimal; null: not computed yet
  email          text not null unique,
  password_hash  text not null,
  role           text not null check (role in ('admin', 'member')),
  bot            integer not null default 0,
  avatar         text,                     -- the name of a row in `avatars`
  time_zone      text,                     -- an IANA name; null: not known yet, UTC
  created_at     integer not null,
  deactivated_at integer
) strict;

-- Profile pictures: JPEG, 256 x 256.
create table avatars (
  name  text primary key,                  -- random and new for each picture, so that browsers can cache it
  image blob not null
) strict, without rowid;

-- Names that readers cannot tell apart have the same key: the handle and display name of a user, the name of a room.
create table confusable_names (
  kind       text not null,
  key        text not null,
  subject_id integer not null,
  primary key (kind, key, subject_id)
) strict, without rowid;
create index confusable_names_subject on confusable_names (kind, subject_id);

-- Credentials. A secret itself is stored nowhere, only its SHA-256.

create table sessions (
  hash       blob primary key,
  user_id    integer not null references users (id),
  agent      text not null default '',     -- the browser's name, so that users can tell their sessions apart
  created_at integer not null,
  expires_at integer not null
) strict, without rowid;
create index sessions_user on sessions (user_id);
create index sessions_expires on sessions (expires_at);

create table tokens (
  hash         blob primary key,
  user_id      integer not null references users (id),
  label        text not null,
  created_at   integer not null,
  expires_at   integer,
  last_used_at integer                     -- up to an hour old
) strict, without rowid;
create index tokens_user on tokens (user_id);
create index tokens_expires on tokens (expires_at);

-- Links with which a user sets a new password once.
create table password_resets (
  hash       blob primary key,
  user_id    integer not null references users (id),
  made_by    integer references users (id), -- the link ends with this administrator's sessions; null: the command line
  expires_at integer not null
) strict, without rowid;
create index password_resets_user on password_resets (user_id);
create index password_resets_made_by on password_resets (made_by);

-- Where users signed in before: wrong passwords from elsewhere do not lock them out there.
create table known_devices (
  user_id      integer not null references users (id),
  hash         blob not null,              -- SHA-256 of the user and a device cookie's secret or an address
  last_used_at integer not null,
  primary key (user_id, hash)
) strict, without rowid;
create index known_devices_used on known_devices (last_used_at);

-- Rooms

-- A direct message stores its two users in `folded_name`, as "3:17" with the smaller id first: two users have one.
create table rooms (
  id          integer primary key,
  name        text not null,
  folded_name text not null,
  sort_key    text,                        -- as in `users`
  topic       text not null default '',
  visibility  text not null,
  lobby       integer not null default 0,
  owner_id    integer references users (id),
  code        text unique,                 -- of the invitation link
  last_seq    integer not null default 0,
  rev         integer not null default 0,
  created_at  integer not null
) strict;
create unique index rooms_public_name on rooms (folded_name) where visibility = 'public';
create unique index rooms_direct_pair on rooms (folded_name) where visibility = 'direct';
create unique index rooms_one_lobby on rooms (lobby) where lobby = 1;

-- `read_at` and `read_by` tell other processes about read markers: there are too many for the change feed.
create table memberships (
  user_id       integer not null references users (id),
  room_id       integer not null references rooms (id),
  last_read_seq integer not null,
  read_at       integer not null default 0,
  read_by       integer not null default 0, -- a process
  joined_at     integer not null,
  primary key (user_id, room_id)
) strict, without rowid;
create index memberships_room on memberships (room_id);
create index memberships_read on memberships (read_at);

-- Users who were removed from a room cannot join it until a member invites them.
create table removals (
  room_id    integer not null references rooms (id) on delete cascade,
  user_id    integer not null references users (id),
  removed_at integer not null,
  primary key (room_id, user_id)
) strict, without rowid;

-- What a deleted room was. Its row in `rooms` becomes a private room without owner, code and members, which every
-- query hides already. The row stays after the messages are gone, so that its id is never used again.
create table deleted_rooms (
  room_id     integer primary key references rooms (id),
  visibility  text not null,
  folded_name text not null,
  code        text unique,
  owner_id    integer,
  deleted_by  integer not null,
  deleted_at  integer not null,
  purged_at   integer
) strict;
create unique index deleted_rooms_name on deleted_rooms (folded_name)
  where visibility = 'public' and purged_at is null;
create table deleted_memberships (
  room_id       integer not null references rooms (id),
  user_id       integer not null references users (id),
  last_read_seq integer not null,
  joined_at     integer not null,
  primary key (room_id, user_id)
) strict, without rowid;

-- A deleted room accepts no members, owner or code, whatever was checked before it was deleted, and no other room gets
-- its name while it can be restored. Such a statement changes no row.
create trigger deleted_rooms_take_no_members before insert on memberships
  when exists (select 1 from deleted_rooms where room_id = new.room_id)
begin
  select raise(ignore);
end;
create trigger deleted_rooms_stay_as_they_are before update of visibility, owner_id, code on rooms
  when exists (select 1 from deleted_rooms where room_id = new.id)
begin
  select raise(ignore);
end;
create trigger deleted_rooms_keep_names_of_new before insert on rooms
  when new.visibility = 'public' and exists (select 1 from deleted_rooms
    where visibility = 'public' and purged_at is null and folded_name = new.folded_name)
begin
  select raise(ignore);
end;
create trigger deleted_rooms_keep_names before update of visibility, folded_name on rooms
  when new.visibility = 'public' and exists (select 1 from deleted_rooms
    where visibility = 'public' and purged_at is null and folded_name = new.folded_name)
begin
  select raise(ignore);
end;

-- Messages

create table messages (
  room_seq_key integer primary key,        -- room_id << 32 | seq: the history of a room is one range
  room_rev_key integer not null unique,    -- room_id << 32 | rev: the changes after a rev are one range
  id           integer not null unique,    -- in the order of commits over all rooms
  author_id    integer not null references users (id),
  kind         text not null,
  body         text not null,
  html         text not null,
  reply_to     integer,
  created_at   integer not null,
  edited_at    integer,
  deleted_at   integer,
  deleted_by   text                        -- 'author' or 'moderator'; null counts as the author
) strict;
-- Deleted messages do not count as unread: few, so they are counted and subtracted.
create index messages_deleted on messages (room_seq_key) where deleted_at is not null;

create table reactions (
  message_id   integer not null,
  user_id      integer not null references users (id),
  emoji        text not null,
  room_rev_key integer not null default 0, -- the change that added it: reactions keep their order
  primary key (message_id, user_id, emoji)
) strict, without rowid;

-- Mentioned users, by message: the unread ones are a range of a room.
create table mentions (
  user_id      integer not null references users (id),
  room_seq_key integer not null,
  primary key (user_id, room_seq_key)
) strict, without rowid;
create index mentions_message on mentions (room_seq_key);

-- The message that a nonce was used for, for 30 days: a repeated request stores nothing. The nonce comes first in the
-- key: clients generate them in the order of time, so new rows are adjacent.
create table idempotency_keys (
  nonce      text not null,
  author_id  integer not null,
  message_id integer not null,
  primary key (nonce, author_id)
) strict, without rowid;
create index idempotency_keys_message on idempotency_keys (message_id);

-- All messages of a user are being deleted, from the newest to the oldest.
create table erasures (
  user_id      integer primary key references users (id),
  requested_by integer,
  requested_at integer not null,
  newest       integer not null,           -- the newest message id at the request
  before       integer not null,           -- messages with a smaller id are left
  deleted      integer not null default 0,
  finished_at  integer
) strict;

-- Search

-- The tokens of each message, made in Rust (chat/search/model) and separated by spaces; rowid is messages.id. Deleted
-- content is overwritten in the index, too.
create virtual table search using fts5 (tokens, content = '', tokenize = 'ascii');
insert into search (search, rank) values ('secure-delete', 1);

-- The time range of each id range, that is of 4096 consecutive message ids: a search by date reads only some of them.
create table message_time_ranges (
  id_range integer primary key,            -- id >> 12
  oldest   integer not null,               -- no message is older
  newest   integer not null                -- all messages are older
) strict;

-- Operation

-- Changes of users, rooms, memberships and credentials, for the other processes on the database and for clients that
-- reconnect.
create table changes (
  id          integer primary key autoincrement,
  process     integer not null,            -- has published the change itself; 0: every process publishes it
  kind        text not null,
  room_id     integer,
  user_id     integer,
  credential  blob,                        -- the hash of a revoked session or token
  recorded_at integer not null
) strict;
create index changes_recorded on changes (recorded_at);

-- Work to do after a commit, added in the same transaction. One job for each kind and subject.
create table jobs (
  id         integer primary key,
  kind       text not null,
  subject    text not null,
  due_at     integer not null,             -- not earlier; while it runs: when its lease ends
  lease      integer,                      -- who runs it
  attempts   integer not null default 0,
  failure    text,                         -- the error of the last attempt
  dead_at    integer,                      -- when it was given up
  created_at integer not null,
  unique (kind, subject)
) strict;
create index jobs_due on jobs (due_at) where dead_at is null;

-- Actions that concern other users, each recorded in the transaction of the action.
create table audit (
  id           integer primary key autoincrement,
  at           integer not null,
  actor_id     integer references users (id), -- null: the command line
  action       text not null,
  subject_kind text not null,
  subject_id   integer,
  subject_name text,                       -- its name at that time
  detail       text not null               -- JSON: names and numbers, never message text
) strict;
create trigger audit_is_not_updated before update on audit
begin
  select raise(abort, 'audit is append-only');
end;
create trigger audit_is_not_deleted before delete on audit
begin
  select raise(abort, 'audit is append-only');
end;
