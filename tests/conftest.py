"""Fixtures of the project's own tests: real databases, and a summary of what could not run."""

import gc
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Iterator
from itertools import chain
from pathlib import Path

import pytest

from shardwise.database import ShardedDatabase
from shardwise.testing import servers
from shardwise.testing.connections import CheckedOutConnections
from shardwise.testing.servers import MariaDBServer, RedisServer
from shardwise.testing.statements import run
from shardwise.testing.templates import Template, TemplateOptions, template_for

pytest_plugins = ["pytester"]

ENGINE_KINDS = ("sqlite", "mariadb")


# Servers


@pytest.fixture(scope="session")
def mariadb_installed() -> None:
    """Skip, with the reason, where no MariaDB can be started."""
    if (missing := servers.why_no_mariadbd()) is not None:
        pytest.skip(f"no MariaDB: {missing}")


@pytest.fixture(scope="session")
def redis_installed() -> None:
    """Skip, with the reason, where no Redis can be started."""
    if (missing := servers.why_no_redis()) is not None:
        pytest.skip(f"no Redis: {missing}")


@pytest.fixture(scope="session")
def mariadb_server(mariadb_installed: None) -> Iterator[MariaDBServer]:
    """The session's MariaDB. It is shared: tests that kill or pause one start their own."""
    with MariaDBServer(fast=True) as server:
        yield server


@pytest.fixture(scope="session")
def redis_server(redis_installed: None) -> Iterator[RedisServer]:
    """The session's Redis, shared too."""
    with RedisServer() as server:
        yield server


# Databases


@pytest.fixture(params=ENGINE_KINDS)
def engine_kind(request: pytest.FixtureRequest) -> str:
    """Run the test once an engine; narrow with `parametrize("engine_kind", ["mariadb"], indirect=True)`."""
    return str(request.param)


@pytest.fixture
def database_url(engine_kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a fresh, empty database on either engine."""
    if engine_kind == "sqlite":
        yield f"sqlite+aiosqlite:///{tmp_path / 'database.db'}"
        return
    server: MariaDBServer = request.getfixturevalue("mariadb_server")
    url = server.create_database()
    yield url
    server.drop_database(url.rpartition("/")[2])


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Template]:
    """The project's own tables in SQLite files, migrated once."""
    yield from _built(template_for(None, TemplateOptions(), tmp_path_factory.mktemp("template"), "unused"))


@pytest.fixture(scope="session")
def mariadb_template(
    mariadb_server: MariaDBServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Template]:
    """The project's own tables on the session's MariaDB, migrated once."""
    folder = tmp_path_factory.mktemp("template")
    yield from _built(template_for(mariadb_server.url(), TemplateOptions(), folder, "db"))


def _built(template: Template) -> Iterator[Template]:
    run(template.build())
    yield template
    run(template.drop())


@pytest.fixture
def template(engine_kind: str, request: pytest.FixtureRequest) -> Template:
    """Either engine's template, for tests that open databases themselves."""
    chosen: Template = request.getfixturevalue(f"{engine_kind}_template")
    return chosen


@pytest.fixture
async def db(template: Template, tmp_path: Path) -> AsyncIterator[ShardedDatabase]:
    """An open, migrated, empty ShardedDatabase with the shards 1 and 2, on either engine.

    Commits are real, so that tests may use several sessions at once; rows are deleted afterwards.
    """
    folder = tmp_path / "db"
    folder.mkdir()
    async with template.open(folder, real_commits=True) as database:
        yield database


# Every test


def pytest_collection_finish() -> None:
    """Keep what was collected out of every search for garbage, and search less often: 8 % less CPU."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 20)


@pytest.fixture(autouse=True)
def no_connection_left(request: pytest.FixtureRequest) -> Iterator[CheckedOutConnections]:
    """Check at the end of each test that every connection is back in its pool; note the engines it used."""
    with CheckedOutConnections() as connections:
        yield connections
    direct = {"mariadb"} if "mariadb_installed" in request.fixturenames else set()
    for kind in connections.kinds | direct:
        request.node.user_properties.append(("engine", kind))
    connections.assert_none()


@pytest.hookimpl(trylast=True)
def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say how many tests ran against which engine, and which did not run and why."""
    _say_engines(terminalreporter)
    _say_skipped(terminalreporter)


def _say_engines(terminal: pytest.TerminalReporter) -> None:
    counts: Counter[str] = Counter()
    for report in chain.from_iterable(terminal.stats.values()):
        if getattr(report, "when", None) == "teardown":
            counts.update({str(value) for name, value in report.user_properties if name == "engine"})
    terminal.write_sep("=", "engines")
    for kind, title in (("mariadb", "MariaDB"), ("sqlite", "SQLite")):
        terminal.write_line(f"{counts[kind]} tests ran against {title}")


def _say_skipped(terminal: pytest.TerminalReporter) -> None:
    by_reason: dict[str, list[str]] = defaultdict(list)
    for report in terminal.stats.get("skipped", []):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        by_reason[reason].append(report.nodeid)
    if not by_reason:
        return
    terminal.write_sep("=", "tests that did not run")
    for reason, names in by_reason.items():
        terminal.write_line(f"{len(names)}: {reason.removeprefix('Skipped: ')}")
        for name in names:
            terminal.write_line(f"  {name}")
