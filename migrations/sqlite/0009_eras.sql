-- PostgreSQL's migration of this number is about its index of words; SQLite's walks from the newest by itself.
select 1;
