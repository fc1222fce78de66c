"""Tutorials: noting what somebody has done, saying how far they are."""

from collections.abc import Sequence

from shardwise.database import ShardedDatabase
from shardwise.errors import InvalidValueError
from shardwise.finance.running import write_for
from shardwise.finance.tutorial.progress import complete_step
from shardwise.finance.tutorial.repository import ProgressRepository
from shardwise.finance.tutorial.values import CompletedStep, Progress, TutorialType

_HIGHEST_STEP = 1_000


class TutorialService:
    """How far accounts are with the tutorials, each on its account's shard.

    Args:
        db: an open database.
    """

    def __init__(self, db: ShardedDatabase) -> None:
        self._db = db

    async def complete_step(self, account_db_key: int, tutorial_type: TutorialType, step: int) -> None:
        """Note that an account has done a step; an earlier step than the furthest one takes nothing back.

        Args:
            account_db_key: who did it.
            tutorial_type: the tutorial.
            step: its number, 1 to 1,000; 0 = the tutorial was opened.

        Raises:
            InvalidValueError: an argument can't be accepted; nothing was asked of the database.
            UnknownAccountError: the account has no shard.
        """
        if not isinstance(tutorial_type, TutorialType):
            raise InvalidValueError("tutorial_type", f"it must be a TutorialType: {', '.join(TutorialType)}")
        if type(step) is not int or not 0 <= step <= _HIGHEST_STEP:
            raise InvalidValueError("step", f"it must be a whole number from 0 to {_HIGHEST_STEP}")
        done = CompletedStep(account_db_key=account_db_key, tutorial_type=tutorial_type.value, step=step)

        await write_for(self._db, account_db_key, lambda session: complete_step(session, done))

    async def progress(self, account_db_key: int) -> Sequence[Progress]:
        """Return how far an account is with the tutorials that it has begun, by their names.

        Raises:
            UnknownAccountError: the account has no shard.
        """
        async with self._db.session(account_db_key, read_only=True) as session:
            return await ProgressRepository(session).all_of(account_db_key)
