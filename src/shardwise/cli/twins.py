"""Whether two addresses lead to one database, whatever names they use."""

import asyncio
import os
from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.engine import URL
from sqlalchemy.ext.asyncio import AsyncSession

from shardwise.cli.databases import is_sqlite, sqlite_path
from shardwise.errors import ShardwiseError
from shardwise.kit.ids import new_text_id
from shardwise.topology.manager import DatabaseManager


@dataclass(frozen=True, slots=True, kw_only=True)
class Twins:
    """What a search for the same database under another address found.

    Attributes:
        name: the configured database that it is, None if it is none of them.
        unasked: databases that could not be asked, so that only their addresses were compared.
    """

    name: str | None = None
    unasked: tuple[str, ...] = ()


async def find_twin(
    candidate: DatabaseManager, others: Iterable[DatabaseManager], *, deadline: float = 5
) -> Twins:
    """Look for a database among others.

    SQLite: the same file, through links too. Servers: the candidate takes a named lock, which is held on
    the whole server; who sees it taken is on the same server, and then the database's name decides. So two
    host names, a socket or a tunnel don't deceive it.

    Args:
        candidate: an open database, which must answer.
        others: the databases that are configured.
        deadline: seconds that each of them may take to answer.

    Raises:
        DatabaseError: the candidate can't be asked.
    """
    others = list(others)
    for other in others:
        if same_address(candidate.url, other.url):
            return Twins(name=other.name)
    if is_sqlite(candidate.url):
        return Twins()
    unasked = []
    async with candidate.session() as session:
        lock, database = new_text_id(), await _database(session)
        await session.execute(text("SELECT GET_LOCK(:name, 0)"), {"name": lock})
        for other in others:
            if is_sqlite(other.url):
                continue
            try:
                async with asyncio.timeout(deadline):
                    if await _sees(other, lock, database):
                        return Twins(name=other.name)
            except (ShardwiseError, TimeoutError):
                unasked.append(other.name)
    return Twins(unasked=tuple(unasked))


def same_address(one: URL, other: URL) -> bool:
    """Return whether two addresses are equal as they are written, or lead to the same file."""
    if is_sqlite(one) or is_sqlite(other):
        return is_sqlite(one) and is_sqlite(other) and _same_file(one, other)
    return _place(one) == _place(other)


def _same_file(one: URL, other: URL) -> bool:
    first, second = sqlite_path(one), sqlite_path(other)
    if first.exists() and second.exists():
        return os.path.samefile(first, second)
    return first.resolve() == second.resolve()


def _place(url: URL) -> tuple[str, int, str]:
    return (url.host or "localhost").lower(), url.port or 3306, url.database or ""


async def _sees(other: DatabaseManager, lock: str, database: str) -> bool:
    async with other.session(read_only=True) as session:
        holder = await session.scalar(text("SELECT IS_USED_LOCK(:name)"), {"name": lock})
        return holder is not None and await _database(session) == database


async def _database(session: AsyncSession) -> str:
    """Return the name of the database, as the server compares names."""
    name, folded = (await session.execute(text("SELECT DATABASE(), @@lower_case_table_names"))).one()
    return str(name).lower() if folded else str(name)
