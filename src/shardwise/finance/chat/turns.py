"""Whose turn it is in a room: one statement locks it, gives its next message a moment and counts that.

The moment is after that of the room's last message, whatever the clocks of the clients say, so a room's
order by time is the order of saving. Nobody can know it before the room is locked, and reading the row first
would be a statement more. So on MySQL and MariaDB the server computes it within the UPDATE, and what the
client needs to know of the row as it was comes back with the answer as the statement's LAST_INSERT_ID
(their manuals' way to get a value out of an UPDATE). SQLite, which is no journey away, is asked twice.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Select,
    Update,
    bindparam,
    case,
    func,
    literal,
    or_,
    select,
    text,
    true,
    update,
)
from sqlalchemy.ext.asyncio import AsyncSession

from shardwise.finance.chat.models import ChatRoom
from shardwise.finance.hints import by_index
from shardwise.kit.clock import utc_now
from shardwise.schema.types import UtcDateTime
from shardwise.topology.driver_errors import wrapping

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TICK = timedelta(microseconds=1)
_ROOMS: Any = ChatRoom.__table__
_NOW = bindparam("now", type_=UtcDateTime())


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """A room's next message.

    Attributes:
        moment: when it is saved.
        first_of_day: whether it is the room's first one on its day; None if the room can't tell, because
            something else happened to it on that day.
    """

    moment: datetime
    first_of_day: bool | None


async def take_turn(session: AsyncSession, account_db_key: int, room_id: str, message_id: str) -> Turn | None:
    """Lock a room, make a message its last one and count it; None if there is no such room.

    The message has to be written in the same transaction.
    """
    now = utc_now()
    turn = {
        "of_account": account_db_key,
        "of_room": room_id,
        "message": message_id,
        "now": now,
        "today": now.replace(hour=0, minute=0, second=0, microsecond=0),
    }
    with wrapping(ChatRoom):
        if session.get_bind().dialect.name == "sqlite":
            return await _in_two_statements(session, turn)
        return await _in_one_statement(session, turn)


async def _in_one_statement(session: AsyncSession, turn: dict[str, Any]) -> Turn | None:
    result: Any = await session.execute(_update_that_tells(), turn)
    if not result.rowcount:
        return None
    microseconds, untouched = divmod(result.lastrowid, 2)
    last = _EPOCH + timedelta(microseconds=microseconds) if microseconds else None
    return _turn(last, turn["now"], untouched=bool(untouched))


async def _in_two_statements(session: AsyncSession, turn: dict[str, Any]) -> Turn | None:
    named = {name: turn[name] for name in ("of_account", "of_room", "today")}
    row = (await session.execute(_look(), named)).one_or_none()
    if row is None:
        return None
    found = _turn(row[0], turn["now"], untouched=bool(row[1]))
    await session.execute(_plain_update(), turn | {"now": found.moment})
    return found


# Built once each: building takes longer than sending.


@cache
def _update_that_tells() -> Update:
    last, epoch = _ROOMS.c.last_message_at, literal(_EPOCH, UtcDateTime())
    known = func.timestampdiff(text("MICROSECOND"), epoch, last)
    told = func.last_insert_id(func.coalesce(known, 0) * 2 + case((_untouched(), 1), else_=0))
    following = func.timestampadd(text("MICROSECOND"), 1, last)
    moment = func.greatest(_NOW, func.coalesce(following, _NOW))
    # In this order: MySQL computes each value from what the ones before it have set.
    return (
        by_index(update(_ROOMS))
        .where(*_this_room())
        .ordered_values(
            (_ROOMS.c.message_count, _ROOMS.c.message_count + 1 + 0 * told),
            (_ROOMS.c.updated_at, func.greatest(_ROOMS.c.updated_at, moment)),
            (_ROOMS.c.last_message_at, moment),
            (_ROOMS.c.last_message_id, bindparam("message")),
        )
    )


@cache
def _look() -> Select[Any]:
    return select(_ROOMS.c.last_message_at, case((_untouched(), 1), else_=0)).where(*_this_room())


@cache
def _plain_update() -> Update:
    changes = {
        "message_count": _ROOMS.c.message_count + 1,
        "updated_at": case((_ROOMS.c.updated_at > _NOW, _ROOMS.c.updated_at), else_=_NOW),
        "last_message_at": _NOW,
        "last_message_id": bindparam("message"),
    }
    return update(_ROOMS).where(*_this_room()).values(changes)


def _this_room() -> list[ColumnElement[bool]]:
    columns = _ROOMS.c
    return [
        columns.account_db_key == bindparam("of_account"),
        columns.room_id == bindparam("of_room"),
        columns.is_active == true(),
    ]


def _untouched() -> ColumnElement[bool]:
    """Return the condition that nothing has happened in a room on this day, save that it was made.

    Each message and each deletion of one sets `updated_at`, which is never before a message's moment.
    """
    columns = _ROOMS.c
    return or_(
        columns.updated_at < bindparam("today", type_=UtcDateTime()), columns.updated_at == columns.created_at
    )


def _turn(last: datetime | None, now: datetime, *, untouched: bool) -> Turn:
    moment = now if last is None else max(now, last + _TICK)
    if last is not None and last.date() == moment.date():
        return Turn(moment=moment, first_of_day=False)
    return Turn(moment=moment, first_of_day=True if untouched else None)
