-- Files that users send. A file arrives as an upload, waits until a message names it, and belongs to that message from
-- then on. Its bytes are a content, which files with the same bytes share.

create table uploads (
  id         text collate "C" primary key,          -- random; the file that it becomes has the same
  owner_id   bigint not null references users (id),
  name       text collate "C" not null,
  alt        text collate "C" not null default '',
  length     bigint not null,          -- announced; what has arrived is the length of its file in the data directory
  created_at bigint not null,
  expires_at bigint not null
);
create index uploads_owner on uploads (owner_id);
create index uploads_expiry on uploads (expires_at);

-- `unused_since`: when the last file that names it was deleted, or when it was announced to be stored; null: in use.
-- Who names a content and who deletes it lock its row first.
create table contents (
  hash         text collate "C" primary key,        -- SHA-256, hexadecimal
  size         bigint not null,
  unused_since bigint
);
create index contents_unused on contents (unused_since) where unused_since is not null;

create table files (
  id           text collate "C" primary key,
  owner_id     bigint not null references users (id),
  message_id   bigint,                 -- null: not posted yet
  position     bigint not null default 0,
  name         text collate "C" not null,
  alt          text collate "C" not null default '',
  kind         text collate "C" not null,           -- image, video, audio, file
  media_type   text collate "C" not null,
  width        bigint,
  height       bigint,
  duration_ms  bigint,
  size         bigint not null,
  sent_size    bigint not null,        -- before metadata was removed
  hash         text collate "C" not null references contents (hash),
  preview_hash text collate "C" references contents (hash),
  created_at   bigint not null
);
create index files_message on files (message_id, position) where message_id is not null;
create index files_unposted on files (created_at) where message_id is null;
create index files_owner on files (owner_id);
create index files_hash on files (hash);
create index files_preview on files (preview_hash) where preview_hash is not null;

-- The number of its files. A message without any costs no lookup.
alter table messages
  add column files bigint not null default 0;
