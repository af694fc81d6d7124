# The frame of every page
site-description = { $name }: a chat run by its own community.
hosted-by-community = Hosted by your community
language = Language
close = Close

# The page with the reference of the JSON API
reference = JSON API
reference-lead = Everything a program can do here, call by call. The reference itself is in English.
reference-document = The same as an OpenAPI document
reference-contents = On this page

weekdays = Monday Tuesday Wednesday Thursday Friday Saturday Sunday
months = January February March April May June July August September October November December
day-line = { $weekday } { $day } { $month } { $year }
too-long-one = 1 character too long.
too-long-other = {"{n}"} characters too long.
file-choose = Choose a file
file-none = No file is chosen.
file-chosen = A file is chosen.
