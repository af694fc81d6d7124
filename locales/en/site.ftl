# The frame of every page
site-description = { $name }: a chat that its own people run.
hosted-by-community = Hosted by your community
language = Language
close = Close

weekdays = Monday Tuesday Wednesday Thursday Friday Saturday Sunday
months = January February March April May June July August September October November December
day-line = { $weekday } { $day } { $month } { $year }
