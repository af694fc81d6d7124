-- How the HTML of a message was made from its text: 0 = plain, as for all messages so far.
alter table messages
  add column markup integer not null default 0;
