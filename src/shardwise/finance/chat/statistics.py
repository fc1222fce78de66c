"""Counting a day again, in the caller's transaction."""

from datetime import date

from sqlalchemy.ext.asyncio import AsyncSession

from shardwise.finance.chat.counting import StatisticsRepository
from shardwise.finance.chat.values import DailyStatistics


async def recount_day(session: AsyncSession, account_db_key: int, day: date) -> DailyStatistics:
    """Set an account's statistics of a day to what its messages say, exactly, also while some are saved.

    Call it before anything else in a transaction. The day's row is locked before the messages are counted: a
    message that is being saved isn't seen yet, waits for this transaction and then counts itself.
    """
    statistics = StatisticsRepository(session)
    await statistics.lock(account_db_key, day)
    counted = await statistics.counted(account_db_key, day)
    await statistics.store(account_db_key, counted)
    return counted
