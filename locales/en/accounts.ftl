# Registering and signing in
login-title = Sign in
login-heading = Welcome back
login-lead = Sign in to { $name }.
login-button = Sign in
login-no-account = New here?
login-no-cookies = Your browser did not keep this page’s cookie, so you cannot stay signed in. Sign in at { $name } and allow cookies there.
login-wrong = Wrong name or password.

register-title = Create an account
register-heading = Come on in
register-lead = Create your account on { $name }.
register-lead-first = You are the first one here, so your account will be the administrator.
register-button = Create an account
register-have-account = Already have an account?
register-closed = New accounts cannot be created at the moment. Ask the administrator.

field-login = Email or name
field-name = Name
field-name-hint = 2 to 32 letters, digits, dots or dashes. It cannot be changed.
field-email = Email
field-password = Password
field-password-hint = At least 8 characters. Several words are easy to remember.
field-password-again = Password again
show-password = Show password
available = ✓ Available

your-account = Your account
sign-out = Sign out
role-admin = Administrator

# Everybody
all-people = Everyone: find people to write to
find-person = Find a person
find = Find
nobody-called = Nobody here is called “{ $name }”. Maybe it is spelled differently?
show-everybody = Show everyone
people-count = { $count ->
    [one] { $count } person
   *[other] { $count } people
}
find-account = Find a name or an e-mail address
list-pages = Pages of this list
list-previous = Previous page
list-next = Next page
presence-outdated = Who is online may be out of date: this server does not reach the others.
presence-partial = Who is online may be incomplete: this server knows only those who use it.
people-alone = Nobody else has an account here yet.

# What is wrong with a field
name-length = Use 2 to 32 characters.
name-characters = Only letters, digits, “.”, “_” and “-”, starting with a letter or digit.
name-scripts = All letters must belong to one script.
name-reserved = This name is reserved.
name-taken = This name, or one that looks like it, is taken.
email-shape = This is not an email address.
email-taken = There is already an account with this address.
password-length = Use 8 to 256 characters.
password-guessable = This is easy to guess. Add another word or two.
password-differs = The passwords do not match.
label-length = A label can have at most 64 characters, on one line.

# One's own settings
settings = Settings
saved = Saved.
settings-name = Your name
field-display-name = Display name
field-display-name-hint = The name that others see: 1 to 64 characters. You can change it at any time.
settings-look = Language and appearance
theme = Theme
theme-system = Same as this device
theme-light = Light
theme-dark = Dark
density = Density
density-comfortable = Comfortable
density-compact = Compact (with a mouse)
keys = Shortcuts of a single key (letters, +, Del, ?)
letter-keys-on = On
letter-keys-off = Off
field-current-password = Current password
field-new-password = New password
password-change-hint = This signs you out everywhere else, programs included.
settings-sessions = Where you are signed in
unknown-browser = Unknown browser
browser-on = { $browser } on { $system }
this-session = This one
since = since { $name }
sign-out-elsewhere = Sign out everywhere else
settings-programs = Programs
programs-hint = With a token, a program can act as you. You can have 20 tokens; one more revokes the least recently used. Changing your password or email address revokes them all.
token-once = Your new token. Copy it now: it will not be shown again.
token-unnamed = Unnamed
token-used = last used { $name }
token-unused = never used
token-until = expires { $name }
field-token-lifetime = Valid for
token-lifetime-month = 30 days
token-lifetime-quarter = 90 days
token-lifetime-year = A year
token-lifetime-endless = Until you revoke it
token-lifetime-range = Give a number of seconds, up to ten years.
token-revoke = Revoke
token-revoke-named = Revoke { $name }
field-token-label = What the token is for
token-make = Create a token
display-name-shape = Use 1 to 64 characters on one line.
password-too-many = Too many wrong passwords. Wait a moment and try again.
password-missing = Enter your current password.
password-confirmed = You entered your password a moment ago, so you need not enter it again.
password-wrong = That is not your current password.

settings-picture = Your picture
field-picture = A picture in place of your initials
field-picture-hint = JPEG, PNG, GIF or WebP, up to 12 MB. It is cropped to a square.
picture-remove = Use initials instead
picture-unreadable = This file cannot be read as a picture. Use JPEG, PNG, GIF or WebP.
picture-too-large = This picture is too large. It can have at most 50 megapixels, 20,000 pixels per side, and one side 20 times as long as the other.
picture-too-costly = This picture needs too much memory or time to open. Save it smaller, or as a JPEG, and try again.
upload-running = Another upload of yours is still running. Wait until it is done, then send this one again.
uploads-busy = Too many uploads are running. Wait a moment, then send this one again.

# A link that resets a password
reset-title = Choose a password
reset-lead = For { $name }. You will be signed in afterwards.
reset-button = Save and sign in
reset-unknown = This link has been used or has expired. Ask for a new one.

# What administrators do
admin = Administration
admin-sign-up = New accounts
admin-sign-up-open = Anyone who has this address can create an account:
admin-sign-up-closed = Nobody can create an account. You can add people below.
admin-sign-up-fixed = The server’s settings close sign-up (SIGNUP=closed). You can add people below.
admin-sign-up-close = Close sign-up
admin-sign-up-reopen = Open sign-up
admin-add = Add a person
admin-add-hint = You get a link to pass on, with which they choose their password.
admin-name-hint = 2 to 32 letters, digits, dots or dashes. It cannot be changed.
admin-add-button = Add
admin-people-count = { $count ->
    [one] { $count } person can sign in.
   *[other] { $count } people can sign in.
}
admin-closed = closed
admin-link = Password link
admin-link-of = Password link for { $name }
admin-link-for = A link for { $name }
admin-link-hint = Pass it on in private: the first one to open it chooses the password. It works once, for three days, and will not be shown again.
admin-promote = Make administrator
admin-promote-person = Make administrator: { $name }
admin-demote = Make member
admin-demote-person = Make member: { $name }
admin-close = Close account
admin-close-account = Close account of { $name }
admin-open = Reopen
admin-open-account = Reopen the account of { $name }
not-an-administrator = Only administrators may do this.
last-administrator = There must be an administrator. Make another one first.

# Work behind the scenes that was given up
admin-unclear = The live connection or a form was refused
admin-unclear-hint = A request from a page at { $page } was refused, because the proxy calls this Patio “{ $host }” and Patio cannot tell that the page is its own. Set BASE_URL to the public address, or let the proxy pass it on as Host.
admin-jobs = Failed jobs
admin-jobs-hint = These were tried many times and given up. Fix the cause, then run them again.
job-pass-on-rooms = Find new owners for the rooms of closed account { $name }
job-purge-room = Delete the messages of deleted room { $name }
job-tidy = Delete expired data
job-attempts = { $count ->
    [one] one attempt
   *[other] { $count } attempts
}
job-again = Run again
job-drop = Drop

# What was done, as administrators read it
audit = Audit log
audit-hint = Who deleted, renamed, removed, closed or promoted what. Entries are permanent and contain no message text.
audit-empty = Nothing has been recorded yet.
audit-earlier = Earlier entries
audit-command-line = Command line
audit-message-delete = deleted a message of @{ $author } in { $room }
audit-message-remove-preview = removed a link preview from a message of @{ $author } in { $room }
audit-room-delete = deleted the room { $name }
audit-room-restore = restored the room { $name }
audit-room-archive = archived the room { $name }
audit-room-unarchive = took the room { $name } into use again
audit-room-rename = renamed the room { $name } to { $new }
audit-member-remove = removed @{ $name } from { $room }
audit-user-close = closed the account of @{ $name }
audit-user-reopen = opened the account of @{ $name } again
audit-user-erase = started deleting everything @{ $name } wrote
audit-user-promote = made @{ $name } an administrator
audit-user-demote = made @{ $name } a member again
audit-user-reset-link = made a password link for @{ $name }
audit-emoji-add = added the emoji :{ $name }:
audit-emoji-delete = deleted the emoji :{ $name }:
audit-sign-up-open = opened sign-up
audit-sign-up-close = closed sign-up
field-time-zone = Time zone
field-time-zone-hint = For example Europe/Madrid or America/Lima. Search uses the days of this zone.
time-zone-unknown = There is no such time zone. Write it like Europe/Madrid.
about-shape = At most 500 characters, without control characters.
status-shape = At most 80 characters on one line.
status-over = The end of the status is in the past.
status-end-unknown = Choose when the status ends.
settings-profile = About you
field-about = What others should know about you
field-about-hint = At most 500 characters. Everyone here can read it.
status = Status
status-emoji = Emoji of your status
status-text = What are you doing?
status-end = When it ends
status-hint = An emoji and at most 80 characters. It stands beside your name.
status-clear = Remove the status
status-change = Change status
status-until = until
status-end-kept = as it is
status-end-never = until I change it
status-end-half-an-hour = for 30 minutes
status-end-hour = for one hour
status-end-four-hours = for four hours
status-end-today = today
status-end-week = this week
profile = Profile
profile-edit = Edit your profile
profile-message = Message
profile-about = About
about-add = Say something about yourself
about-none = Nothing here yet.
local-time = Local time
local-same = as here
local-ahead = { $name } ahead
local-behind = { $name } behind
profile-closed = This account is closed. What its user wrote stays.
rooms-shared = Rooms you share

# Closing an account
close-account-hint = { $name } is signed out everywhere at once and cannot come back until you reopen the account. Their rooms get new owners.
account-closed = The account of { $name } is closed. “Reopen” is the way back.
account-is-open = The account is open: close it first.
erase-messages = Delete everything they wrote
erase-messages-of = Delete everything { $name } wrote
erase-messages-hint = All their messages, newest first, also in private rooms and direct messages. This cannot be undone. Reopening the account stops it and keeps what is left.
erasure-deleted = { $count ->
    [one] { $count } message deleted
   *[other] { $count } messages deleted
}
erasure-going-on = Deleting what they wrote: { $percent } %, { $deleted }
job-erase-messages = Delete everything that closed account { $name } wrote

# Storage of files
storage = Storage
storage-all = In total
storage-of = { $used } of { $whole }
storage-pictures = Pictures and previews
storage-media = Film and sound
storage-others = Other files
storage-stored = Stored
storage-unused = In no message; deleted after a day
storage-arriving = Arriving
storage-free = Free
storage-quota = Limit for all files (STORAGE_QUOTA)
storage-user-quota = Limit for the files of a user (UPLOAD_QUOTA)
storage-largest = Largest file (MAX_UPLOAD)
storage-no-limit = none
storage-none = There are no files.
storage-files = { $count ->
    [one] 1 file
   *[other] { $count } files
  }
storage-contents = { $count ->
    [one] 1 content
   *[other] { $count } contents
  }
storage-rooms = Rooms that take most
storage-users = Users who take most
storage-direct = Direct messages and groups
storage-check = Check
storage-check-hint = Patio compares what is stored with what messages need, once a day or now. What is stored and in no message is deleted 24 hours after the check that found it.
storage-check-start = Check now
storage-check-never = There was no check yet.
storage-check-runs = The check runs: { $name } % are done.
storage-check-ended = Last check: { $name }
storage-reload = Show how far it is
storage-sound = { $count ->
    [one] 1 content is as it should be
   *[other] { $count } contents are as they should be
  }
storage-missing = { $count ->
    [0] Nothing is missing
    [one] 1 content is missing or has another size
   *[other] { $count } contents are missing or have another size
  }
storage-orphans = { $count ->
    [0] Nothing was stored that Patio did not know
    [one] 1 content was stored that Patio did not know
   *[other] { $count } contents were stored that Patio did not know
  }
storage-unreadable = Messages whose files are missing
storage-unreadable-hint = A backup has them: copy them from its folder “files” into that of the storage, and check again.
storage-message = Message { $name }
job-check-storage = Check the storage of files

# Machines
machines = Machines
machines-hint = Each Patio of this installation reports here every ten seconds. One that ended without saying so stays in the list for a day.
machines-warnings = Needs attention
machines-versions = The machines run different versions. Update them all to the same one.
machines-clock = The clock of { $name } is wrong by more than a second. Patio goes by that of the database; set it right all the same.
machines-bus-away = { $name } cannot reach NATS. Until it can, changes reach its users, and others from them, up to a second late, and typing and presence stay with it.
machines-silent = { $name } has not reported since { $time }. It hangs, is cut off, or has crashed.
machines-fsync = PostgreSQL does not wait for its disk (fsync is off): a crash of its machine can lose acknowledged messages and damage the database. Set fsync = on.
machines-commits = PostgreSQL does not wait as Patio asks (synchronous_commit is { $name }): a failure can lose acknowledged messages. A connection pooler resets the setting; use session pooling.
machines-no-standby = PostgreSQL has no synchronous standby: if another server takes over, the last acknowledged messages can be lost. Set synchronous_standby_names, unless your provider copies the disk.
machines-standby-missing = Too few of the standbys in synchronous_standby_names are connected: PostgreSQL waits for more, and no message can be stored. Start them, or change the setting.
machines-without-bus = { $name } has no NATS_URL, but other machines have. Set it there, too: until then changes reach its users, and others from them, up to a second late, and typing and presence stay with it.
machines-no-bus = These machines have no NATS_URL: changes reach the users of another machine up to a second late, and typing and presence stay on each machine.
machines-legend = Last look: how old the machine’s last look for changes of rooms and users was when it reported; a second is usual. Repaired: how often, in the last hour, polling found messages that NATS had not brought.
machine-name = Name
machine-version = Version
machine-since = Since
machine-connections = Connections
machine-online = People
machine-clock = Clock
machine-bus = NATS
machine-look = Last look
machine-repaired = Repaired
standby = Synchronous standby
standby-unknown = Patio’s role may not see it
standby-none = none
standby-missing = not connected
standby-connected = connected
timeline = Timeline (grows when a standby takes over)
clock-right = right
clock-behind = { $name } behind
clock-ahead = { $name } ahead
bus-off = none
bus-connected = connected
bus-away = away
