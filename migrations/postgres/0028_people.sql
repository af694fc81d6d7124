-- What users say about themselves. A status without `status_emoji` does not exist; one whose `status_until` has passed
-- counts as none, so that nothing has to happen at that time.
alter table users
  add column about text not null default '';
alter table users
  add column status_emoji text;
alter table users
  add column status_text text not null default '';
alter table users
  add column status_until bigint;

-- Only the owner and administrators may mention all members of the room at once.
alter table rooms
  add column wide_mentions_restricted bigint not null default 0;
-- A group stores the ids of its members in `folded_name`, in ascending order, as "3:8:17": each set of users has one.
create unique index rooms_group_members on rooms (folded_name) where visibility = 'group';
