-- An index of PostgreSQL gathers everything that fits before it knows the newest. Therefore messages are found by their eras too:
-- by every so many thousands of ids (chat/search/store/eras.rs). Only the index has them; a row of `search` has its own words.
drop index search_tokens;
create function search_entry(id bigint, tokens tsvector) returns tsvector
  immutable strict parallel safe language sql
  return tokens || array_to_tsvector(array[
    chr(57349) || '12.' || (id >> 12), chr(57349) || '15.' || (id >> 15),
    chr(57349) || '18.' || (id >> 18), chr(57349) || '21.' || (id >> 21)]);
create index search_tokens on search using gin (search_entry(id, tokens));
