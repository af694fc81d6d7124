-- Anonymous sessions: they begin before their user is known, and hold data. The ids of earlier sessions have another
-- format, so those end here.

drop table sessions;
create table sessions (
  hash       bytea primary key,
  user_id    bigint references users (id), -- null: anonymous
  agent      text not null default '',     -- the browser's name, so that users can tell their sessions apart
  data       text,                         -- a JSON object of at most 4 KiB; null: empty
  network    bytea,                         -- if anonymous: SHA-256 of the address, or of its /64 (IPv6)
  created_at bigint not null,
  expires_at bigint not null
);
create index sessions_user on sessions (user_id);
create index sessions_expires on sessions (expires_at);
create index sessions_anonymous on sessions (created_at) where user_id is null;

-- The row that a transaction locks before it adds an anonymous session, because their number is limited.
insert into counters (name, value) values ('session', 0);
