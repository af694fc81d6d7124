-- Custom emoji of the installation. The version is the beginning of the image's hash, and part of its address.
create table emoji (
  name       text collate "C" primary key,
  version    text collate "C" not null,
  image      bytea not null,               -- a PNG
  created_at bigint not null
);
