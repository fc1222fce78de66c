"""The service that old programs call, on the databases of this library."""

import asyncio
from collections.abc import Mapping
from typing import Any

from shardwise.database import ShardedDatabase
from shardwise.errors import ShardDisabledError, ShardMaintenanceError
from shardwise.legacy.clients import DatabaseClient
from shardwise.legacy.config import database_for
from shardwise.legacy.last_ids import last_id
from shardwise.legacy.procedure import Rows
from shardwise.legacy.session_routing import checked_shard, shard_of_session
from shardwise.legacy.transactions import TransactionScope
from shardwise.schema.control import ShardStatus


class DatabaseService:
    """The global database and the shards, with the methods of the old service.

    Every call is a transaction of its own unless it is made in the block of `get_transaction`. Rows are
    lists of dicts. A shard that is unknown, disabled, in maintenance or down is an error; no call ever goes
    to another database than the one that was meant.

    Args:
        config: a `DatabaseConfig` or a program's own object with its fields, a URL of the global database,
            `Settings`, or a `ShardedDatabase`, which stays open if it was open before `init_service`.

    Attributes:
        db: the database, for what this service doesn't have.

    Raises:
        ConfigurationError: the configuration can't be used.
    """

    def __init__(self, config: Any) -> None:
        self.db = config if isinstance(config, ShardedDatabase) else database_for(config)
        self._opening = asyncio.Lock()
        self._owns = False

    async def init_service(self) -> None:
        """Open the database, unless it is open.

        Raises:
            DatabaseConnectionError: the global database can't be reached.
            TopologyError: it has not the tables that this code needs.
        """
        async with self._opening:
            if not self.db.is_open:
                await self.db.open()
                self._owns = True

    async def close_service(self) -> None:
        """Close what `init_service` has opened; may be called twice, and `init_service` after it."""
        async with self._opening:
            owns, self._owns = self._owns, False
            if owns:
                await self.db.close()

    # Clients

    @property
    def global_client(self) -> DatabaseClient:
        """Return the client of the global database."""
        return self.get_global_client()

    @property
    def shard_clients(self) -> Mapping[int, DatabaseClient]:
        """Return the clients of the active shards by id, as they are now."""
        return {shard.shard_id: DatabaseClient(self.db, shard.shard_id) for shard in self.db.topology.active}

    def get_global_client(self) -> DatabaseClient:
        """Return the client of the global database."""
        return DatabaseClient(self.db)

    def get_shard_client(self, shard_id: int) -> DatabaseClient | None:
        """Return the client of a shard; None if there is no such shard, or it isn't active."""
        return self.shard_clients.get(shard_id)

    def get_client_by_session(self, client_session: Any) -> DatabaseClient:
        """Return the client of the database that a session's rows are in.

        Args:
            client_session: its `session.shard_id` names the shard; without one it is the global database.

        Raises:
            ConfigurationError: the database is not open.
            UnknownShardError: there is no such shard.
            ShardUnavailableError: it is disabled, in maintenance, or its configuration can't be used.
        """
        shard_id = shard_of_session(client_session)
        client = DatabaseClient(self.db, shard_id)
        client.require_open()  # before it, no shard is known
        if shard_id is None:
            return client
        shard = self.db.topology.snapshot.shard(shard_id)
        if shard.status is ShardStatus.DISABLED:
            raise ShardDisabledError(shard_id)
        if shard.status is ShardStatus.MAINTENANCE:
            raise ShardMaintenanceError(shard_id)
        return client

    async def get_active_shard_ids(self) -> list[int]:
        """Return the shards that take work, in order, as they were when they were last read.

        Raises:
            ConfigurationError: the database is not open.
        """
        self.get_global_client().require_open()
        return [shard.shard_id for shard in self.db.topology.active]

    # Procedures

    async def call_global_procedure(self, procedure_name: str, params: Any = ()) -> Rows:
        """Call a procedure of the global database; see `DatabaseClient.execute_stored_procedure`."""
        return await self.get_global_client().execute_stored_procedure(procedure_name, params)

    async def call_stored_procedure(self, procedure_name: str, params: Any = ()) -> Rows:
        """Call a procedure of the global database: the older name of `call_global_procedure`."""
        return await self.call_global_procedure(procedure_name, params)

    async def call_shard_procedure(self, shard_id: int, procedure_name: str, params: Any = ()) -> Rows:
        """Call a procedure of a shard; see `DatabaseClient.execute_stored_procedure`.

        Raises:
            UnknownShardError: there is no such shard.
            ShardUnavailableError: it can't serve.
            WrongShardError: the procedure has an account for its parameter, who lives on another shard.
        """
        return await self._shard(shard_id).execute_stored_procedure(procedure_name, params)

    async def call_procedure_by_session(
        self, client_session: Any, procedure_name: str, params: Any = ()
    ) -> Rows:
        """Call a procedure of the database that a session's rows are in."""
        return await self.get_client_by_session(client_session).execute_stored_procedure(
            procedure_name, params
        )

    async def call_global_procedure_update(self, procedure_name: str, params: Any = ()) -> int:
        """Call a procedure of the global database for what it changes; returns how many rows that were."""
        return await self.get_global_client().call_procedure_update(procedure_name, params)

    async def call_shard_procedure_update(self, shard_id: int, procedure_name: str, params: Any = ()) -> int:
        """Call a procedure of a shard for what it changes; returns how many rows that were."""
        return await self._shard(shard_id).call_procedure_update(procedure_name, params)

    # Statements

    async def execute_global_query(self, query: str, params: Any = ()) -> Rows:
        """Run a statement on the global database; see `DatabaseClient.execute_query`."""
        return await self.get_global_client().execute_query(query, params)

    async def execute_query(self, query: str, params: Any = ()) -> Rows:
        """Run a statement on the global database: the older name of `execute_global_query`."""
        return await self.execute_global_query(query, params)

    async def execute_shard_query(self, shard_id: int, query: str, params: Any = ()) -> Rows:
        """Run a statement on a shard; see `DatabaseClient.execute_query`."""
        return await self._shard(shard_id).execute_query(query, params)

    async def call_shard_read_query(self, shard_id: int, query: str, params: Any = ()) -> Rows:
        """Run a statement that only reads on a shard; one that may write is refused."""
        return await self._shard(shard_id).execute_read_query(query, params)

    async def execute_query_by_session(self, client_session: Any, query: str, params: Any = ()) -> Rows:
        """Run a statement on the database that a session's rows are in."""
        return await self.get_client_by_session(client_session).execute_query(query, params)

    async def execute_non_query(self, query: str, params: Any = (), *, shard_id: int | None = None) -> int:
        """Run a statement on the global database or on a shard; returns how many rows it wrote."""
        client = self.get_global_client() if shard_id is None else self._shard(shard_id)
        return await client.execute_non_query(query, params)

    async def get_last_insert_id(self) -> int:
        """Return the id of the row that this task inserted last through the service, 0 if there is none.

        In the block of `get_transaction` it is the transaction that knows.
        """
        return last_id(self.db)

    def get_transaction(self, shard_id: int | None = None) -> TransactionScope:
        """Open a block whose statements and procedures are stored together, or not at all.

        `async with service.get_transaction() as transaction:`, or with an `await` before the call.

        Args:
            shard_id: the shard; None = the global database.
        """
        client = self.get_global_client() if shard_id is None else self._shard(shard_id)
        return client.transaction()

    def _shard(self, shard_id: int) -> DatabaseClient:
        return DatabaseClient(self.db, checked_shard(shard_id))
