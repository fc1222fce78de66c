from typing import Any

import pytest
from sqlalchemy import update

from shardwise.database import ShardedDatabase
from shardwise.errors import EntityNotFoundError, InvalidValueError
from shardwise.finance.chat.models import ChatRoom
from shardwise.finance.chat.values import Message
from shardwise.testing.counting import count_statements


def end(row: ChatRoom) -> tuple[Any, ...]:
    return row.message_count, row.last_message_id, row.last_message_at


def at(count: int, message: Message) -> tuple[Any, ...]:
    return count, message.message_id, message.created_at


async def test_a_room_counts_what_is_left_and_ends_with_it(talk: Any) -> None:
    first, second, third, fourth = [await talk.say(str(number)) for number in range(4)]
    await talk.chat.delete_message(talk.account, talk.room, second.message_id)
    assert end(await talk.stored(talk.room)) == at(3, fourth)
    await talk.chat.delete_message(talk.account, talk.room, fourth.message_id)
    assert end(await talk.stored(talk.room)) == at(2, third)
    await talk.chat.delete_message(talk.account, talk.room, third.message_id)
    assert end(await talk.stored(talk.room)) == at(1, first)
    await talk.chat.delete_message(talk.account, talk.room, first.message_id)
    assert end(await talk.stored(talk.room)) == (0, None, None)
    assert await talk.left(talk.room) == (0, 4)
    fifth = await talk.say()
    assert end(await talk.stored(talk.room)) == at(1, fifth)


async def test_it_takes_three_statements(db: ShardedDatabase, talk: Any) -> None:
    ids = [(await talk.say()).message_id for _ in range(3)]
    for last in (ids[2], ids[0]):
        with count_statements(db) as seen:
            await talk.chat.delete_message(talk.account, talk.room, last)
        assert len(seen) == 3, seen


async def test_a_count_that_was_too_small_stays_above_zero(db: ShardedDatabase, talk: Any) -> None:
    message = await talk.say()
    async with db.session(talk.account) as session:
        await session.execute(
            update(ChatRoom).where(ChatRoom.account_db_key == talk.account).values(message_count=0)
        )
    await talk.chat.delete_message(talk.account, talk.room, message.message_id)
    assert (await talk.stored(talk.room)).message_count == 0


async def test_only_a_message_of_that_room_that_is_there_is_deleted(talk: Any, neighbour: int) -> None:
    await talk.chat.create_room(talk.account, title="t", ai_persona="p", room_id="other")
    await talk.chat.create_room(talk.account, title="t", ai_persona="p", room_id="gone")
    await talk.chat.create_room(neighbour, title="t", ai_persona="p", room_id="foreign")
    elsewhere, ghost = await talk.say(room_id="other"), await talk.say(room_id="gone")
    message, deleted = await talk.say(), await talk.say()
    await talk.chat.delete_message(talk.account, talk.room, deleted.message_id)
    await talk.chat.delete_room(talk.account, "gone")
    for key, name, message_id, missing in (
        (neighbour, talk.room, message.message_id, "ChatRoom"),
        (talk.account, "absent", message.message_id, "ChatRoom"),
        (talk.account, "gone", ghost.message_id, "ChatRoom"),
        (talk.account, talk.room, "absent", "ChatMessage"),
        (talk.account, talk.room, deleted.message_id, "ChatMessage"),
        (talk.account, talk.room, elsewhere.message_id, "ChatMessage"),
        (neighbour, "foreign", message.message_id, "ChatMessage"),
    ):
        with pytest.raises(EntityNotFoundError) as error:
            await talk.chat.delete_message(key, name, message_id)
        assert error.value.entity == missing
    assert end(await talk.stored(talk.room)) == at(1, message)
    assert await talk.left(talk.room) == (1, 1)
    assert await talk.left("other") == (1, 0)


async def test_ids_that_are_none_are_refused(talk: Any) -> None:
    with pytest.raises(InvalidValueError, match=r"^room_id: "):
        await talk.chat.delete_message(talk.account, "", "m")
    with pytest.raises(InvalidValueError, match=r"^message_id: "):
        await talk.chat.delete_message(talk.account, talk.room, "")
