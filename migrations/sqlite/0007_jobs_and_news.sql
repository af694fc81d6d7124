-- Work that must be done after a commit. It is put here in the same transaction as what it follows
-- from; one job of a kind about one thing.
create table jobs (
  id         integer primary key,
  kind       text not null,
  about      text not null,             -- whom or what it is done to
  due_at     integer not null,          -- not before; while somebody does it: when their lease ends
  lease      integer,                   -- who does it
  attempts   integer not null default 0,
  failure    text,                      -- what the last attempt failed with
  dead_at    integer,                   -- when it was given up
  created_at integer not null,
  unique (kind, about)
) strict;
create index jobs_due on jobs (due_at) where dead_at is null;

-- What other processes on this database tell their connections, besides messages and ended sign-ins.
create table news (
  id       integer primary key autoincrement,
  origin   integer not null,            -- the process that has told its own already
  kind     text not null check (kind in ('joined', 'left', 'room', 'person')),
  room_id  integer,
  user_id  integer,
  noted_at integer not null
) strict;

-- Explicit reads are many and replace each other: when the last one was, and in which process.
alter table memberships add column read_at integer not null default 0;
alter table memberships add column read_by integer not null default 0;
create index memberships_read on memberships (read_at);
