-- What a browser calls itself, so that people can tell their own sign-ins apart.
alter table sessions add column agent text not null default '';
