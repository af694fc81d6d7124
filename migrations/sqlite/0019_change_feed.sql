-- One change feed. Revoked credentials become changes, and a kind needs no new table.
create table changes (
  id          integer primary key autoincrement,
  process     integer not null,         -- who made the change and has published it; 0: all processes publish it
  kind        text not null,
  room_id     integer,
  user_id     integer,
  credential  blob,                     -- the hash of a revoked session or token
  recorded_at integer not null
) strict;
create index changes_recorded on changes (recorded_at);
insert into changes (process, kind, room_id, user_id, recorded_at)
  select origin, case kind when 'person' then 'user' else kind end, room_id, user_id, noted_at
  from news order by id;
drop table news;
drop table endings;
