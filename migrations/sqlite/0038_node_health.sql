-- What more a node reports: since when the bus is away, how old its last look into the change feed was (milliseconds),
-- and how often in the last hour polling found messages that the bus had not brought. Empty for an older version.
alter table nodes
  add column bus_away_since integer;
alter table nodes
  add column look_age integer;
alter table nodes
  add column repaired integer;
