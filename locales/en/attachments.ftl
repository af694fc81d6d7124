# Files on their way to a message
attach = Attach files
keys-attach = Attach files
camera = Take a photo
drop-to = Drop to attach in { $name }
drop-hint = They wait above your text until you send it.
tray = Files to send
tray-choose = Choose again
tray-done = ready
tray-lost = Choose the file again to continue
tray-failed = The upload failed
tray-no-connection = No connection. Nothing is lost.
tray-not-sent = Not sent yet: { $name } has not arrived. Try again or remove it.
tray-not-accepted = Not sent yet: { $name } is not accepted. Remove it.
tray-too-large = { $name } is too large: a file can have at most {"{limit}"}.
tray-too-many = { $name } was left out: a message can have at most {"{limit}"} files.
tray-progress = Upload of { $name }
tray-cancel = Cancel the upload of { $name }
tray-remove = Remove { $name }
tray-removed = { $name } is removed.
tray-describe = Describe { $name }
tray-describe-again = Change the description of { $name }
tray-half = { $name }: half of it has arrived.
tray-left = { $name } left
tray-started-one = 1 file is on its way.
tray-started-other = {"{n}"} files are on their way.
tray-ready-one = 1 file is ready.
tray-ready-other = {"{n}"} files are ready.
describe = Describe the picture
describe-hint = For those who cannot see it. Screen readers read it.
describe-done = Done

# Pictures, one at a time
picture-count = Picture {"{n}"} of {"{all}"}
picture-number = Picture {"{n}"}
picture-before = Previous picture
picture-next = Next picture
pictures-of-message = Pictures of this message
zoom-in = Larger
zoom-out = Smaller
open-original = Open the original
download-named = Download, { $name }

# Files of a message
download-file = Download { $name }
open-picture = Open picture:
attachment-count = { $count ->
    [one] 1 file
   *[other] { $count } files
}

# Files and links of a room
files-and-links = Files and links
room-files = Files
room-links = Links
room-pictures = Pictures
room-others = Other files
room-files-none = No files yet. What is sent here will be listed.
room-links-none = No links yet. Those in messages will be listed.
room-files-older = Older files
room-links-older = Older links
all-files = All files and links
