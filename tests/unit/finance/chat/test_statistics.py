from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import insert, update

from shardwise.database import ShardedDatabase
from shardwise.errors import InvalidValueError
from shardwise.finance.chat.drafts import MOST_TOKENS, tokens_of
from shardwise.finance.chat.models import ChatMessage, ChatStatistics, MessageType
from shardwise.finance.chat.service import ChatService
from shardwise.finance.chat.values import DailyStatistics
from shardwise.testing.counting import count_statements

DAY = date(2031, 5, 6)
NOON = datetime(2031, 5, 6, 12, tzinfo=UTC)
ONE_DAY = timedelta(days=1)
SetClock = Callable[[datetime], None]


async def of_day(chat: ChatService, account: int, day: date = DAY) -> tuple[int, ...]:
    """Return messages, those of the user and of the assistant, tokens, rooms; all again as recounted."""
    (stored,) = await chat.statistics(account, day, day)
    assert await chat.recount(account, day) == stored
    return numbers(stored)


def numbers(each: DailyStatistics) -> tuple[int, ...]:
    return (
        each.total_messages,
        each.user_messages,
        each.ai_messages,
        each.total_tokens,
        each.active_rooms,
    )


@pytest.mark.parametrize(
    ("metadata", "tokens"),
    [
        (None, 0),
        ({}, 0),
        ({"tokens": 5}, 5),
        ({"total_tokens": 6}, 6),
        ({"tokens": 5, "total_tokens": 6}, 5),
        ({"tokens": None, "total_tokens": 6}, 6),
        ({"tokens": "5"}, 0),
        ({"tokens": 5.0}, 0),
        ({"tokens": True}, 0),
        ({"tokens": -1}, 0),
        ({"tokens": MOST_TOKENS}, MOST_TOKENS),
        ({"tokens": MOST_TOKENS + 1}, 0),
        ([{"tokens": 5}], 0),
        ("tokens", 0),
    ],
)
def test_tokens_are_what_the_metadata_say(metadata: Any, tokens: int) -> None:
    assert tokens_of(metadata) == tokens


async def test_who_spoke_and_what_it_cost(talk: Any, set_clock: SetClock) -> None:
    set_clock(NOON)
    await talk.chat.create_room(talk.account, title="t", ai_persona="p", room_id="other")
    await talk.say(metadata={"tokens": 5})
    await talk.say(metadata={"total_tokens": 7, "model": "x"}, message_type=MessageType.AI, room_id="other")
    await talk.say(metadata={"tokens": 100}, tokens=30, message_type=MessageType.AI)
    await talk.say(message_type=MessageType.SYSTEM)
    await talk.say()
    assert await of_day(talk.chat, talk.account) == (5, 2, 2, 42, 2)


async def test_a_room_is_active_once_a_day(talk: Any, set_clock: SetClock) -> None:
    set_clock(NOON - ONE_DAY)
    await talk.chat.create_room(talk.account, title="t", ai_persona="p", room_id="new")
    for _ in range(2):  # on the day of its creation
        await talk.say(room_id="new")
    assert await of_day(talk.chat, talk.account, DAY - ONE_DAY) == (2, 2, 0, 0, 1)
    for clock in (NOON, NOON, NOON + ONE_DAY / 2, NOON + ONE_DAY):
        set_clock(clock)
        await talk.say()
    assert await of_day(talk.chat, talk.account) == (2, 2, 0, 0, 1)
    assert await of_day(talk.chat, talk.account, DAY + ONE_DAY) == (2, 2, 0, 0, 1)


async def test_a_clock_that_goes_back_over_midnight_counts_on_the_later_day(
    talk: Any, set_clock: SetClock
) -> None:
    midnight = datetime(2031, 5, 7, tzinfo=UTC)
    tick = timedelta(microseconds=1)
    moments = []
    for clock in (midnight - tick, midnight - tick, midnight - ONE_DAY):
        set_clock(clock)
        moments.append((await talk.say()).created_at)
    assert moments == [midnight - tick, midnight, midnight + tick]
    assert await of_day(talk.chat, talk.account, DAY) == (1, 1, 0, 0, 1)
    assert await of_day(talk.chat, talk.account, DAY + ONE_DAY) == (2, 2, 0, 0, 1)


async def test_what_is_deleted_stays_counted_and_no_room_is_counted_twice(
    talk: Any, set_clock: SetClock
) -> None:
    set_clock(NOON - ONE_DAY)
    await talk.say()
    set_clock(NOON)
    message = await talk.say(tokens=9)
    await talk.chat.delete_message(
        talk.account, talk.room, message.message_id
    )  # the room's newest one is yesterday's now
    await talk.say()
    assert await of_day(talk.chat, talk.account) == (2, 2, 0, 9, 1)
    await talk.chat.delete_room(talk.account, talk.room)
    assert await of_day(talk.chat, talk.account) == (2, 2, 0, 9, 1)


async def test_a_room_that_was_emptied_is_not_counted_twice(talk: Any, set_clock: SetClock) -> None:
    set_clock(NOON)
    message = await talk.say()
    await talk.chat.delete_message(talk.account, talk.room, message.message_id)
    await talk.chat.rename_room(talk.account, talk.room, "empty")
    await talk.say()
    assert await of_day(talk.chat, talk.account, message.created_at.date()) == (2, 2, 0, 0, 1)


async def test_tokens_beyond_the_column_stop_at_its_end(talk: Any, set_clock: SetClock) -> None:
    set_clock(NOON)
    for tokens in (MOST_TOKENS - 5, 5):
        await talk.say(tokens=tokens)
    assert (await of_day(talk.chat, talk.account))[3] == MOST_TOKENS
    for tokens in (MOST_TOKENS, 0, 1):
        await talk.say(tokens=tokens)
    assert (await of_day(talk.chat, talk.account))[3] == MOST_TOKENS


async def test_a_recount_mends_a_day_with_four_statements(
    db: ShardedDatabase, talk: Any, set_clock: SetClock
) -> None:
    for clock in (NOON - ONE_DAY, NOON, NOON + ONE_DAY):
        set_clock(clock)
        await talk.say(tokens=4)
    async with db.session(talk.account) as session:
        wrong = {"total_messages": 70, "user_messages": 0, "total_tokens": 1, "active_rooms": 9}
        await session.execute(
            update(ChatStatistics).where(ChatStatistics.account_db_key == talk.account).values(wrong)
        )
        orphan = {"room_id": "never made", "content": "lost", "created_at": NOON}
        await session.execute(insert(ChatMessage), [{"account_db_key": talk.account, **orphan}])
    with count_statements(db) as seen:
        recounted = await talk.chat.recount(talk.account, DAY)
    assert len(seen) == 4, seen
    assert numbers(recounted) == (1, 1, 0, 4, 1)
    before, mended, after = await talk.chat.statistics(talk.account, DAY - ONE_DAY, DAY + ONE_DAY)
    assert mended == recounted
    assert numbers(before) == numbers(after) == (70, 0, 0, 1, 9)


async def test_a_silent_day_is_recounted_to_zeros(chat: ChatService, account: int) -> None:
    assert await chat.statistics(account, DAY, DAY) == []
    assert await of_day_recounted(chat, account) == await of_day_recounted(chat, account) == (0, 0, 0, 0, 0)
    assert await of_day(chat, account) == (0, 0, 0, 0, 0)


async def of_day_recounted(chat: ChatService, account: int) -> tuple[int, ...]:
    return numbers(await chat.recount(account, DAY))


async def test_the_last_day_of_all_can_be_recounted(chat: ChatService, account: int) -> None:
    assert numbers(await chat.recount(account, date.max)) == (0, 0, 0, 0, 0)


async def test_days_come_in_order_and_each_account_has_its_own(
    db: ShardedDatabase, talk: Any, neighbour: int, set_clock: SetClock
) -> None:
    await talk.chat.create_room(neighbour, title="t", ai_persona="p", room_id="foreign")
    for days in (2, 0, 1, 400):
        set_clock(NOON + days * ONE_DAY)
        await talk.chat.create_room(talk.account, title="t", ai_persona="p", room_id=f"r{days}")
        await talk.say(room_id=f"r{days}")
        await talk.say(room_id="foreign", account_db_key=neighbour)
    with count_statements(db) as seen:
        days = await talk.chat.statistics(talk.account, DAY, DAY + 365 * ONE_DAY)
    assert len(seen) == 1
    assert [each.day for each in days] == [DAY, DAY + ONE_DAY, DAY + 2 * ONE_DAY]
    assert {each.total_messages for each in days} == {1}


async def test_days_that_are_none_are_refused(chat: ChatService, account: int) -> None:
    for first, last, field in (
        (NOON, DAY, "first"),
        (DAY, "2031-05-06", "last"),
        (DAY, DAY - ONE_DAY, "last"),
        (DAY, DAY + 366 * ONE_DAY, "last"),
    ):
        with pytest.raises(InvalidValueError, match=f"^{field}: "):
            await chat.statistics(account, first, last)
    with pytest.raises(InvalidValueError, match=r"^day: "):
        await chat.recount(account, NOON)
