"""All SQL for the daily statistics: counting a message, counting a day again, reading days."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time
from functools import cache
from typing import Any

from sqlalchemy import Insert, case, distinct, func, literal, select
from sqlalchemy.dialects import mysql, sqlite

from shardwise.finance.chat.drafts import MOST_TOKENS, tokens_of
from shardwise.finance.chat.models import ChatMessage, ChatRoom, ChatStatistics, MessageType
from shardwise.finance.chat.values import DailyStatistics, Message
from shardwise.repository import BaseRepository

_TABLE: Any = ChatStatistics.__table__
_COUNTS = ("total_messages", "user_messages", "ai_messages", "total_tokens", "active_rooms")


class StatisticsRepository(BaseRepository[ChatStatistics]):
    """Daily statistics, in a session of their shard that the caller ends.

    A transaction that also changes a room does so first, or two of them could wait for each other.
    """

    async def count_message(self, message: Message, *, first_of_day: bool) -> None:
        """Count a message on its day.

        Args:
            message: the message.
            first_of_day: whether it is the first one of its room on that day.
        """
        row = {
            "account_db_key": message.account_db_key,
            "date": message.created_at.date(),
            "total_messages": 1,
            "user_messages": int(message.message_type is MessageType.USER),
            "ai_messages": int(message.message_type is MessageType.AI),
            "total_tokens": tokens_of(message.metadata),
            "active_rooms": int(first_of_day),
        }
        with self.translated():
            await self.session.execute(_adding(self.session.get_bind().dialect.name), row)

    async def lock(self, account_db_key: int, day: date) -> None:
        """Lock the row of a day until the transaction ends; it is made, all zeros, if there is none."""
        row = {"account_db_key": account_db_key, "date": day}
        with self.translated():
            await self.session.execute(_keeping(self.session.get_bind().dialect.name), row)

    async def counted(self, account_db_key: int, day: date) -> DailyStatistics:
        """Count an account's messages of a day, those that are deleted by now too.

        Messages without a room, of which old databases have some, aren't counted.
        """
        chosen = [
            ChatMessage.account_db_key == account_db_key,
            ChatMessage.created_at.between(
                datetime.combine(day, time.min, UTC), datetime.combine(day, time.max, UTC)
            ),
            select(literal(1))
            .where(ChatRoom.account_db_key == account_db_key, ChatRoom.room_id == ChatMessage.room_id)
            .exists(),
        ]
        totals = select(
            func.count(),
            func.count(case((ChatMessage.message_type == MessageType.USER, 1))),
            func.count(case((ChatMessage.message_type == MessageType.AI, 1))),
            func.count(distinct(ChatMessage.room_id)),
        ).where(*chosen)
        costs = select(ChatMessage.message_metadata).where(*chosen, ChatMessage.message_metadata.is_not(None))
        with self.translated():
            total, user, ai, rooms = (await self.session.execute(totals)).one()
            tokens = sum(tokens_of(metadata) for metadata in await self.session.scalars(costs))
        return DailyStatistics(
            day=day,
            total_messages=total,
            user_messages=user,
            ai_messages=ai,
            total_tokens=min(tokens, MOST_TOKENS),
            active_rooms=rooms,
        )

    async def store(self, account_db_key: int, counted: DailyStatistics) -> None:
        """Overwrite the numbers of a day."""
        numbers = {name: getattr(counted, name) for name in _COUNTS}
        await self.update_many({"account_db_key": account_db_key, "date": counted.day}, numbers)

    async def between(self, account_db_key: int, first: date, last: date) -> Sequence[DailyStatistics]:
        """Return the days on which something was said, in order, the first and the last included."""
        rows = await self.list(
            {"account_db_key": account_db_key, "date__gte": first, "date__lte": last}, order_by="date"
        )
        return [DailyStatistics.of(row) for row in rows]


# Built once for each database: building takes longer than sending.


@cache
def _adding(dialect: str) -> Insert:
    insert, new = _insert(dialect)
    columns = _TABLE.c
    changes = {name: columns[name] + new[name] for name in _COUNTS}
    full = columns.total_tokens > MOST_TOKENS - new.total_tokens
    changes["total_tokens"] = case((full, MOST_TOKENS), else_=changes["total_tokens"])
    return _on_conflict(insert, changes | {"updated_at": new.updated_at})


@cache
def _keeping(dialect: str) -> Insert:
    return _on_conflict(_insert(dialect)[0], {"total_messages": _TABLE.c.total_messages})


def _insert(dialect: str) -> tuple[Any, Any]:
    if dialect == "sqlite":
        lite = sqlite.insert(_TABLE)
        return lite, lite.excluded
    insert = mysql.insert(_TABLE)
    return insert, insert.inserted


def _on_conflict(insert: Any, changes: dict[str, Any]) -> Insert:
    if isinstance(insert, sqlite.Insert):
        return insert.on_conflict_do_update(index_elements=["account_db_key", "date"], set_=changes)
    statement: Insert = insert.on_duplicate_key_update(changes)
    return statement
