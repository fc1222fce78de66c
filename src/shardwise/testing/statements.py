"""SQL sent to a MySQL or MariaDB server past every engine, to make and empty test databases."""

import asyncio
from collections.abc import Coroutine, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import asyncmy
from sqlalchemy.engine import URL

T = TypeVar("T")
Rows = list[tuple[Any, ...]]


async def execute(url: URL, statements: Iterable[str]) -> Rows:
    """Run statements on a connection of their own, in autocommit.

    Args:
        url: the server's address; its database may be empty.
        statements: SQL without parameters.

    Returns:
        The rows of the last statement.

    Raises:
        asyncmy.errors.Error: what the server said.
    """
    connection = await asyncmy.connect(
        host=url.host or "localhost",
        port=url.port or 3306,
        user=url.username,
        password=url.password or "",
        database=url.database or "",
        charset="utf8mb4",
        autocommit=True,
    )
    rows: Rows = []
    try:
        async with connection.cursor() as cursor:
            for statement in statements:
                await cursor.execute(statement)
                rows = list(await cursor.fetchall())
    finally:
        connection.close()
    return rows


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end, also when the caller is inside a running event loop."""
    with ThreadPoolExecutor(max_workers=1) as thread:
        return thread.submit(asyncio.run, work).result()
