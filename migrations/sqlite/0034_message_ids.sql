-- Rows that a transaction locks before it counts what is limited in number.
create table locks (
  name text primary key
) strict, without rowid;
insert into locks (name) values ('anonymous sessions'), ('emoji');

-- The last message id is read under the same name as PostgreSQL's sequence. Here the counter stays: there is one writer.
create view message_ids as select value as last_value from counters where name = 'message';
