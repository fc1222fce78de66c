"""The trading platform as it was: pools of dict cursors that call stored procedures."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiomysql
from sqlalchemy import MetaData

from benchmarks.old_procedures import GLOBAL_PROCEDURES, SHARD_PROCEDURES
from shardwise.migrations.baseline import GLOBAL, SHARD
from shardwise.security.passwords import PasswordHasher
from shardwise.testing.servers import MariaDBServer
from shardwise.topology.engines import create_engine

SHARDS = (1, 2)
Row = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class OldPlatform:
    """What the old services did for one request each.

    Attributes:
        global_pool: of the global database.
        shard_pools: by shard id.
        hasher: hashes passwords, in the client as ever.
    """

    global_pool: aiomysql.Pool
    shard_pools: dict[int, aiomysql.Pool]
    hasher: PasswordHasher

    async def sign_up(self, account_id: str, password: str, email: str) -> int:
        """Hash, and call fp_user_signup; returns the new key."""
        password_hash = await self.hasher.hash(password)
        values = (1, account_id, password_hash, email, account_id, None, None, None, None)
        (row,) = await call(self.global_pool, "fp_user_signup", values)
        assert row["result"] == "SUCCESS"
        return int(row["account_db_key"])

    async def open_account(self, key: int) -> None:
        """Call fp_create_account, which a sign-up with shardwise does too."""
        (row,) = await call(self._shard(key), "fp_create_account", (key, "checking"))
        assert row["result"] == "SUCCESS"

    async def log_in(self, account_id: str, password: str) -> Row:
        """Call fp_user_login and verify the password by the hash that it returns."""
        (row,) = await call(self.global_pool, "fp_user_login", (1, account_id))
        assert await self.hasher.verify(password, row["password_hash"])
        return row

    async def save_message(self, key: int, message_id: str, room_id: str, content: str) -> Row:
        """Call fp_chat_message_batch_save."""
        values = (message_id, room_id, key, "USER", content, None, None)
        (row,) = await call(self._shard(key), "fp_chat_message_batch_save", values)
        return row

    async def publish(self, key: int, partition: str, data: str) -> Row:
        """Call fp_universal_outbox_publish."""
        values = ("chat", partition, "message_sent", "m-1", data)
        (row,) = await call(self._shard(key), "fp_universal_outbox_publish", values)
        return row

    async def unread(self, key: int, limit: int) -> Sequence[Row]:
        """Call fp_inapp_notifications_get_unread."""
        return await call(self._shard(key), "fp_inapp_notifications_get_unread", (key, None, limit, 0))

    async def execute_many(self, shard: int, statement: str, rows: Sequence[tuple[Any, ...]]) -> None:
        """Fill a table."""
        async with self.shard_pools[shard].acquire() as connection, connection.cursor() as cursor:
            await cursor.executemany(statement, rows)

    def _shard(self, key: int) -> aiomysql.Pool:
        return self.shard_pools[key % len(SHARDS) + 1]


async def call(pool: aiomysql.Pool, name: str, values: Sequence[Any]) -> list[Row]:
    """Call a procedure in one round trip (`callproc` would take one more for each argument)."""
    rows: list[Row] = []
    async with pool.acquire() as connection, connection.cursor(aiomysql.DictCursor) as cursor:
        await cursor.execute(f"CALL {name}({', '.join(['%s'] * len(values))})", values)
        rows += await cursor.fetchall()
        while await cursor.nextset():
            rows += await cursor.fetchall()
    return rows


@asynccontextmanager
async def old_platform(
    server: MariaDBServer, hasher: PasswordHasher, *, connections: int
) -> AsyncIterator[OldPlatform]:
    """Make the old tables and procedures in new databases, and connect to them."""
    async with AsyncExitStack() as stack:

        async def pool_of(name: str, metadata: MetaData, procedures: Sequence[str]) -> aiomysql.Pool:
            await _build(server, name, metadata, procedures)
            pool = await aiomysql.create_pool(
                host=server.host,
                port=server.port,
                user=server.user,
                password=server.password,
                db=name,
                charset="utf8mb4",
                minsize=connections,
                maxsize=connections,
                autocommit=True,
            )
            stack.push_async_callback(pool.wait_closed)
            stack.callback(pool.close)
            return pool

        global_pool = await pool_of("old_global", GLOBAL, GLOBAL_PROCEDURES)
        shard_pools = {n: await pool_of(f"old_shard_{n}", SHARD, SHARD_PROCEDURES) for n in SHARDS}
        async with global_pool.acquire() as connection, connection.cursor() as cursor:
            for n in SHARDS:
                await cursor.execute(
                    "INSERT INTO table_shard_config (shard_id, shard_name, host, database_name, username,"
                    " password) VALUES (%s, %s, 'h', 'd', 'u', '')",
                    (n, f"shard_{n}"),
                )
                await cursor.execute("INSERT INTO table_shard_stats (shard_id) VALUES (%s)", (n,))
        yield OldPlatform(global_pool=global_pool, shard_pools=shard_pools, hasher=hasher)


async def _build(server: MariaDBServer, name: str, metadata: MetaData, procedures: Sequence[str]) -> None:
    engine = create_engine(server.create_database(name))
    async with engine.begin() as connection:
        await connection.run_sync(metadata.create_all)
    await engine.dispose()
    server.execute(*procedures, database=name)
