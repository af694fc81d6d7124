-- Where several processes share one storage, an upload is gathered there: each piece is an object, and has arrived once
-- it has a row. `received`: the bytes of all pieces of the upload.
alter table uploads
  add column received integer not null default 0;

create table upload_pieces (
  upload_id text not null references uploads (id) on delete cascade,
  start_at  integer not null,
  length    integer not null,
  object    text not null,              -- the end of its name in storage
  primary key (upload_id, start_at)
) strict, without rowid;

-- A transaction that adds bytes locks it and then compares their sum with the quota of the installation.
insert into locks (name) values ('files');
