-- What was found at an address that a message links to. A cache: a week old, or for a failure an hour, it is fetched
-- again. `asked_at` and `asked_by` count against the limits. While `claimed_until` is in the future, a process fetches it.
create table link_previews (
  address       text collate "C" primary key,
  asked_by      bigint not null,
  asked_at      bigint not null,
  claimed_until bigint not null,
  expires_at    bigint not null default 0,
  title         text,                        -- null: no preview was found
  text          text not null default '',
  site          text not null default '',
  image_hash    text collate "C",
  image_width   bigint,
  image_height  bigint
);
create index link_previews_asked on link_previews (asked_at);
create index link_previews_image on link_previews (image_hash) where image_hash is not null;

-- The previews of a message, as they were found. `position` is the place of the link among those of the message, from
-- 0. `hidden` is 1 if it was removed: it does not come back with the next edit.
create table message_previews (
  message_id    bigint not null,
  position      bigint not null,
  address       text collate "C" not null,
  hidden        bigint not null default 0,
  title         text not null,
  text          text not null,
  site          text not null,
  image_hash    text collate "C",
  image_width   bigint,
  image_height  bigint,
  primary key (message_id, position)
);
create index message_previews_image on message_previews (image_hash) where image_hash is not null;

-- Their pictures, small and encoded by Patio, by SHA-256.
create table preview_images (
  hash          text collate "C" primary key,
  image         bytea not null,
  created_at    bigint not null
);

-- How many previews a message has, so that one without any costs no lookup.
alter table messages
  add column previews bigint not null default 0;
-- 1: links in new messages of the room get previews.
alter table rooms
  add column link_previews bigint not null default 1;
