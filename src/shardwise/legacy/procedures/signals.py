"""Alarms and signals under their old names: the whole list."""

from shardwise.legacy.procedure import Procedure
from shardwise.legacy.procedures import signal_alarms, signal_history

PROCEDURES: tuple[Procedure, ...] = (*signal_alarms.PROCEDURES, *signal_history.PROCEDURES)
