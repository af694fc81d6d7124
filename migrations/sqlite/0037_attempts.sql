-- Attempts to sign in, to register and the like. Empty here: SQLite has one process, which counts in memory.
create table attempts (
  key     blob primary key,
  every   integer not null,
  burst   integer not null,
  full_at integer not null
) strict, without rowid;
