-- What more a node reports: since when the bus is away, how old its last look into the change feed was (milliseconds),
-- and how many rooms it had to repair in the last hour.
alter table nodes
  add column bus_away_since bigint;
alter table nodes
  add column look_age bigint not null default 0;
alter table nodes
  add column repaired bigint not null default 0;
