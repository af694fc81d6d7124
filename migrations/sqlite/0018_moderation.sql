-- Who did what that concerns others. A row is written in the transaction of what it records, and stays.
create table audit (
  id           integer primary key autoincrement,
  at           integer not null,
  actor_id     integer references users (id), -- null: the command line
  action       text not null,
  subject_kind text not null,
  subject_id   integer,
  subject_name text,                    -- what it was called then
  detail       text not null            -- JSON: names and numbers, never what somebody wrote
) strict;
create trigger audit_is_not_updated before update on audit begin select raise(abort, 'audit is append-only'); end; create trigger audit_is_not_deleted before delete on audit begin select raise(abort, 'audit is append-only'); end;

-- 'author' or 'moderator'. Null for messages that were deleted before it was kept: their author.
alter table messages add column deleted_by text;

-- What a deleted room was. Its row in `rooms` becomes a private room without owner, code and members,
-- which every query hides already. The row stays after the messages are gone, so that no id returns.
create table deleted_rooms (
  room_id     integer primary key references rooms (id),
  visibility  text not null,
  folded_name text not null,
  code        text unique,
  owner_id    integer,
  deleted_by  integer not null,
  deleted_at  integer not null,
  purged_at   integer
) strict;
create unique index deleted_rooms_name on deleted_rooms (folded_name) where visibility = 'public' and purged_at is null;
create table deleted_memberships (
  room_id       integer not null references rooms (id),
  user_id       integer not null references users (id),
  last_read_seq integer not null,
  joined_at     integer not null,
  primary key (room_id, user_id)
) strict, without rowid;

-- A deleted room takes no members, no owner and no code, whatever was checked before it was deleted; and
-- nobody else gets its name while it can be restored. Such a statement changes no row.
create trigger deleted_rooms_take_no_members before insert on memberships when exists (select 1 from deleted_rooms where room_id = new.room_id) begin select raise(ignore); end;
create trigger deleted_rooms_stay_as_they_are before update of visibility, owner_id, code on rooms when exists (select 1 from deleted_rooms where room_id = new.id) begin select raise(ignore); end;
create trigger deleted_rooms_keep_names_of_new before insert on rooms when new.visibility = 'public' and exists (select 1 from deleted_rooms where visibility = 'public' and purged_at is null and folded_name = new.folded_name) begin select raise(ignore); end; create trigger deleted_rooms_keep_names before update of visibility, folded_name on rooms when new.visibility = 'public' and exists (select 1 from deleted_rooms where visibility = 'public' and purged_at is null and folded_name = new.folded_name) begin select raise(ignore); end;

-- All that somebody wrote is being deleted, from the newest message to the oldest.
create table erasures (
  user_id      integer primary key references users (id),
  requested_by integer,
  requested_at integer not null,
  newest       integer not null,        -- the newest message when it began
  before       integer not null,        -- messages with a smaller id are still to be looked at
  deleted      integer not null default 0,
  finished_at  integer
) strict;
