"""The procedures, a module a room; each lists its own in `PROCEDURES`."""
