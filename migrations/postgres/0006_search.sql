-- What messages are found by. Their tokens are made in Rust (chat/search/model), never by a
-- configuration of the server; id is messages.id.
create table search (id bigint primary key, tokens tsvector not null); create index search_tokens on search using gin (tokens);
-- Messages below this id are still to be indexed; no row when all are.
insert into meta (name, value) select 'search_below', cast(max(id) + 1 as text) from messages having max(id) is not null;
