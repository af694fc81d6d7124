-- Between which times the messages of an era are, that is, of 4096 ids in a row: so a search by date reads those alone.
create table eras (
  number integer primary key,           -- of a message: its id >> 12
  oldest integer not null,              -- none of its messages is older
  newest integer not null               -- and none is as new as this
) strict;
insert into eras select id >> 12, min(created_at), max(created_at) + 1 from messages group by 1;
