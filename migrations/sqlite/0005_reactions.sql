-- The change of the room with which a reaction came (room_id << 32 | rev), so that they keep their order.
alter table reactions add column rev integer not null default 0;
