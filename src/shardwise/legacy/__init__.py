"""The API of the system that shardwise replaces: its service, and its stored procedures by name."""

from shardwise.legacy.registry import registered_procedures

__all__ = ["registered_procedures"]
