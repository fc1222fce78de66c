"""The directory: account → shard, read from `table_user_shard_mapping` through a cache."""

import asyncio
import time
from collections.abc import Callable, Iterable
from itertools import islice

from sqlalchemy import select

from shardwise.errors import InvalidValueError, UnknownAccountError
from shardwise.routing.cache import PlacementCache
from shardwise.routing.placement import Placement
from shardwise.schema.control import ShardMapping
from shardwise.schema.types import MAX_UNSIGNED
from shardwise.topology.manager import DatabaseManager

_ABSENT_SECONDS = 1.0
_ABSENT_LIMIT = 10_000
_BATCH = 1_000


class _Lookup:
    """One query in flight for one account; its answer doesn't count if an invalidation came meanwhile."""

    __slots__ = ("stale", "task")

    def __init__(self) -> None:
        self.stale = False
        self.task: asyncio.Task[Placement | None]


class Directory:
    """Finds the placement of accounts.

    A cached placement costs no round trip. At most one query a key is in flight, however many ask. That
    there is no such account is remembered for a second at most.

    Args:
        database: the global database.
        capacity: accounts kept in the cache.
        ttl: seconds that a cached placement is served at most.
        clock: a monotonic clock in seconds; for tests.
    """

    def __init__(
        self,
        database: DatabaseManager,
        *,
        capacity: int = 1_000_000,
        ttl: float = 60,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._database = database
        self._clock = clock
        self._cache = PlacementCache(capacity, ttl, clock)
        self._absent: dict[int, float] = {}
        self._in_flight: dict[int, _Lookup] = {}
        self._generation = 0
        self.cached = self._cache.get
        """Return the cached placement of a key, or None; no waiting."""

    async def lookup(self, account_db_key: int) -> Placement:
        """Return an account's placement.

        Raises:
            UnknownAccountError: the account has none.
            InvalidValueError: the key is not an integer from 0 to 2**64 - 1.
            DatabaseError: the global database can't answer and the key isn't cached.
        """
        if type(account_db_key) is int:
            placement = self._cache.get(account_db_key)
            if placement is not None:
                return placement
        found = await self._ask(check_key(account_db_key))
        if found is None:
            raise UnknownAccountError(account_db_key)
        return found

    async def lookup_many(self, account_db_keys: Iterable[int]) -> dict[int, Placement]:
        """Return the placements of several accounts, with one query for every 1,000 that aren't cached.

        Raises:
            UnknownAccountError: one of them has none (the smallest is named).
        """
        wanted = dict.fromkeys(check_key(key) for key in account_db_keys)
        found = {key: hit for key in wanted if (hit := self._cache.get(key)) is not None}
        missing = iter([key for key in wanted if key not in found])
        while batch := list(islice(missing, _BATCH)):
            generation = self._generation
            rows = await self._read(batch)
            if generation == self._generation:
                for key, placement in rows.items():
                    self._cache.put(key, placement)
            found |= rows
        if absent := wanted.keys() - found.keys():
            raise UnknownAccountError(min(absent))
        return {key: found[key] for key in wanted}

    def remember(self, account_db_key: int, placement: Placement) -> None:
        """Keep a placement that was just committed, in place of what is known or in flight."""
        self.invalidate(account_db_key)
        self._cache.put(account_db_key, placement)

    def invalidate(self, account_db_key: int) -> None:
        """Forget one account; an answer that is on its way will not be kept."""
        self._generation += 1
        self._cache.drop(account_db_key)
        self._absent.pop(account_db_key, None)
        if lookup := self._in_flight.pop(account_db_key, None):
            lookup.stale = True

    def clear(self) -> None:
        """Forget all accounts."""
        self._generation += 1
        self._cache.clear()
        self._absent.clear()
        for lookup in self._in_flight.values():
            lookup.stale = True
        self._in_flight.clear()

    def __len__(self) -> int:
        return len(self._cache)

    def _known_absent(self, key: int) -> bool:
        return self._absent.get(key, 0.0) > self._clock()

    async def _ask(self, key: int) -> Placement | None:
        while not self._known_absent(key):
            lookup = self._in_flight.get(key) or self._start(key)
            found = await asyncio.shield(lookup.task)
            if not lookup.stale:
                return found
            if (newer := self._cache.get(key)) is not None:
                return newer
        return None

    def _start(self, key: int) -> _Lookup:
        lookup = self._in_flight[key] = _Lookup()
        # A task of its own: the first asker may be cancelled while others wait for the same answer.
        lookup.task = asyncio.create_task(self._query(key, lookup))
        lookup.task.add_done_callback(_retrieve)
        return lookup

    async def _query(self, key: int, lookup: _Lookup) -> Placement | None:
        try:
            placement = (await self._read([key])).get(key)
        finally:
            if self._in_flight.get(key) is lookup:
                del self._in_flight[key]
        if not lookup.stale:
            if placement is None:
                self._remember_absent(key)
            else:
                self._cache.put(key, placement)
        return placement

    def _remember_absent(self, key: int) -> None:
        if len(self._absent) >= _ABSENT_LIMIT:
            self._absent.clear()
        self._absent[key] = self._clock() + _ABSENT_SECONDS

    async def _read(self, keys: list[int]) -> dict[int, Placement]:
        wanted = (
            ShardMapping.account_db_key == keys[0]
            if len(keys) == 1
            else ShardMapping.account_db_key.in_(keys)
        )
        columns = ShardMapping.account_db_key, ShardMapping.shard_id, ShardMapping.epoch, ShardMapping.state
        async with self._database.session(read_only=True) as session:
            rows = await session.execute(select(*columns).where(wanted))
            return {key: Placement(shard_id, epoch, state) for key, shard_id, epoch, state in rows}

    async def close(self) -> None:
        """End the queries in flight."""
        tasks = [lookup.task for lookup in self._in_flight.values()]
        self.clear()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def check_key(account_db_key: int) -> int:
    """Return an account key that is one.

    Raises:
        InvalidValueError: it is not an integer from 0 to 2**64 - 1.
    """
    if type(account_db_key) is not int or not 0 <= account_db_key <= MAX_UNSIGNED:
        raise InvalidValueError("account_db_key", f"{account_db_key!r} is not an integer from 0 to 2**64 - 1")
    return account_db_key


def _retrieve(task: asyncio.Task[Placement | None]) -> None:
    if not task.cancelled():
        task.exception()  # everybody who waited has it; nobody may be left
