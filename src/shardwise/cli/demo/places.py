"""Where the demo keeps its databases: files in a folder, or a server. It deletes only its own."""

import fcntl
import os
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from hashlib import sha256
from pathlib import Path
from typing import Protocol

from sqlalchemy.engine import URL

from shardwise.cli import databases
from shardwise.errors import ConfigurationError
from shardwise.schema.base import GlobalBase, ShardBase

SHARDS = (1, 2, 3)
_LONGEST_NAME = 64  # of a database, on MySQL


class Place(Protocol):
    """A global database and three shards."""

    def global_url(self) -> URL:
        """Return the address of the global database."""

    def shard_url(self, shard_id: int) -> URL:
        """Return the address of a shard."""

    def held(self) -> AbstractAsyncContextManager[None]:
        """Keep other demos out while the block runs, however it ends.

        Raises:
            ConfigurationError: another demo runs here.
        """

    async def clear(self) -> None:
        """Delete what a demo before has left.

        Raises:
            ConfigurationError: there is something here that no demo made; nothing was deleted.
        """

    async def make(self, url: URL) -> None:
        """Make one of the databases, empty."""


class FolderPlace:
    """SQLite files in a folder, beside a note that says that the demo made them.

    Args:
        folder: where; made if it isn't there.
    """

    MARK = ".made-by-shardwise-demo"

    def __init__(self, folder: Path) -> None:
        self._folder = folder.absolute()

    def global_url(self) -> URL:
        return self._url("global.db")

    def shard_url(self, shard_id: int) -> URL:
        return self._url(f"shard_{shard_id}.db")

    @asynccontextmanager
    async def held(self) -> AsyncIterator[None]:
        if self._folder.exists() and not self._folder.is_dir():
            raise ConfigurationError(f"{self._folder} is not a folder; choose another with --folder")
        self._folder.mkdir(parents=True, exist_ok=True)
        folder = os.open(self._folder, os.O_RDONLY)
        try:
            self._lock(folder)
            yield
        finally:
            os.close(folder)

    async def clear(self) -> None:
        urls = [self.global_url(), *map(self.shard_url, SHARDS)]
        mark = self._folder / self.MARK
        if not mark.exists():
            strange = [str(url.database) for url in urls if databases.sqlite_path(url).exists()]
            if strange:
                raise ConfigurationError(
                    f"{strange[0]} was not made by a demo and stays as it is; name another folder: --folder"
                )
            self._folder.mkdir(parents=True, exist_ok=True)
            mark.write_text("shardwise demo made the databases here and makes them anew each time it runs.\n")
        for url in urls:
            databases.delete_files(url)

    async def make(self, url: URL) -> None:
        """Do nothing: SQLite makes a file at its first use."""

    def _lock(self, folder: int) -> None:
        try:
            fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ConfigurationError(
                f"another demo runs in {self._folder}; wait for it, or name another folder: --folder"
            ) from None

    def _url(self, name: str) -> URL:
        return URL.create("sqlite+aiosqlite", database=str(self._folder / name))


class ServerPlace:
    """Databases of a MySQL or MariaDB server, each with an empty table that says that the demo made it.

    Args:
        url: address of the global database; those of the shards have its name with an ending.

    Raises:
        ConfigurationError: the name is too long for that.
    """

    MARK = "made_by_shardwise_demo"

    def __init__(self, url: URL) -> None:
        self._url = url
        longest = self.shard_url(max(SHARDS)).database or ""
        if len(longest) > _LONGEST_NAME:
            raise ConfigurationError(
                f"the database's name is too long: {longest} has more than {_LONGEST_NAME} characters"
            )

    def global_url(self) -> URL:
        return self._url

    def shard_url(self, shard_id: int) -> URL:
        return self._url.set(database=f"{self._url.database}_shard_{shard_id}")

    @asynccontextmanager
    async def held(self) -> AsyncIterator[None]:
        # A lock's name may have 64 characters, as many as a database's.
        name = f"shardwise demo {sha256((self._url.database or '').encode()).hexdigest()[:32]}"
        async with databases.named_lock(self._url, name) as ours:
            if not ours:
                raise ConfigurationError(
                    f"another demo runs in {databases.shown(self._url)};"
                    " wait for it, or name another database: --url"
                )
            yield

    async def clear(self) -> None:
        urls = [self.global_url(), *map(self.shard_url, SHARDS)]
        there = {url: await databases.table_names(url) for url in urls if await databases.exists(url)}
        for url, tables in there.items():
            if tables and self.MARK not in tables:
                raise ConfigurationError(
                    f"{databases.shown(url)} was not made by a demo and stays as it is;"
                    " name another database: --url"
                )
        ours = {"alembic_version", *GlobalBase.metadata.tables, *ShardBase.metadata.tables}
        for url in there:
            await databases.drop_tables(url, names=ours)

    async def make(self, url: URL) -> None:
        await databases.create(url)
        await databases.mark(url, self.MARK)
