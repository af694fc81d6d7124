# Search
search = Search
search-messages = Search messages
search-in = Search in { $name }
search-for = Search for { $name }
search-results = Results
search-count = { $count ->
    [one] { $count } result
   *[other] { $count } results
}
search-older = Older results
search-nothing = Nothing was found for “{ $name }”. Fewer or shorter words find more.
search-help = What you can search for
search-help-words = Words, with or without accents. All of them must be in the message; the last one may be unfinished. Web addresses, names in code, emoji and parts of Chinese, Japanese or Korean text work too.
search-help-exact = Exactly these words in this order. Accents count.
search-help-not = Without this word. A minus also works before an operator: -from:ana.
search-help-from = Only what this person wrote; from:me is you.
search-help-in = Only in this room. A name with spaces goes in quotes: in:"the garden".
search-help-dates = Only from this day on, in your time zone; before: ends before a day.
search-help-file = Only messages with a picture; has:file, has:video and has:audio work too.
search-help-filename = Only messages with a file whose name has these words. A name with spaces goes in quotes.
search-help-link = Only messages with a link.
search-help-direct = Only direct messages.
search-nothing-yet = Nothing was found among the latest messages.
search-go-on = Search further back
search-incomplete = Older messages are still being prepared for search. Some may be missing for a while.
search-help-day = Only this day, in your time zone.
cursor-shape = This is not a search cursor.
search-count-first = { $count ->
    [one] The newest result, more are older
   *[other] The { $count } newest results, more are older
}
search-filters = Filters
search-without = Without the filter “{ $name }”
search-from = From
search-from-name = From { $name }
search-me = Me
search-room = Room
search-when = When
search-today = Today
search-last-week = The last 7 days
search-last-month = The last 30 days
search-after = From { $name } on
search-before = Before { $name }
search-on = On { $name }
search-kind = Kind
search-with-file = With a file
search-with-image = With a picture
search-with-video = With a video
search-with-audio = With audio
search-file-named = File “{ $name }”
search-with-link = With a link
search-only-direct = Direct messages
search-not = Not: { $name }
search-recent = Recent searches
