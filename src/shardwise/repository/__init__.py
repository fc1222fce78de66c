"""Repositories: the statements for one model, in one session that somebody else commits."""

from shardwise.kit.pages import Page
from shardwise.repository.base import BaseRepository
from shardwise.repository.changes import UNSET, UnsetType
from shardwise.repository.filters import Filters, OrderBy
from shardwise.repository.reads import ReadRepository
from shardwise.repository.soft_delete import SoftDelete

__all__ = [
    "UNSET",
    "BaseRepository",
    "Filters",
    "OrderBy",
    "Page",
    "ReadRepository",
    "SoftDelete",
    "UnsetType",
]
