"""From account keys to a shard's open database."""

from collections.abc import Iterable

from shardwise.errors import NoActiveShardError, ScatterRefusedError
from shardwise.routing.directory import Directory
from shardwise.routing.placement import Placement
from shardwise.topology.live import LiveTopology
from shardwise.topology.manager import DatabaseManager


class Router:
    """Resolves accounts to shards through the directory and the topology.

    Args:
        directory: account → placement.
        topology: shard → database.
    """

    def __init__(self, directory: Directory, topology: LiveTopology) -> None:
        self.directory = directory
        self.topology = topology

    def resolved(self, account_db_key: int) -> tuple[Placement, DatabaseManager] | None:
        """Return an account's placement and its shard's database if both are at hand; no waiting."""
        if type(account_db_key) is not int:
            return None  # True and 1.0 would find what is cached for 1
        placement = self.directory.cached(account_db_key)
        if placement is None:
            return None
        manager = self.topology.serving(placement.shard_id)
        return None if manager is None else (placement, manager)

    async def resolve(self, account_db_key: int) -> tuple[Placement, DatabaseManager]:
        """Return an account's placement and its shard's database.

        Raises:
            UnknownAccountError: the account has no placement.
            ShardUnavailableError: its shard doesn't serve. Never another database instead.
        """
        placement = await self.directory.lookup(account_db_key)
        return placement, await self.topology.manager(placement.shard_id)

    async def shard_of(self, keys: Iterable[int] | None, what: str) -> int:
        """Return the one shard that holds the accounts a statement names.

        Args:
            keys: the accounts; None if the statement reads reference tables only, which every shard has.
            what: the statement in a few words, for the error.

        Raises:
            ScatterRefusedError: it names several accounts.
        """
        named = list(keys or ())
        if len(named) > 1:
            raise ScatterRefusedError(
                f"{what} names {len(named)} accounts; a sharded_session runs statements that name exactly"
                " one: execute it once for each account"
            )
        if named:
            placement, _ = await self.resolve(named[0])
            return placement.shard_id
        active = self.topology.active  # every shard gives the same answer: nothing, or the reference rows
        if not active:
            raise NoActiveShardError
        await self.topology.manager(active[0].shard_id)
        return active[0].shard_id
