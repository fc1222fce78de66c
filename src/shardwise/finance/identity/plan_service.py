"""What accounts have subscribed to."""

from shardwise.database import ShardedDatabase
from shardwise.finance.identity.plans import PlanChange, Subscription, find_plan, set_plan
from shardwise.finance.identity.running import read, write


class PlanService:
    """The plans of accounts.

    Args:
        db: an open database.
    """

    def __init__(self, db: ShardedDatabase) -> None:
        self._db = db

    async def get(self, account_db_key: int) -> Subscription:
        """Return what somebody has subscribed to; the free plan if they never did.

        Raises:
            EntityNotFoundError: there is no such account.
        """
        return await read(self._db, find_plan, account_db_key)

    async def set(self, account_db_key: int, change: PlanChange) -> None:
        """Store what somebody subscribes to, on the account and in the payment row, in one transaction.

        Raises:
            EntityNotFoundError: there is no such account.
        """
        await write(self._db, set_plan, account_db_key, change)
