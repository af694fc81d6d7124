# Registering and signing in
login-title = Sign in
login-heading = Welcome back
login-lead = Sign in to { $name }.
login-button = Sign in
login-no-account = New here?
login-no-cookies = Your browser keeps no cookie of this page, so it cannot stay signed in. Sign in at { $name }, and allow cookies there.
login-wrong = That name and password do not go together.

register-title = Create an account
register-heading = Come on in
register-lead = Create your account on { $name }.
register-lead-first = You are the first one here: your account will be the administrator's.
register-button = Create an account
register-have-account = You have an account?
register-closed = New accounts cannot be made here at the moment. Ask whoever runs this place.

field-login = Email or name
field-name = Name
field-name-hint = 2 to 32 letters, digits, dots, dashes. People find you by it; it stays.
field-email = Email
field-password = Password
field-password-hint = At least 8 characters. Several words are good and easy to keep in mind.
field-password-again = Password again
show-password = Show password
available = ✓ Available

your-account = Your account
sign-out = Sign out
role-admin = Administrator

# Everybody
all-people = Everybody: find people to write to
find-person = Find somebody
find = Find
nobody-called = Nobody here is called “{ $name }”. Maybe they spell it another way?
show-everybody = Show everybody
people-alone = Nobody else has an account here yet.

# What is wrong with a field
name-length = Take 2 to 32 characters.
name-characters = Only letters, digits, “.”, “_” and “-”, beginning with a letter or digit.
name-scripts = All letters must belong to one script.
name-reserved = This name is reserved.
name-taken = Somebody has this name, or one that looks like it.
email-shape = This is no email address.
email-taken = There is an account with this address.
password-length = Take 8 to 256 characters.
password-guessable = This is easy to guess. Add another word or two.
password-differs = The two passwords differ.
label-length = A label has 64 characters at most, on one line.

# One's own settings
settings = Settings
saved = Saved.
settings-name = Your name
field-display-name = Name that others see
field-display-name-hint = 1 to 64 characters. You can change it whenever you like.
settings-look = Language and theme
theme = Theme
theme-system = As this device has it
theme-light = Light
theme-dark = Dark
field-current-password = Current password
field-new-password = New password
password-change-hint = All your other sign-ins end, programs included.
settings-sessions = Where you are signed in
unknown-browser = Unknown browser
browser-on = { $browser } on { $system }
this-session = This one
since = since { $name }
sign-out-elsewhere = Sign out everywhere else
settings-programs = Programs
programs-hint = A program acts as you with a token. You have 20 at most: one more ends the one that was used least recently. Changing your password or address voids them all.
token-once = The new token. Copy it now: it is not shown again.
token-unnamed = Without a name
token-used = last used { $name }
token-unused = never used
token-until = ends { $name }
field-token-lifetime = How long it is good for
token-lifetime-month = 30 days
token-lifetime-quarter = 90 days
token-lifetime-year = A year
token-lifetime-endless = Until you revoke it
token-lifetime-range = Take a number of seconds, up to ten years.
token-revoke = Revoke
token-revoke-named = Revoke { $name }
field-token-label = What the token is for
token-make = Make a token
display-name-shape = Take 1 to 64 characters on one line.
password-too-many = Too many wrong passwords. Wait a moment and try again.
password-wrong = That is not your current password.

settings-picture = Your picture
field-picture = A picture in place of your initials
field-picture-hint = JPEG, PNG, GIF or WebP, up to 12 MB. A square of its middle is kept.
picture-remove = Back to the initials
picture-unreadable = This is no picture that can be read here. Take a JPEG, PNG, GIF or WebP.
picture-too-large = This picture is too large to open here. It may have 50 megapixels, 20,000 pixels a side, and one side up to 20 times as long as the other.
picture-too-costly = This picture takes too much memory or time to open. Save it smaller, or as a JPEG, and try again.
upload-running = Another upload of yours is still under way. Wait until it is through, then send this one again.
uploads-busy = Too many uploads are under way. Wait a moment, then send this one again.

# A link that resets a password
reset-title = Choose a password
reset-lead = For { $name }. Afterwards you are signed in.
reset-button = Save and sign in
reset-unknown = This link was used already or has run out. Ask for another one.

# What administrators do
admin = Administration
admin-sign-up = New accounts
admin-sign-up-open = Anybody who has this address can create an account:
admin-sign-up-closed = Nobody can create an account; you add people below.
admin-sign-up-fixed = The server’s settings close sign-up (SIGNUP=closed); you add people below.
admin-sign-up-close = Close sign-up
admin-sign-up-reopen = Open sign-up
admin-add = Add somebody
admin-add-hint = You get a link to pass on, by which they choose their password.
admin-name-hint = 2 to 32 letters, digits, dots, dashes. It stays.
admin-add-button = Add
admin-people-count = { $count ->
    [one] { $count } person can sign in.
   *[other] { $count } people can sign in.
}
admin-closed = closed
admin-link = Password link
admin-link-of = Password link for { $name }
admin-link-for = A link for { $name }
admin-link-hint = Pass it on in private: whoever opens it first chooses the password. It is good once, for three days, and is not shown again.
admin-promote = Make administrator
admin-promote-person = Make administrator: { $name }
admin-demote = Make member
admin-demote-person = Make member: { $name }
admin-close = Close account
admin-close-account = Close account of { $name }
admin-open = Open again
admin-open-account = Open again the account of { $name }
not-an-administrator = Only administrators may do this.
last-administrator = Somebody must stay administrator: make another one first.

# Work behind the scenes that was given up
admin-unclear = The live connection or a form was refused
admin-unclear-hint = A page of { $page } was refused, since the proxy asks for this Patio as “{ $host }” and it cannot be told that the page is one of its own. Set BASE_URL to the public address, or let the proxy pass it on as Host.
admin-jobs = Work that failed
admin-jobs-hint = This was tried many times and given up. When what stands in its way is gone, run it again.
job-pass-on-rooms = Find new owners for the rooms of the closed account number { $name }
job-purge-room = Delete what was said in the deleted room number { $name }
job-tidy = Forget what has run out
job-attempts = { $count ->
    [one] one attempt
   *[other] { $count } attempts
}
job-again = Run again
job-drop = Drop

# What was done, as administrators read it
audit = What was done
audit-hint = Who deleted, renamed, removed, closed or promoted what. Entries stay, and hold no text of messages.
audit-empty = Nothing was recorded yet.
audit-earlier = Earlier entries
audit-command-line = Command line
audit-message-delete = deleted a message of @{ $author } in { $room }
audit-room-delete = deleted the room { $name }
audit-room-restore = restored the room { $name }
audit-room-rename = renamed the room { $name } to { $new }
audit-member-remove = removed @{ $name } from { $room }
audit-user-close = closed the account of @{ $name }
audit-user-reopen = opened the account of @{ $name } again
audit-user-erase = began to delete everything @{ $name } wrote
audit-user-promote = made @{ $name } an administrator
audit-user-demote = made @{ $name } a member again
audit-user-reset-link = made a password link for @{ $name }
audit-sign-up-open = opened sign-up
audit-sign-up-close = closed sign-up
field-time-zone = Time zone
field-time-zone-hint = As Europe/Madrid or America/Lima. Days in search are those of this zone.
time-zone-unknown = There is no such time zone. Write it as Europe/Madrid.

# Closing an account
close-account-hint = { $name } is signed out everywhere at once and cannot come back until you open the account again. Their rooms go to others.
account-closed = The account of { $name } is closed. “Open again” is the way back.
account-is-open = The account is open: close it first.
erase-messages = Delete all they wrote
erase-messages-of = Delete all that { $name } wrote
erase-messages-hint = Every message of theirs, also in private rooms and conversations, the newest first. What is deleted does not come back; opening the account again keeps what is still left.
erasure-deleted = { $count ->
    [one] { $count } message deleted
   *[other] { $count } messages deleted
}
erasure-going-on = Deleting what they wrote: { $percent } %, { $deleted }
job-erase-messages = Delete all that the closed account number { $name } wrote
