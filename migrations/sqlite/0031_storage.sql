-- While a content is being deleted from storage, no new file names it: the deletion may take effect at any moment.
-- null: it is not being deleted.
alter table contents
  add column deleting_since integer;
