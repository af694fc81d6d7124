# The pages of an export
export-until = Everything that was written until { $name }. All times are those of { $zone }.
export-direct = direct conversation
export-private = private
export-messages = messages: { $name }
export-older = Older messages
export-newer = Newer messages
export-newest = Newest messages
export-edited = edited
export-deleted = This message was deleted.
