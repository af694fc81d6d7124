-- The processes of this installation. Empty here: SQLite has one process, which keeps what it would write in memory.
create table nodes (
  process      integer primary key,
  name         text not null,
  version      text not null,
  started_at   integer not null,
  seen_at      integer not null,
  connections  integer not null,
  users_online integer not null,
  bus          text not null,
  clock_offset integer not null
) strict;
