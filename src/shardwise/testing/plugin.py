"""The pytest plugin of shardwise: fixtures for those who use it."""
