# The pages of an export
export-until = Everything written until { $name }. All times are in { $zone }.
export-direct = direct message
export-group = group
export-private = private
export-messages = messages: { $name }
export-older = Older messages
export-newer = Newer messages
export-newest = Newest messages
export-edited = edited
export-deleted = This message was deleted.
