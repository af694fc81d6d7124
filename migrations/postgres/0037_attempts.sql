-- Attempts to sign in, to register and the like, which all processes count together. A row is a bucket of tokens, and
-- deleted once that is full again. Unlogged: nothing of it is written to the log or has to outlive a crash.
create unlogged table attempts (
  key     bytea primary key,  -- a hash of what is counted, and whose
  every   bigint not null,    -- milliseconds in which a token comes back
  burst   bigint not null,    -- how many tokens it holds
  full_at bigint not null     -- when it is full again
) with (fillfactor = 70);
