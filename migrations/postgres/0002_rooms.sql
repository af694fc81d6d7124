-- Rooms that people make. A direct conversation keeps its pair in `folded_name`, as "3:17" with the
-- smaller id first: one conversation a pair, for ever.
create unique index rooms_direct_pair on rooms (folded_name) where visibility = 'direct';
