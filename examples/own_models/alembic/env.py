"""Alembic runs this for every command; shardwise finds the database and keeps the branches apart."""

from alembic import context

import notes.models  # noqa: F401  # fills the metadata that revisions are made from
from shardwise.migrations import environment

environment.run(context)
