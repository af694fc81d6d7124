-- The tables everything stands on. Times are unix milliseconds, flags are 0 or 1.
-- The same shape as migrations/postgres, table by table.

-- What is known of this installation as a whole. `epoch` names its history: a restore changes it.
create table meta (
  name  text primary key,
  value text not null
) strict, without rowid;

-- The last number given out. A row, and not a query for the greatest id: raising it inside the
-- transaction puts all posts of all processes into one order.
create table counters (
  name  text primary key,
  value integer not null
) strict, without rowid;
insert into counters (name, value) values ('message', 0);

create table users (
  id             integer primary key,
  name           text not null,
  folded_name    text not null unique,  -- equal for names that differ in case alone
  skeleton       text not null unique,  -- equal for names that look alike (UTS 39)
  display_name   text not null,
  email          text not null unique,
  password_hash  text not null,
  role           text not null check (role in ('admin', 'member')),
  bot            integer not null default 0,
  created_at     integer not null,
  deactivated_at integer
) strict;

create table sessions (
  hash       blob primary key,          -- SHA-256 of the cookie's secret, which is kept nowhere
  user_id    integer not null references users (id),
  created_at integer not null,
  expires_at integer not null
) strict, without rowid;
create index sessions_user on sessions (user_id);

create table tokens (
  hash       blob primary key,
  user_id    integer not null references users (id),
  label      text not null,
  created_at integer not null
) strict, without rowid;
create index tokens_user on tokens (user_id);

create table rooms (
  id          integer primary key,
  name        text not null,
  folded_name text not null,
  topic       text not null default '',
  visibility  text not null check (visibility in ('public', 'private', 'direct')),
  lobby       integer not null default 0,
  owner_id    integer references users (id),
  code        text unique,
  last_seq    integer not null default 0,
  rev         integer not null default 0,
  created_at  integer not null
) strict;
create unique index rooms_public_name on rooms (folded_name) where visibility = 'public';
create unique index rooms_one_lobby on rooms (lobby) where lobby = 1;

create table memberships (
  user_id       integer not null references users (id),
  room_id       integer not null references rooms (id),
  last_read_seq integer not null,
  joined_at     integer not null,
  primary key (user_id, room_id)
) strict, without rowid;
create index memberships_room on memberships (room_id);

create table messages (
  pos        integer primary key,       -- room_id << 32 | seq: a room's history is one range
  change     integer not null unique,   -- room_id << 32 | rev: what changed since R is one range
  id         integer not null unique,   -- in order of commit over all rooms
  author_id  integer not null references users (id),
  kind       text not null check (kind in ('text', 'action')),
  body       text not null,
  html       text not null,
  reply_to   integer,
  created_at integer not null,
  edited_at  integer,
  deleted_at integer
) strict;

create table reactions (
  message_id integer not null,
  user_id    integer not null references users (id),
  emoji      text not null,
  primary key (message_id, user_id, emoji)
) strict, without rowid;

-- Which send made which message, for 30 days, so that a repeated send changes nothing.
-- The nonce leads: browsers make them in order of time, and so new rows stand side by side.
create table sends (
  nonce      text not null,
  author_id  integer not null,
  message_id integer not null,
  primary key (nonce, author_id)
) strict, without rowid;
create index sends_message on sends (message_id);
