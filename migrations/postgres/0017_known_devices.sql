-- From where users signed in before: others' wrong passwords do not keep them out there.
create table known_devices (
  user_id      bigint not null references users (id),
  hash         bytea not null,          -- SHA-256 of the user and a cookie's secret or an address
  last_used_at bigint not null,
  primary key (user_id, hash)
);
create index known_devices_used on known_devices (last_used_at);
