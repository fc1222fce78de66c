"""One long script of calls of the old procedures, with what the old system's description says of each."""
