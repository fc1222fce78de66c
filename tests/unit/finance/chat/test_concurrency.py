"""Many at once on MariaDB: numbers are exact, and no deadlock or lock timeout reaches a caller."""

import asyncio
import random
from datetime import date
from typing import Any

import pytest
from sqlalchemy import insert, select, text

from shardwise.database import ShardedDatabase
from shardwise.errors import EntityNotFoundError
from shardwise.finance.chat.models import ChatMessage, ChatRoom, MessageType
from shardwise.finance.chat.values import Message

pytestmark = pytest.mark.parametrize("engine_kind", ["mariadb"], indirect=True)
MANY = 32


async def by_room(db: ShardedDatabase, account: int) -> dict[str, list[ChatMessage]]:
    """Return an account's messages, deleted ones too, in the order of each room."""
    async with db.session(account, read_only=True) as session:
        rows = await session.scalars(
            select(ChatMessage)
            .where(ChatMessage.account_db_key == account)
            .order_by(ChatMessage.created_at, ChatMessage.idx)
        )
        found: dict[str, list[ChatMessage]] = {}
        for row in rows:
            found.setdefault(row.room_id, []).append(row)
        return found


async def check(db: ShardedDatabase, talk: Any) -> None:
    """Check that rooms and statistics say what the messages do."""
    messages = await by_room(db, talk.account)
    async with db.session(talk.account, read_only=True) as session:
        rooms = [*await session.scalars(select(ChatRoom).where(ChatRoom.account_db_key == talk.account))]
    for room in rooms:
        said = messages.get(room.room_id, [])
        assert len({message.created_at for message in said}) == len(said)
        if room.is_active:
            kept = [message for message in said if not message.is_deleted]
            assert room.message_count == len(kept)
            last = (kept[-1].message_id, kept[-1].created_at) if kept else (None, None)
            assert (room.last_message_id, room.last_message_at) == last
        else:
            assert all(message.is_deleted for message in said)
    for day in {message.created_at.date() for said in messages.values() for message in said}:
        await check_day(talk, messages, day)


async def check_day(talk: Any, messages: dict[str, list[ChatMessage]], day: date) -> None:
    said = [message for each in messages.values() for message in each if message.created_at.date() == day]
    (stored,) = await talk.chat.statistics(talk.account, day, day)
    assert stored.total_messages == len(said)
    assert stored.user_messages == sum(message.message_type is MessageType.USER for message in said)
    assert stored.ai_messages == sum(message.message_type is MessageType.AI for message in said)
    assert stored.total_tokens == sum((message.message_metadata or {}).get("tokens", 0) for message in said)
    assert stored.active_rooms == len({message.room_id for message in said})


async def test_one_room(db: ShardedDatabase, talk: Any) -> None:
    kinds = [*MessageType]
    saved = await asyncio.gather(
        *(talk.say(str(n), message_type=kinds[n % 3], tokens=n) for n in range(MANY))
    )
    assert len({message.message_id for message in saved}) == MANY
    assert await talk.left(talk.room) == (MANY, 0)
    await check(db, talk)


async def test_new_rooms_of_one_account(db: ShardedDatabase, talk: Any) -> None:
    rooms = [f"room-{n}" for n in range(8)]
    await asyncio.gather(
        *(talk.chat.create_room(talk.account, title=room, ai_persona="p", room_id=room) for room in rooms)
    )
    await asyncio.gather(*(talk.say(str(n), room_id=rooms[n % 8], tokens=1) for n in range(2 * MANY)))
    await check(db, talk)
    assert {room: len(said) for room, said in (await by_room(db, talk.account)).items()} == dict.fromkeys(
        rooms, 8
    )


async def test_rooms_that_cannot_tell_whether_they_were_active_today(db: ShardedDatabase, talk: Any) -> None:
    rooms = [f"room-{n}" for n in range(16)]
    for room in rooms:
        await talk.chat.create_room(talk.account, title=room, ai_persona="p", room_id=room)
        await talk.chat.rename_room(talk.account, room, "changed")
    await asyncio.gather(*(talk.say(str(n), room_id=rooms[n % 16]) for n in range(MANY)))
    await check(db, talk)


async def test_the_same_room_and_the_same_message_again_and_again(db: ShardedDatabase, talk: Any) -> None:
    opened = await asyncio.gather(
        *(talk.chat.create_room(talk.account, title="t", ai_persona="p", room_id="same") for _ in range(MANY))
    )
    assert sorted(each.repeated for each in opened) == [False] + [True] * (MANY - 1)
    saved = await asyncio.gather(*(talk.say("once", message_id="m", room_id="same") for _ in range(MANY)))
    assert len({message.idx for message in saved}) == 1
    assert await talk.left("same") == (1, 0)
    await check(db, talk)


async def test_no_message_survives_its_room(db: ShardedDatabase, talk: Any) -> None:
    async def say(number: int) -> Message | None:
        await asyncio.sleep(number / 1000)
        try:
            return await talk.say(str(number))
        except EntityNotFoundError:
            return None

    async def delete() -> None:
        await asyncio.sleep(MANY / 2 / 1000)
        await talk.chat.delete_room(talk.account, talk.room)

    saved, _ = await asyncio.gather(asyncio.gather(*map(say, range(MANY))), delete())
    in_time = sum(message is not None for message in saved)
    assert await talk.left(talk.room) == (0, in_time)
    assert (await talk.stored(talk.room)).message_count == in_time
    await check(db, talk)


async def test_a_room_is_deleted_once(db: ShardedDatabase, talk: Any) -> None:
    await talk.say()
    results = await asyncio.gather(
        *(talk.chat.delete_room(talk.account, talk.room) for _ in range(MANY)), return_exceptions=True
    )
    assert [type(each) for each in results if each is not None] == [EntityNotFoundError] * (MANY - 1)


async def test_everything_at_once(db: ShardedDatabase, talk: Any) -> None:
    dice = random.Random(20310506)
    rooms = [f"room-{n}" for n in range(4)]
    for room in rooms:
        await talk.chat.create_room(talk.account, title=room, ai_persona="p", room_id=room)
    first = {room: [await talk.say(room_id=room, tokens=2) for _ in range(4)] for room in rooms}
    day = first[rooms[0]][0].created_at.date()

    async def act(number: int) -> None:
        room = rooms[number % 4]
        parent = first[room][number % 4].message_id
        await asyncio.sleep(dice.random() / 50)
        if number % 8 < 5:
            more = {"parent_message_id": parent, "parent_must_exist": False} if number % 2 else {}
            await talk.say(str(number), room_id=room, tokens=number, **more)
        elif number % 8 == 5:
            await talk.chat.rename_room(talk.account, room, f"title {number}")
        elif number % 8 == 6:
            await talk.chat.recount(talk.account, day)
        else:
            with_luck = first[room][number // 8 % 4].message_id
            await asyncio.gather(
                talk.chat.delete_message(talk.account, room, with_luck), return_exceptions=True
            )

    await asyncio.gather(*map(act, range(3 * MANY)))
    await check(db, talk)


async def deadlocks(db: ShardedDatabase, account: int) -> int:
    """Count the deadlocks that the server has ended."""
    async with db.session(account, read_only=True) as session:
        row = (await session.execute(text("SHOW GLOBAL STATUS LIKE 'Innodb_deadlocks'"))).one()
    return int(row[1])


async def test_saving_does_not_deadlock(db: ShardedDatabase, talk: Any) -> None:
    rooms = [f"room-{n}" for n in range(8)]
    for room in rooms:
        await talk.chat.create_room(talk.account, title=room, ai_persona="p", room_id=room)
    parents = {room: (await talk.say(room_id=room)).message_id for room in rooms}
    before = await deadlocks(db, talk.account)
    await asyncio.gather(
        *(
            talk.say(str(n), room_id=rooms[n % 8], parent_message_id=parents[rooms[n % 8]])
            for n in range(2 * MANY)
        )
    )
    assert await deadlocks(db, talk.account) == before


async def test_deleting_and_renaming_while_others_save_do_not_deadlock(
    db: ShardedDatabase, talk: Any
) -> None:
    others = [{"account_db_key": talk.account + 2, "title": "t", "ai_persona": "p"} for _ in range(2000)]
    async with db.shard_session((await db.where(talk.account)).shard_id) as session:
        await session.execute(insert(ChatRoom), others)
        await session.execute(text("ANALYZE TABLE table_chat_rooms"))  # now the optimizer has a choice
    doomed = [(await talk.say(str(n))).message_id for n in range(MANY)]
    before = await deadlocks(db, talk.account)
    await asyncio.gather(
        *(talk.chat.delete_message(talk.account, talk.room, each) for each in doomed),
        *(talk.say(str(n)) for n in range(MANY)),
        *(talk.chat.rename_room(talk.account, talk.room, f"title {n}") for n in range(MANY)),
    )
    assert await talk.left(talk.room) == (MANY, MANY)
    assert await deadlocks(db, talk.account) == before
    await check(db, talk)
