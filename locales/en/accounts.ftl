# Registering and signing in
login-title = Sign in
login-heading = Welcome back
login-lead = Sign in to { $name }.
login-button = Sign in
login-no-account = New here?
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
this-session = This one
since = since { $name }
sign-out-elsewhere = Sign out everywhere else
display-name-shape = Take 1 to 64 characters on one line.
password-wrong = That is not your current password.
