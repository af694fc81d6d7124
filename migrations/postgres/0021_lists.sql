-- Lists sorted by name are read in pages, and a part of a name finds an entry. `filter_text` has the names without case
-- and accents; it is filled at the start, like `sort_key`.
alter table users
  add column filter_text text collate "C" not null default '';
alter table rooms
  add column filter_text text collate "C" not null default '';
create index users_by_name on users (sort_key, id);
-- The lobby comes first.
create index rooms_by_name on rooms ((case when lobby = 1 then '' else sort_key end), id);
