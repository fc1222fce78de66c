"""All SQL for accounts and for the rows of the directory that belong to them."""

import unicodedata
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, insert, select

from shardwise.finance.identity.models import Account, UserProfile
from shardwise.finance.identity.values import NewAccount, spellings
from shardwise.kit.clock import utc_now
from shardwise.repository import BaseRepository
from shardwise.repository.changes import checked_changes
from shardwise.routing.placement import Placement
from shardwise.schema.control import PlacementState, ShardMapping

# One moment for all: a block that ends when the account begins is no block.
_MOMENTS = ("create_time", "block_endtime", "withdraw_time", "login_time", "logout_time")


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """What a login looks at, read with one statement; `placement` is None for an account with no home."""

    account: Account
    profile_completed: bool
    placement: Placement | None


class AccountRepository(BaseRepository[Account]):
    """Accounts, in a session of the global database that the caller ends."""

    async def add(self, new: NewAccount) -> int:
        """Write a new account and return its key; a refusal leaves the transaction as it was.

        Raises:
            DuplicateEntityError: its name or address is taken.
        """
        values = checked_changes(self.shape, asdict(new) | dict.fromkeys(_MOMENTS, utc_now()))
        # Not as an object: a session undoes its whole transaction when a flush is refused.
        with self.translated():
            result: Any = await self.session.execute(insert(self.shape.table).values(values))
        return int(result.inserted_primary_key[0])

    async def credentials(self, platform_type: int, account_id: str) -> Credentials | None:
        """Return what a login looks at, or None for a name that nobody has.

        One statement, unless the name comes in a form that only an old program would have stored.
        """
        for name in spellings(account_id):
            if (found := await self._stored_as(platform_type, name)) is not None:
                return found
        return None

    async def _stored_as(self, platform_type: int, account_id: str) -> Credentials | None:
        statement = (
            select(
                Account,
                func.coalesce(UserProfile.profile_completed, False),
                ShardMapping.shard_id,
                ShardMapping.epoch,
                ShardMapping.state,
            )
            .outerjoin(UserProfile, UserProfile.account_db_key == Account.account_db_key)
            .outerjoin(ShardMapping, ShardMapping.account_db_key == Account.account_db_key)
            .where(Account.platform_type == platform_type, Account.account_id == account_id)
            .execution_options(populate_existing=True)
        )
        with self.translated():
            row: Any = (await self.session.execute(statement)).one_or_none()
        # A server's collation finds more than a change of case: other accents, and any emoji for any other.
        if row is None or _folded(row.Account.account_id) != _folded(account_id):
            return None
        account, completed, shard_id, epoch, state = row
        placement = None if shard_id is None else Placement(shard_id, epoch, state)
        return Credentials(account=account, profile_completed=bool(completed), placement=placement)

    async def count_login(self, account_db_key: int, now: datetime) -> None:
        """Note that an account has logged in."""
        changes = {"login_time": now, "login_count": Account.login_count + 1}
        await self.update_many({"account_db_key": account_db_key}, changes)

    async def replace_hash(self, account_db_key: int, *, old: str, new: str) -> bool:
        """Store another hash unless the old one was replaced meanwhile; return whether it was stored."""
        unchanged = {"account_db_key": account_db_key, "password_hash": old}
        return await self.update_many(unchanged, {"password_hash": new}) == 1

    async def password_hash(self, account_db_key: int, *, lock: bool = False) -> str | None:
        """Return the present hash, None if nobody has the key; with `lock` nobody else can change it."""
        statement = select(Account.password_hash).where(Account.account_db_key == account_db_key)
        with self.translated():
            found: str | None = await self.session.scalar(statement.with_for_update() if lock else statement)
        return found

    async def log_out(self, account_db_key: int, now: datetime) -> bool:
        """Note that an account has logged out; return whether there is such an account."""
        return await self.update_many({"account_db_key": account_db_key}, {"logout_time": now}) == 1


class HomeRepository(BaseRepository[ShardMapping]):
    """Where accounts live, for the one step from a home that is promised to one that is finished."""

    async def find(self, account_db_key: int, *, newest: bool = False) -> Placement | None:
        """Return where an account lives, from the table.

        Args:
            account_db_key: the account.
            newest: lock the row, and see it as it is now rather than when the transaction began to read.
        """
        row = await self.get_by_id(account_db_key, for_update=newest)
        return None if row is None else Placement(row.shard_id, row.epoch, row.state)

    async def finish(self, account_db_key: int, placement: Placement) -> bool:
        """Mark a home as finished if it is still the one that was provisioned; return whether it was."""
        provisioned = {
            "account_db_key": account_db_key,
            "epoch": placement.epoch,
            "state": PlacementState.PROVISIONING,
        }
        return await self.update_many(provisioned, {"state": PlacementState.ACTIVE}) == 1


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", name.casefold())
