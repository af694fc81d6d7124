-- When a check found that a content which a file names is not in storage, or has another size there. null: it is sound.
alter table contents
  add column missing_since bigint;
create index contents_missing on contents (hash) where missing_since is not null;

-- The last check of the storage against the database, or the one that runs: one row. It goes through 256 folders.
create table storage_checks (
  started_at   bigint primary key,
  finished_at  bigint,
  next_folder  bigint not null default 0,
  contents     bigint not null default 0,
  bytes        bigint not null default 0,
  missing      bigint not null default 0,  -- of another size included
  orphans      bigint not null default 0,  -- contents that the database did not know
  orphan_bytes bigint not null default 0
);
