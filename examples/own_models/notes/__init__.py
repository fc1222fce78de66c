"""A small application on shardwise with models of its own."""
