-- Rows that a transaction locks before it counts what is limited in number.
create table locks (
  name text collate "C" primary key
);
insert into locks (name) values ('anonymous sessions'), ('emoji');

-- Message ids come from a sequence, so that batches of messages wait for each other only if they share a room. A batch
-- takes its ids after it has locked its rooms: in a room, ids rise with seq. Without `cache` ids have no large gaps.
create sequence message_ids minvalue 0;
lock table counters in exclusive mode;
select setval('message_ids', (select value from counters where name = 'message'));
delete from counters;

-- Earlier versions take ids from the counter, and no locks on rooms. Those that still run answer 503 until they are
-- replaced: they take 53400 for a fault that passes. Those that start refuse the database.
create function counters_are_replaced() returns trigger language plpgsql as $$
begin
  raise exception 'this Patio is too old for its database: start the newer one' using errcode = '53400';
end $$;
create trigger counters_are_replaced before update on counters
  for each statement execute function counters_are_replaced();
insert into settings (name, value) values ('oldest_version', '34')
  on conflict (name) do update set value = excluded.value;
