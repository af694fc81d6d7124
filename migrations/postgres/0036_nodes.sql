-- The processes of this installation, for administrators to look at: each writes its row every ten seconds. It is
-- deleted when its process ends, or a day after the process was last seen.
create table nodes (
  process      bigint primary key,  -- random for each start
  name         text not null,
  version      text not null,
  started_at   bigint not null,
  seen_at      bigint not null,
  connections  bigint not null,
  users_online bigint not null,
  bus          text not null,
  clock_offset bigint not null      -- milliseconds that its machine is behind the database
);
