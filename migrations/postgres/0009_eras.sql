-- An index of PostgreSQL gathers everything that fits before it knows the newest. Therefore messages are found by their eras too:
-- by every so many thousands of ids (chat/search/store/eras.rs). Only the index has them; a row of `search` has its own words.
drop index search_tokens;
-- Of immutable parts alone and not strict, so that it is put in where it is used and not called: that takes a third of the time.
create function search_entry(id bigint, tokens tsvector) returns tsvector immutable parallel safe language sql
  return tokens || array_to_tsvector(array[
    chr(57349) || '12.' || cast(id >> 12 as text), chr(57349) || '15.' || cast(id >> 15 as text),
    chr(57349) || '18.' || cast(id >> 18 as text), chr(57349) || '21.' || cast(id >> 21 as text)]);
create index search_tokens on search using gin (search_entry(id, tokens));
