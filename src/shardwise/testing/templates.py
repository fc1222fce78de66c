"""Migrated databases that are made once a session, and given to each test as good as new."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, Protocol

from sqlalchemy import event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.engine.interfaces import AdaptedConnection
from sqlalchemy.pool import ConnectionPoolEntry, NullPool

from shardwise.config import Settings, database_url
from shardwise.database import ShardedDatabase
from shardwise.migrations.runner import MigrationOptions, upgrade
from shardwise.migrations.targets import Target
from shardwise.testing.connections import CheckedOutConnections
from shardwise.testing.isolation import Contents, managers, read_contents, restore_contents, rolled_back
from shardwise.testing.statements import execute
from shardwise.topology.engines import create_engine
from shardwise.topology.manager import DatabaseManager
from shardwise.topology.registry import NewShard, add_shard


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateOptions:
    """What every test's database is made of.

    Attributes:
        script_location: an application's own Alembic folder; None = the revisions shipped with shardwise.
        shard_ids: the shards.
        settings: sections of `Settings`, as its constructor takes them.
    """

    script_location: Path | None = None
    shard_ids: tuple[int, ...] = (1, 2)
    settings: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))

    def settings_for(self, url: URL) -> Settings:
        """Return the settings of a database whose global part is at `url`; `.env` is not read."""
        own = {
            name: dict(section) if isinstance(section, Mapping) else section
            for name, section in self.settings.items()
        }
        address = {"url": url.render_as_string(hide_password=False)}
        fixed = {
            "environment": "test",
            "_env_file": None,
            "database": own.pop("database", {}) | address,
            "topology": {"refresh_interval": 0, "revision_check": "ignore"} | own.pop("topology", {}),
            "migrations": own.pop("migrations", {}) | {"script_location": self.script_location},
        }
        return Settings(**(fixed | own))


class Template(Protocol):
    """Makes databases for tests."""

    async def build(self) -> None:
        """Create and migrate the databases, once."""

    def open(
        self, folder: Path, *, real_commits: bool = False
    ) -> AbstractAsyncContextManager[ShardedDatabase]:
        """Open a migrated, empty database for one test.

        Args:
            folder: empty, for the test alone; may be deleted at the end.
            real_commits: on servers, let commits reach the database and delete the rows afterwards, instead
                of rolling everything back.
        """

    async def drop(self) -> None:
        """Delete what `build` made."""


async def _migrate(targets: Iterable[Target], options: TemplateOptions) -> None:
    migration = MigrationOptions(script_location=options.script_location)
    for target in targets:
        await upgrade(target, options=migration)


async def _configure(url: URL, shards: Mapping[int, URL]) -> None:
    """Write shards into the configuration of a migrated global database."""
    manager = DatabaseManager(url)
    for shard_id, shard_url in shards.items():
        await add_shard(manager, NewShard(shard_id=shard_id, name=f"shard_{shard_id}", url=shard_url))
    await manager.close()


def _forget_durability(connection: AdaptedConnection, entry: ConnectionPoolEntry) -> None:
    # A test's file need not survive a power cut.
    connection.run_async(lambda driver: driver.executescript("PRAGMA synchronous = OFF"))


class SqliteTemplate:
    """A folder of migrated SQLite files, copied for each test.

    Args:
        folder: where the files are made.
        options: what they are made of.
    """

    def __init__(self, folder: Path, options: TemplateOptions) -> None:
        self._folder = folder
        self._options = options

    async def build(self) -> None:
        """Create and migrate the files, once."""
        url = self._url(self._folder, "global")
        shards = {
            shard_id: self._url(self._folder, f"shard_{shard_id}") for shard_id in self._options.shard_ids
        }
        first = [Target.shard(shard_id, shard_url) for shard_id, shard_url in shards.items()][:1]
        await _migrate([Target.global_database(url), *first], self._options)
        for shard_url in list(shards.values())[1:]:  # one is like another
            shutil.copyfile(str(first[0].url.database), str(shard_url.database))
        await _configure(url, shards)

    @asynccontextmanager
    async def open(self, folder: Path, *, real_commits: bool = False) -> AsyncIterator[ShardedDatabase]:
        """Copy the files and open the copy; commits are always real."""
        for file in self._folder.iterdir():
            shutil.copyfile(file, folder / file.name)
        database = ShardedDatabase(self._options.settings_for(self._url(folder, "global")))
        event.listen(database.global_manager.engine.sync_engine, "connect", _forget_durability)
        try:
            async with database:
                every = managers(database)
                for manager in every[1:]:
                    event.listen(manager.engine.sync_engine, "connect", _forget_durability)
                with CheckedOutConnections(*(manager.engine.sync_engine.pool for manager in every)) as out:
                    yield database
                    out.assert_none()
        finally:
            shutil.rmtree(folder, ignore_errors=True)  # a megabyte each, and there are many

    async def drop(self) -> None:
        """Delete the files."""
        shutil.rmtree(self._folder, ignore_errors=True)

    @staticmethod
    def _url(folder: Path, name: str) -> URL:
        return URL.create("sqlite+aiosqlite", database=str(folder / f"{name}.db"))


class ServerTemplate:
    """Migrated databases on a MySQL or MariaDB server, used by one test after the other.

    Args:
        server: the server's address; its user makes and drops databases.
        prefix: begins the databases' names; another one in every process.
        options: what they are made of.
    """

    def __init__(self, server: URL, prefix: str, options: TemplateOptions) -> None:
        self._server = server
        self._options = options
        self._global = server.set(database=f"{prefix}_global")
        self._shards = {n: server.set(database=f"{prefix}_shard_{n}") for n in options.shard_ids}
        self._contents: list[Contents] = []

    @property
    def _urls(self) -> list[URL]:
        return [self._global, *self._shards.values()]

    async def build(self) -> None:
        """Create and migrate the databases, once; none of their names may be taken."""
        await execute(
            self._server.set(database=""), [f"CREATE DATABASE `{url.database}`" for url in self._urls]
        )
        shards = [Target.shard(shard_id, url) for shard_id, url in self._shards.items()]
        await _migrate([Target.global_database(self._global), *shards], self._options)
        await _configure(self._global, self._shards)
        for url in self._urls:
            engine = create_engine(url)
            self._contents.append(await read_contents(engine))
            await engine.dispose()

    @asynccontextmanager
    async def open(self, folder: Path, *, real_commits: bool = False) -> AsyncIterator[ShardedDatabase]:
        """Open the databases, and put them back into their first state afterwards."""
        # Held connections end with the test: a pool would keep them beyond its event loop.
        pool = None if real_commits else NullPool
        database = ShardedDatabase(self._options.settings_for(self._global), poolclass=pool)
        body = self._committed(database) if real_commits else rolled_back(database)
        async with body:
            yield database

    @asynccontextmanager
    async def _committed(self, database: ShardedDatabase) -> AsyncIterator[None]:
        async with database:
            engines = [manager.engine for manager in managers(database)]
            try:
                with CheckedOutConnections(*(engine.sync_engine.pool for engine in engines)) as out:
                    yield
                    out.assert_none()
            finally:
                await asyncio.gather(*map(restore_contents, engines, self._contents))
                for engine in engines:
                    await engine.dispose()

    async def drop(self) -> None:
        """Drop the databases."""
        await execute(
            self._server.set(database=""), [f"DROP DATABASE IF EXISTS `{url.database}`" for url in self._urls]
        )


def template_for(server_url: str | None, options: TemplateOptions, folder: Path, name: str) -> Template:
    """Return a template that is not built yet.

    Args:
        server_url: a MySQL or MariaDB server; None = SQLite files.
        options: what the databases are made of.
        folder: where the SQLite files are made.
        name: begins the names of the databases on a server.

    Raises:
        ConfigurationError: the URL is none, or of another kind of database.
    """
    if server_url is None:
        return SqliteTemplate(folder, options)
    database_url(make_url(server_url).set(database=name), "the URL of the test server")
    return ServerTemplate(make_url(server_url), name, options)
