"""The API of the system that shardwise replaces: its service, and its stored procedures by name."""
