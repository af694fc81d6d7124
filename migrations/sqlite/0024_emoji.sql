-- Custom emoji of the installation. The version is the beginning of the image's hash, and part of its address.
create table emoji (
  name       text primary key,
  version    text not null,
  image      blob not null,                -- a PNG
  created_at integer not null
) strict;
