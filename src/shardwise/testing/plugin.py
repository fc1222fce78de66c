"""The pytest plugin: a migrated sharded database for each test, in milliseconds.

Loaded by every run of pytest beside an installed shardwise, so nothing of SQLAlchemy is imported before a
test asks for a fixture.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from shardwise.database import ShardedDatabase
    from shardwise.testing.templates import Template

REAL_COMMITS = "shardwise_real_commits"
_SCOPES = ("function", "class", "module", "package", "session")
_URL_VARIABLE = "SHARDWISE_TEST_URL"


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker."""
    config.addinivalue_line(
        "markers",
        f"{REAL_COMMITS}: sharded_db commits for real on servers and its rows are deleted afterwards,"
        " instead of one transaction that is rolled back (for tests with concurrent sessions)",
    )


@pytest.fixture(scope="session")
def shardwise_script_location() -> Path | None:
    """Override: the Alembic folder of the application; None = the revisions shipped with shardwise."""
    return None


@pytest.fixture(scope="session")
def shardwise_shard_ids() -> tuple[int, ...]:
    """Override: the shards of `sharded_db`."""
    return (1, 2)


@pytest.fixture(scope="session")
def shardwise_settings() -> Mapping[str, Any]:
    """Override: sections of `Settings`, such as `{"routing": {"strategy": "weighted"}}`."""
    return {}


@pytest.fixture(scope="session")
def shardwise_server_url() -> str | None:
    """Override: a MySQL or MariaDB server whose user may make databases; None = SQLite files.

    By default the environment variable SHARDWISE_TEST_URL.
    """
    return os.environ.get(_URL_VARIABLE) or None


@pytest.fixture(scope="session")
def shardwise_template(
    shardwise_script_location: Path | None,
    shardwise_shard_ids: tuple[int, ...],
    shardwise_settings: Mapping[str, Any],
    shardwise_server_url: str | None,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Template]:
    """The migrated databases that `sharded_db` is made from, once a session (and once an xdist worker)."""
    from shardwise.testing.statements import run
    from shardwise.testing.templates import TemplateOptions, template_for

    __tracebackhide__ = True  # a traceback shows arguments, and one of these may hold a password
    options = TemplateOptions(
        script_location=shardwise_script_location,
        shard_ids=tuple(shardwise_shard_ids),
        settings=shardwise_settings,
    )
    template = template_for(
        shardwise_server_url, options, tmp_path_factory.mktemp("shardwise-template"), _session_name()
    )
    with ExitStack() as stack:
        stack.callback(lambda: run(template.drop()))
        run(template.build())
        yield template


def _session_name() -> str:
    """Return a name for databases that no other run or worker on the same server uses."""
    return f"test_{secrets.token_hex(4)}_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}"


def _require_same_loop(request: pytest.FixtureRequest) -> None:
    """Fail with the way out where the test would run in another event loop than its database."""
    marker = request.node.get_closest_marker("asyncio")
    chosen = marker.kwargs.get("loop_scope") or marker.kwargs.get("scope") if marker else None
    test = chosen or request.config.getini("asyncio_default_test_loop_scope") or "function"
    default = request.config.getini("asyncio_default_fixture_loop_scope")
    fixture = default if default in _SCOPES else "function"
    if test != fixture:
        pytest.fail(
            f"this test runs in an event loop of scope {test!r} and sharded_db in one of scope {fixture!r}:"
            " connections can't cross loops. Set asyncio_default_fixture_loop_scope and"
            " asyncio_default_test_loop_scope to the same value",
            pytrace=False,
        )


async def _sharded_db(
    request: pytest.FixtureRequest, shardwise_template: Template, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[ShardedDatabase]:
    """An open `ShardedDatabase`, migrated and empty, for one test."""
    _require_same_loop(request)
    real_commits = request.node.get_closest_marker(REAL_COMMITS) is not None
    folder = tmp_path_factory.mktemp("shardwise")
    async with shardwise_template.open(folder, real_commits=real_commits) as database:
        yield database


def _sharded_db_without_asyncio() -> None:
    """Say what is missing."""
    pytest.fail("the fixture sharded_db needs pytest-asyncio: pip install 'shardwise[test]'", pytrace=False)


def _make_sharded_db() -> Any:
    try:
        from pytest_asyncio import fixture
    except ImportError:
        return pytest.fixture(name="sharded_db")(_sharded_db_without_asyncio)
    return fixture(name="sharded_db")(_sharded_db)


sharded_db = _make_sharded_db()


@pytest.fixture
def free_port() -> int:
    """A TCP port of 127.0.0.1 on which nothing listens at this moment."""
    from shardwise.testing.process import free_port as find

    return find()
