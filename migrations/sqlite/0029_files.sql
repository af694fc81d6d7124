-- Files that users send. A file arrives as an upload, waits until a message names it, and belongs to that message from
-- then on. Its bytes are a content, which files with the same bytes share.

create table uploads (
  id         text primary key,          -- random; the file that it becomes has the same
  owner_id   integer not null references users (id),
  name       text not null,
  alt        text not null default '',
  length     integer not null,          -- announced; what has arrived is the length of its file in the data directory
  created_at integer not null,
  expires_at integer not null
) strict;
create index uploads_owner on uploads (owner_id);
create index uploads_expiry on uploads (expires_at);

-- `unused_since`: when the last file that names it was deleted, or when it was announced to be stored; null: in use.
-- Who names a content and who deletes it lock its row first.
create table contents (
  hash         text primary key,        -- SHA-256, hexadecimal
  size         integer not null,
  unused_since integer
) strict;
create index contents_unused on contents (unused_since) where unused_since is not null;

create table files (
  id           text primary key,
  owner_id     integer not null references users (id),
  message_id   integer,                 -- null: not posted yet
  position     integer not null default 0,
  name         text not null,
  alt          text not null default '',
  kind         text not null,           -- image, video, audio, file
  media_type   text not null,
  width        integer,
  height       integer,
  duration_ms  integer,
  size         integer not null,
  sent_size    integer not null,        -- before metadata was removed
  hash         text not null references contents (hash),
  preview_hash text references contents (hash),
  created_at   integer not null
) strict;
create index files_message on files (message_id, position) where message_id is not null;
create index files_unposted on files (created_at) where message_id is null;
create index files_owner on files (owner_id);
create index files_hash on files (hash);
create index files_preview on files (preview_hash) where preview_hash is not null;

-- The number of its files. A message without any costs no lookup.
alter table messages
  add column files integer not null default 0;
