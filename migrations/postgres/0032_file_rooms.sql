-- The room that decides who may read the message of a file: the files of a room are one range, those in its threads
-- included.
alter table files
  add column room_id bigint;
update files set room_id =
  (select coalesce((select t.parent_room_id from threads t where t.room_id = m.room_seq_key >> 32),
                   m.room_seq_key >> 32)
   from messages m where m.id = files.message_id)
where message_id is not null;
create index files_room on files (room_id, message_id) where room_id is not null;
