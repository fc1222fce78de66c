"""The fixture `sharded_db` comes with shardwise; it only has to know which revisions are ours."""

from pathlib import Path

import pytest

from notes.service import Notebook
from shardwise import ShardedDatabase


@pytest.fixture(scope="session")
def shardwise_script_location() -> Path:
    return Path(__file__).parents[1] / "alembic"


@pytest.fixture
def notebook(sharded_db: ShardedDatabase) -> Notebook:
    return Notebook(sharded_db)
