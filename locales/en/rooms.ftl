# The room page
skip-to-composer = Skip to message box
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
offline = Offline

messages-in = Messages in { $name }
older-messages = Older messages
newest-messages = Newest messages
room-start = This is the start of #{ $name }
room-start-text = Say hello. Whoever joins later can read everything from here on.
new-messages-one = {"{n}"} new message
new-messages-other = {"{n}"} new messages
announce-many = {"{n}"} new messages

write-message = Write a message
message-to = Message #{ $name }
enter-to-send = to send
send = Send
sending = Sending…
waiting-for-connection = Waiting for connection
try-again = Try again
discard = Delete

offline-title = Reconnecting.
offline-text = You can keep writing; messages go out when you are back.
offline-retry = Try now

# What is wrong with a message
body-empty = Write something first.
body-long = A message has 16,000 characters at most.
nonce-shape = A nonce is 1 to 64 visible ASCII characters.
nonce-reused = This nonce was used for another message.
reply-unknown = There is no such message in this room.
limit-range = The limit is a number from 1 to 100.
query-one-place = Give one of before, after, around and since_rev, or none.
