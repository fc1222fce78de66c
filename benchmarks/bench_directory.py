"""How fast does the directory answer from its cache, and what does an account cost in memory?"""

import gc
import sys
import time
import tracemalloc

from benchmarks.harness import entry
from shardwise.routing.directory import Directory
from shardwise.routing.placement import Placement
from shardwise.testing.servers import MariaDBServer
from shardwise.topology.manager import DatabaseManager

ACCOUNTS = 1_000_000
BOUND = 1_000_000


async def run(server: MariaDBServer) -> list[dict[str, object]]:
    """Fill the cache with 1,000,000 accounts on 2 and on 64 shards and look all of them up."""
    entries = []
    for shards in (2, 64):
        manager = DatabaseManager(server.url("mysql"))
        directory = Directory(manager, capacity=2 * ACCOUNTS, ttl=3600)
        gc.collect()
        tracemalloc.start()
        before, _ = tracemalloc.get_traced_memory()
        for key in range(1000, 1000 + ACCOUNTS):
            directory.remember(key, Placement(key % shards + 1))
        after, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        keys = [hash((key, "spread")) % ACCOUNTS + 1000 for key in range(ACCOUNTS)]
        direct = max(_cached_per_second(directory, keys) for _ in range(3))
        awaited = max([await _awaited_per_second(directory, keys) for _ in range(3)])
        where = f"{ACCOUNTS:,} accounts on {shards} shards, random keys, CPython {sys.version.split()[0]}"
        entries += [
            entry(
                f"directory.cached(key), {shards} shards",
                direct,
                "look-ups/s of one core",
                bound=f"≥ {BOUND:,}",
                peer="",
                how=where,
            ),
            entry(
                f"await directory.lookup(key), cached, {shards} shards",
                awaited,
                "look-ups/s of one core",
                bound=f"≥ {BOUND:,}",
                peer="",
                how=where,
            ),
            entry(
                f"memory of a cached account, {shards} shards",
                (after - before) / ACCOUNTS,
                "bytes",
                bound="stated",
                peer="",
                how="tracemalloc around filling the cache, keys included",
            ),
        ]
        await directory.close()
        await manager.close()
    return entries


def _cached_per_second(directory: Directory, keys: list[int]) -> float:
    cached = directory.cached
    start = time.process_time()
    for key in keys:
        cached(key)
    return len(keys) / (time.process_time() - start)


async def _awaited_per_second(directory: Directory, keys: list[int]) -> float:
    lookup = directory.lookup
    start = time.process_time()
    for key in keys:
        await lookup(key)
    return len(keys) / (time.process_time() - start)
