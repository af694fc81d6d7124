# The room page
skip-to-composer = Skip to message box
places = Places
you = You
rooms-nav = Rooms
rooms = Rooms
open-rooms = Open the list of rooms
people = People
people-button = { $count ->
    [one] { $count } member
   *[other] { $count } members
}
people-button-one = {"{n}"} member
people-button-other = {"{n}"} members
about-room = About { $name }
topic = Topic
online = Online
more-members = More members
offline = Offline

messages-in = Messages in { $name }
older-messages = Older messages
newer-messages = Newer messages
newest-messages = Newest messages
room-start = This is the start of #{ $name }
room-start-text = Say hello. People who join later can read everything from here on.
lobby-alone-text = You are the first one here. Invite the others, or write the first message: people who join later can read it.
write-first = Write the first message
add-topic = Add a topic
new-messages-one = {"{n}"} new message
new-messages-other = {"{n}"} new messages
announce-many = {"{n}"} new messages

write-message = Write a message
composer-more = More: formatting, emoji
formatting = Formatting
format-bold = Bold
format-italic = Italic
format-strike = Strikethrough
format-link = Link
format-list = List
format-numbers = Numbered list
format-quote = Quote
format-code = Code
format-block = Code block
preview = Preview
characters-left-one = {"{n}"} left
characters-left-other = {"{n}"} left
message-to = Message #{ $name }
enter-to-send = to send
typing-one = {"{names}"} is typing…
typing-other = {"{names}"} are typing…
typing-many = Several people are typing…
send = Send
sending = Sending…
waiting-for-connection = Waiting for connection
try-again = Try again
discard = Delete

offline-title = Reconnecting.
offline-text = You can keep writing; messages go out when you are back.
polling-title = Live updates are off.
polling-text = Messages come every few seconds, and what you write goes out.
list-away = No connection. Close this and open it again when it is back.
waiting-room-gone = The room for this message no longer exists.
waiting-refused = The server did not accept it.
going-title = No connection.
going-text = You will get there as soon as it is back.
offline-retry = Try now

# What is wrong with a message
body-empty = Write something first.
body-long = A message can have at most 16,000 characters.
nonce-shape = A nonce is 1 to 64 visible ASCII characters.
nonce-reused = This nonce was used for another message.
format-unknown = The format is markdown or plain.
reply-unknown = There is no such message in this room.
limit-range = The limit is a number from 1 to 100.
not-the-author = Only the author of a message may do this.
not-a-moderator = Only the author of a message, the owner of its room or an administrator may do this.
message-is-deleted = The message was deleted.
message-is-reply = This message is a reply in a thread: reply beside it.
thread-fixed = A thread has no name, owner or code.
emoji-one = Choose one emoji.
pins-many = A room can have at most 100 pinned messages.
emoji-many = A message can have at most 20 different emoji.
query-one-place = Give one of before, after, around and since_rev, or none.

# What becomes of a message
message-page = Message
message-actions = Message actions
message-by = Message by {"{name}"}
message-alone = Open on its own page
copy-text = Copy text
copied = Copied.
select-text = Select text
message-deleted = Message deleted
message-removed = Removed by a moderator
edited = (edited)
edit-message = Edit message
cancel = Cancel
delete-message = Delete message
delete-hint = Its text disappears for everyone. They can still see that there was a message.
remove-message = Remove this message
remove-message-hint = The text of { $name } disappears for everyone, for good. Everyone sees that a moderator removed it.
deleting = It will be deleted in a moment.
undo = Undo
react = Add a reaction
pinned-by = Pinned by
pin = Pin to the room
unpin = Unpin
pins-page = Pinned messages
pins-count = { $count ->
    [one] 1 pinned message
   *[other] { $count } pinned messages
}
pins-count-one = {"{n}"} pinned message
pins-count-other = {"{n}"} pinned messages
pins-none = Nothing is pinned here. Pin what everyone should find again: it is in the menu of each message.
show-in-room = Show in the room
reply = Reply
in-reply-to = In reply to
linked-message = The message behind the link:
no-reply = Do not reply to this message
quote-gone = The message was deleted
edits-page = Edit history
edits-none = Earlier versions of this message were not kept.
edits-now = Now
more-actions = More actions
copy-link = Copy link
mark-unread = Mark unread from here
marked-unread = Unread from here.
message-source = Text as it was typed
key-delete = Del
reaction-count = { $count ->
    [one] { $count } person
   *[other] { $count } people
}
field-emoji = Another emoji
react-button = React
change-failed = That did not work. Try again.
retry-hint = Try again {"{when}"}.
change-signed-out = Your session has ended. Load the page again to sign in: what you wrote is kept.

# Blocks of code
code-named = Code, { $name }
code-text = Text
code-copy = Copy
code-copied = Copied
code-more-one = Show {"{n}"} more line
code-more-other = Show {"{n}"} more lines
code-fewer = Show fewer lines

# Emoji
emoji-choose = Choose an emoji
emoji-search = Search emoji
emoji-search-short = Search
emoji-groups = Kinds
emoji-recent = Recent
emoji-faces = Faces
emoji-people = People
emoji-nature = Nature
emoji-food = Food
emoji-activities = Activities
emoji-travel = Travel
emoji-objects = Objects
emoji-symbols = Symbols
emoji-flags = Flags
emoji-tone = Skin tone: {"{tone}"}
emoji-tones = Skin tone
emoji-tone-none = none
emoji-tone-light = light
emoji-tone-medium-light = medium light
emoji-tone-medium = medium
emoji-tone-medium-dark = medium dark
emoji-tone-dark = dark
emoji-found-one = {"{n}"} for “{"{term}"}”
emoji-found-other = {"{n}"} for “{"{term}"}”
emoji-found-none = Nothing is called “{"{term}"}”. Try another word, in English or in Spanish.
emoji-hint = Type : in the composer for the same list
emoji-menu = Emoji
emoji-custom = Custom emoji
emoji-custom-hint = Everyone can write them as :name: and react with them. Messages that were written before stay as they are.
emoji-custom-none = There are none yet.
emoji-add = Add the emoji
emoji-delete = Delete :{ $name }:
emoji-delete-short = Delete
field-emoji-name = Name of the emoji
field-emoji-name-hint = 2 to 32 lower-case letters, digits, “-”, “_” or “+”, for example party-parrot.
field-emoji-image = Image
field-emoji-image-hint = PNG, GIF, WebP or JPEG, up to 12 MB. A square works best; it is made small, and an animation stands still.
emoji-name-shape = Use 2 to 32 lower-case letters, digits, “-”, “_” or “+”.
emoji-name-standard = This is the name of a standard emoji.
emoji-name-taken = There is already an emoji with this name.
emoji-too-many = There can be at most 500 custom emoji. Delete one first.
emoji-unknown = There is no emoji with this name.
reactor-you = You
reactors-more = { $count ->
    [one] and { $count } more
   *[other] and { $count } more
}
react-with = React with {"{emoji}"}

# Rooms that people make
all-rooms = All rooms: create one or join one
all-rooms-title = Rooms
find-room = Find a room
no-room-called = No room here is called “{ $name }”. Maybe it is spelled differently?
show-all-rooms = Show all rooms
direct-messages = Direct messages
go-to = Go to or search…
room-or-person = Room or person
not-joined = not joined
results-none = Nothing found. Another spelling may help; Enter searches the messages.
results-one = {"{n}"} result
results-other = {"{n}"} results
unread = unread
with-your-name = with your name
new-line = New
jump-to-new = Jump to new messages
skip-to-content = Skip to content
room-settings = Room settings
back-to-room = Back to the room
reading-only = You have not joined this room.
join = Join
join-room = Join { $name }
online-count = { $count } online
owned-by = owner: { $name }
create-room = Create a room
create-room-button = Create the room
field-room-name = Name
field-topic = Topic (what it is for)
field-wide-mentions = Who may notify everyone with @room
wide-mentions-members = All members
wide-mentions-owner = Only the owner and administrators
field-link-previews = Links in new messages
link-previews-on = Show a preview of the page
link-previews-off = Show the link alone
link-previews = Link previews
remove-link-preview = Remove the preview “{ $name }”
remove-preview = Remove this preview
field-visibility = Who can join
visibility-public = Everyone here.
visibility-public-hint = It is listed, and everyone can read it.
visibility-private = Only invited people.
visibility-private-hint = It is not listed; a code lets people in.
join-by-code = Join by code
field-code = Code
field-code-hint = Twelve letters and digits. Capitals and hyphens do not matter.
room-name-and-topic = Name and topic
save = Save
invite = Invite people
invite-hint = Anyone who has this code or link and an account here can join.
invite-named = Invite { $name }
not-in-room = Not in this room, so not notified: { $name }
wide-asks = { $count ->
    [one] This notifies one person.
   *[other] This notifies { $count } people.
}
wide-asks-script = This notifies {"{n}"} people.
wide-send = Send it
wide-edit = Edit it
mention-room = everyone in this room
mention-here = everyone here who is online
qr-label = QR code of the link
renew-code = Renew the code
owner = Owner
hand-over = Hand over
hand-over-to = Hand over to { $name }
remove = Remove
remove-person = Remove { $name } from the room
leave-room = Leave the room
leave-room-hint = If the room is yours, it goes to the member who has been here longest.
invited = You are invited to this room.
message-person = Message { $name }
direct-start = This is between you and { $name }
direct-start-text = Nobody else can read it.

visibility-unknown = Choose who can join.
group-size = Choose 2 to 19 other people.
group-unknown = There is nobody with one of these names.
group-new = New group
group-hint = One room for 3 to 20 people. The same people always have the same one; nobody joins or leaves it.
field-names = With
field-names-hint = Names, with commas between them. 2 to 19 people.
group-begin = Begin
group-chosen = {"{n}"} of {"{most}"} chosen
group-take-out = Take out { $name }
group-full = No more than {"{most}"} people fit.
room-name-shape = A room’s name has 1 to 64 characters on one line.
section-shape = A section has at most 32 characters, on one line.
room-topic-shape = A topic can have at most 250 characters, on one line.
room-name-taken = There is already a room with this name.
code-unknown = No room has this code.
not-the-owner = Only the room’s owner may do this.
moderators-only = Only the room’s owner and administrators may do this.
room-permanent = You cannot leave this room.
room-no-member = That person is not in this room.

# Deleting a room
delete-room = Delete the room
delete-room-hint = It disappears for everyone at once. It can be restored for 24 hours; then all its messages are deleted for good.
room-deleted = Room deleted
room-deleted-text = { $name } is gone for everyone.
room-restore-until = It can be restored until
room-restore = Restore
deleted-rooms = Rooms you deleted
message-count = { $count ->
    [one] { $count } message
   *[other] { $count } messages
}

# All rooms, for administrators
admin-rooms = Rooms
admin-rooms-hint = All rooms, private ones by name and size only, unless you are a member. Direct messages are not listed.
admin-room-deleted = deleted
admin-room-change = Change
admin-room-rename = Rename
room-removed = You were removed from this room. A member can invite you again.
removed-from = You were removed from {"{name}"}. A member can invite you again.
room-was-deleted = The room {"{name}"} was deleted.
room-outsider = Only members of this room may do this.
room-oneself = You cannot remove yourself. To leave, use /leave or “Leave the room” in its settings.

# Threads

thread = Thread
thread-in = Thread in { $name }
threads = Threads
threads-hint = Threads that you follow, the last active first
threads-none = You follow no threads yet. Reply to a message in its thread to begin one.
thread-replies = { $count ->
    [one] 1 reply
   *[other] { $count } replies
}
thread-unread = { $count ->
    [one] 1 new
   *[other] { $count } new
}
thread-last = last reply
thread-from = From a thread
thread-reply = Reply in this thread
thread-also = Also send to { $name }
thread-follow = Follow
thread-unfollow = Unfollow
thread-close = Close the thread
thread-no-command = Commands do not work in threads. To send this as text, begin it with two slashes: //
thread-no-message = There is no message yet.
thread-replies-other = {"{n}"} replies
thread-new-one = {"{n}"} new
thread-new-other = {"{n}"} new
thread-open = Reply in thread

command-with-files = A command cannot have files. Remove them, or send this as a message.
