# What only one user sees: saved messages, drafts, places of rooms
saved-messages = Saved
save-message = Save for later
unsave-message = Remove from saved
unsave-message-of = Remove from saved: message by { $name }
message-is-saved = Saved
unsaved = Removed from your saved messages.
saved-empty = Nothing saved yet
saved-empty-text = Save a message to find it here again, on all your devices. Only you see what you saved.
saved-earlier = Saved earlier

draft = draft
drafts = Drafts
drafts-empty = No drafts
drafts-empty-text = What you have started to write and not sent waits here, on all your devices.
draft-continue = Go on writing
draft-continue-in = Go on writing in { $name }
draft-discard = Delete
draft-discard-of = Delete the draft in { $name }
draft-discarded = The draft is deleted.
draft-other = Draft from another device, { $name }
draft-use = Use it
draft-keep = Keep mine

favourite = Favourite
favourites = Favourites
archived-rooms = Archived rooms
room-place = Your sidebar
room-place-hint = Put this room into a section of your own. Only you see it. Leave it empty for no section.
field-section = Section
room-archived = This room is archived. You can read and search it, but not write in it.
archive-room = Archive the room
archive-room-hint = Everyone can go on reading and searching it, but it takes no messages until it is in use again.
unarchive-room = Use the room again
unarchive-room-hint = It is archived: it can be read, but not written in.
