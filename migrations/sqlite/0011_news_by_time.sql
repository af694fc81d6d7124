-- Who was away asks for what was noted since.
create index news_noted on news (noted_at);
