-- What more a node reports: since when the bus is away, how old its last look into the change feed was (milliseconds),
-- and how many rooms it had to repair in the last hour.
alter table nodes
  add column bus_away_since integer;
alter table nodes
  add column look_age integer not null default 0;
alter table nodes
  add column repaired integer not null default 0;
