-- A token may end by itself, and says when it was last used: at most an hour ago, or later.
alter table tokens add column expires_at integer;
alter table tokens add column last_used_at integer;
create index tokens_expires on tokens (expires_at);
create index sessions_expires on sessions (expires_at);
-- Which administrator made the link: it ends together with their own sign-ins. The command line's has none.
alter table resets add column made_by integer references users (id);
create index resets_made_by on resets (made_by);
