-- What messages are found by. Their tokens are made in Rust (chat/search/model) and come with spaces
-- between them; rowid is messages.id. What is deleted is overwritten here too.
create virtual table search using fts5 (tokens, content = '', tokenize = 'ascii'); insert into search (search, rank) values ('secure-delete', 1);
-- Messages below this id are still to be indexed; no row when all are.
insert into meta (name, value) select 'search_below', cast(max(id) + 1 as text) from messages having max(id) is not null;
