"""A new account: its row, its place in the directory and the count of its shard."""

from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession

from shardwise.finance.identity.repository import AccountRepository
from shardwise.finance.identity.values import NewAccount
from shardwise.routing.assignment import Assigner
from shardwise.routing.placement import Placement
from shardwise.schema.control import PlacementState


@dataclass(frozen=True, slots=True, kw_only=True)
class Created:
    """An account that exists once the transaction is committed."""

    account_db_key: int
    placement: Placement


async def create_account(
    session: AsyncSession,
    new: NewAccount,
    assignment: Assigner,
    *,
    state: PlacementState,
    region: str | None = None,
) -> Created:
    """Write a new account in the caller's transaction of the global database: three statements.

    Args:
        session: of the global database.
        new: the account's row.
        assignment: chooses the shard.
        state: of its home: `provisioning` if the caller writes its first rows on the shard afterwards.
        region: where its shard should be, for strategies that look at it.

    Raises:
        DuplicateEntityError: the name or the address is taken; nothing was written, and the
            transaction can go on.
        NoActiveShardError: no shard takes accounts; the caller must roll back.
    """
    account_db_key = await AccountRepository(session).add(new)
    # Late, because the count of a shard is a row that concurrent sign-ups wait for.
    placement = await assignment.place(session, account_db_key, region=region, state=state)
    return Created(account_db_key=account_db_key, placement=placement)
