-- The IANA name of the time zone that a user's days are those of. Null: not known yet, UTC.
alter table users add column time_zone text;
