"""Tables of logs: reading files, choosing columns, cleaning rows."""
