-- Links with which somebody sets a new password, each good for one time.
create table resets (
  hash       blob primary key,          -- SHA-256 of the link's secret, which is kept nowhere
  user_id    integer not null references users (id),
  expires_at integer not null
) strict, without rowid;
create index resets_user on resets (user_id);

-- Sign-ins that were ended: other processes on this database cut their live connections by it.
create table endings (
  id             integer primary key autoincrement,
  hash           blob not null,
  account_closed integer not null,
  ended_at       integer not null
) strict;

-- Pictures that people put in place of their initials: JPEG, 256 x 256.
create table avatars (
  name  text primary key,               -- random, new with each picture, so that browsers keep it
  image blob not null
) strict, without rowid;
alter table users add column avatar text;
