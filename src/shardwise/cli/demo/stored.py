"""What the databases hold in the end, read row by row from each shard, not through the services."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from shardwise.cli.demo.plan import Act
from shardwise.database import ShardedDatabase
from shardwise.finance.chat.models import ChatRoom, ChatStatistics
from shardwise.finance.identity.models import Account
from shardwise.finance.ledger.models import LedgerAccount, LedgerTransaction, TransactionType
from shardwise.finance.notifications.models import Notification
from shardwise.finance.portfolios.models import PortfolioPosition
from shardwise.finance.signals.models import Signal, SignalAlarm
from shardwise.finance.tutorial.models import TutorialProgress
from shardwise.repository import BaseRepository
from shardwise.schema.base import ShardBase
from shardwise.schema.control import ShardMapping, ShardStats
from shardwise.topology.revision import read_revision

_READ: Mapping[str, type[ShardBase]] = {
    "transactions": LedgerTransaction,
    "positions": PortfolioPosition,
    "alarms": SignalAlarm,
    "signals": Signal,
    "notifications": Notification,
    "rooms": ChatRoom,
    "chat_days": ChatStatistics,
    "tutorials": TutorialProgress,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredShard:
    """One shard's rows.

    Attributes:
        shard_id: the shard.
        name: its name.
        address: where it is.
        revision: of its schema.
        rows: by table, those that have any.
        counted: accounts that the statistics count on it.
        accounts: the ledger accounts by key.
        transactions: the movements of money.
        positions: what is held.
        alarms: what is watched.
        signals: what that brought.
        notifications: what was told about it.
        rooms: conversations.
        chat_days: what was said, by account and day.
        tutorials: how far accounts are with tutorials.
    """

    shard_id: int
    name: str
    address: str
    revision: str | None
    rows: Mapping[str, int]
    counted: int
    accounts: Mapping[int, LedgerAccount]
    transactions: Sequence[LedgerTransaction]
    positions: Sequence[PortfolioPosition]
    alarms: Sequence[SignalAlarm] = ()
    signals: Sequence[Signal] = ()
    notifications: Sequence[Notification] = ()
    rooms: Sequence[ChatRoom] = ()
    chat_days: Sequence[ChatStatistics] = ()
    tutorials: Sequence[TutorialProgress] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """Everything that the demo has stored.

    Attributes:
        names: the names of the accounts, by key.
        logins: how often each has logged in, by key.
        directory: the shard of each account, by key.
        shards: the shards, by id.
    """

    names: Mapping[int, str]
    logins: Mapping[int, int]
    directory: Mapping[int, int]
    shards: Mapping[int, StoredShard] = field(default_factory=dict)


async def read_stored(db: ShardedDatabase, addresses: Mapping[int, str]) -> Stored:
    """Read everything.

    Args:
        db: an open database.
        addresses: what to call each shard's address.
    """
    async with db.global_session(read_only=True) as session:
        accounts = await BaseRepository(session, Account).list()
        mappings = await BaseRepository(session, ShardMapping).list()
        counted = {row.shard_id: row.user_count for row in await BaseRepository(session, ShardStats).list()}
    return Stored(
        names={account.account_db_key: account.account_id for account in accounts},
        logins={account.account_db_key: account.login_count for account in accounts},
        directory={mapping.account_db_key: mapping.shard_id for mapping in mappings},
        shards={
            shard_id: await _read_shard(db, shard_id, addresses[shard_id], counted.get(shard_id, 0))
            for shard_id in db.topology.shards
        },
    )


def _shard_models() -> list[type[ShardBase]]:
    tables = ShardBase.metadata.tables
    models = {mapper.local_table: mapper.class_ for mapper in ShardBase.registry.mappers}
    return [models[table] for _, table in sorted(tables.items())]


async def _read_shard(db: ShardedDatabase, shard_id: int, address: str, counted: int) -> StoredShard:
    async with db.shard_session(shard_id, read_only=True) as session:
        rows = {}
        for model in _shard_models():
            repository = BaseRepository(session, model)
            if count := await repository.count(include_deleted=True):
                rows[repository.shape.table.name] = count
        accounts = await BaseRepository(session, LedgerAccount).list()
        held: dict[str, Any] = {name: await BaseRepository(session, m).list() for name, m in _READ.items()}
    return StoredShard(
        shard_id=shard_id,
        name=db.topology.shards[shard_id].name,
        address=address,
        revision=await read_revision(await db.topology.manager(shard_id)),
        rows=rows,
        counted=counted,
        accounts={account.account_db_key: account for account in accounts},
        **held,
    )


def act_of(transaction: LedgerTransaction) -> Act:
    """Return what an investor did, as told by a movement of money; trades refer to an asset."""
    incoming = transaction.transaction_type is TransactionType.DEPOSIT
    if transaction.reference_id is None:
        return Act.DEPOSIT if incoming else Act.WITHDRAW
    return Act.SELL if incoming else Act.BUY
