-- The order of names in lists, by the Unicode Collation Algorithm; hexadecimal. Null: not made yet.
alter table users add column sort_key text;
alter table rooms add column sort_key text;

-- Names that readers cannot tell apart share a key. Of users handle and display name, of rooms the name.
create table confusable_names (
  kind       text    not null check (kind in ('user', 'room')),
  key        text    not null,
  subject_id integer not null,
  primary key (kind, key, subject_id)
) strict, without rowid;
create index confusable_names_subject on confusable_names (kind, subject_id);
