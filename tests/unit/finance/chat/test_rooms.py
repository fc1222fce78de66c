from typing import Any

import pytest

from shardwise.database import ShardedDatabase
from shardwise.errors import DuplicateEntityError, EntityNotFoundError, InvalidValueError, UnknownAccountError
from shardwise.finance.chat.service import ChatService
from shardwise.testing.counting import count_statements

SQL = "x'); DROP TABLE table_chat_rooms; -- \\\" %s \U0001f680"


async def titles(chat: ChatService, account: int) -> list[str]:
    return [room.title for room in (await chat.rooms(account)).items]


async def test_a_room_is_made_with_one_statement(
    db: ShardedDatabase, chat: ChatService, account: int
) -> None:
    with count_statements(db) as seen:
        opened = await chat.create_room(account, title=SQL, ai_persona="Bär", room_id="room-1")
    assert len(seen) == 1
    assert not opened.repeated
    assert (await chat.rooms(account)).items == [opened.room]
    assert (opened.room.room_id, opened.room.title, opened.room.ai_persona) == ("room-1", SQL, "Bär")
    assert (opened.room.message_count, opened.room.last_message_at) == (0, None)


async def test_an_id_is_made_where_none_is_given(chat: ChatService, account: int) -> None:
    ids = {(await chat.create_room(account, title="t", ai_persona="p")).room.room_id for _ in range(3)}
    assert {len(each) for each in ids} == {32}
    assert len(ids) == 3


async def test_the_same_id_again_gives_the_same_room(
    db: ShardedDatabase, chat: ChatService, account: int
) -> None:
    first = await chat.create_room(account, title="first", ai_persona="p", room_id="r")
    with count_statements(db) as seen:
        again = await chat.create_room(account, title="second", ai_persona="q", room_id="r")
    assert len(seen) == 2
    assert again.repeated
    assert again.room == first.room
    assert await titles(chat, account) == ["first"]


async def test_an_id_of_a_stranger_is_taken_and_tells_nothing(
    chat: ChatService, account: int, neighbour: int
) -> None:
    await chat.create_room(account, title="private", ai_persona="p", room_id="r")
    with pytest.raises(DuplicateEntityError) as refused:
        await chat.create_room(neighbour, title="t", ai_persona="p", room_id="r")
    assert "private" not in str(refused.value)
    assert await titles(chat, neighbour) == []


async def test_an_id_of_a_deleted_room_stays_taken(chat: ChatService, account: int) -> None:
    await chat.create_room(account, title="t", ai_persona="p", room_id="r")
    await chat.delete_room(account, "r")
    with pytest.raises(DuplicateEntityError):
        await chat.create_room(account, title="t", ai_persona="p", room_id="r")
    assert await titles(chat, account) == []


async def test_rooms_come_by_their_newest_message_and_those_without_one_last(
    db: ShardedDatabase, talk: Any
) -> None:
    for name in ("a", "b", "c", "d"):
        await talk.chat.create_room(talk.account, title=name, ai_persona="p", room_id=name)
    for name in ("b", "d", talk.room, "b"):
        await talk.say(room_id=name)
    with count_statements(db) as seen:
        assert await titles(talk.chat, talk.account) == ["b", "Markets", "d", "c", "a"]
    assert len(seen) == 1
    await talk.chat.delete_room(talk.account, "d")
    assert await titles(talk.chat, talk.account) == ["b", "Markets", "c", "a"]


async def test_rooms_come_in_pages(talk: Any, neighbour: int) -> None:
    await talk.chat.create_room(neighbour, title="other", ai_persona="p")
    for number in range(6):
        await talk.chat.create_room(talk.account, title=str(number), ai_persona="p", room_id=f"r{number}")
    await talk.say(room_id="r1")
    await talk.say(room_id="r4")
    seen: list[str] = []
    after, pages = None, 0
    while pages == 0 or after is not None:
        page = await talk.chat.rooms(talk.account, after=after, limit=3)
        seen += [room.title for room in page.items]
        after, pages = page.next_cursor, pages + 1
    assert seen == ["4", "1", "5", "3", "2", "0", "Markets"]
    assert pages == 3


async def test_pages_of_rooms_that_are_none_are_refused(chat: ChatService, account: int) -> None:
    for refused in ({"after": "no cursor"}, {"limit": 0}, {"limit": -1}, {"limit": 1001}):
        with pytest.raises(InvalidValueError):
            await chat.rooms(account, **refused)


async def test_a_room_gets_another_title_with_one_statement(db: ShardedDatabase, talk: Any) -> None:
    before = await talk.stored(talk.room)
    with count_statements(db) as seen:
        await talk.chat.rename_room(talk.account, talk.room, SQL)
    assert len(seen) == 1
    await talk.chat.rename_room(talk.account, talk.room, SQL)  # the same title again is no missing room
    row = await talk.stored(talk.room)
    assert row.title == SQL
    assert row.created_at == before.created_at <= before.updated_at < row.updated_at


async def test_only_the_owner_of_a_room_that_is_there_changes_it(talk: Any, neighbour: int) -> None:
    await talk.chat.create_room(talk.account, title="gone", ai_persona="p", room_id="gone")
    await talk.chat.delete_room(talk.account, "gone")
    for key, name in ((neighbour, talk.room), (talk.account, "absent"), (talk.account, "gone")):
        with pytest.raises(EntityNotFoundError, match="ChatRoom"):
            await talk.chat.rename_room(key, name, "mine")
        with pytest.raises(EntityNotFoundError, match="ChatRoom"):
            await talk.chat.delete_room(key, name)
    assert ((await talk.stored(talk.room)).title, (await talk.stored("gone")).title) == ("Markets", "gone")
    assert (await talk.stored(talk.room)).is_active


async def test_deleting_a_room_reaches_its_messages_with_two_statements(
    db: ShardedDatabase, talk: Any
) -> None:
    await talk.chat.create_room(talk.account, title="other", ai_persona="p", room_id="other")
    await talk.say(room_id="other")
    last = [await talk.say() for _ in range(3)][-1]
    with count_statements(db) as seen:
        await talk.chat.delete_room(talk.account, talk.room)
    assert len(seen) == 2
    row = await talk.stored(talk.room)
    assert not row.is_active
    assert (row.message_count, row.last_message_id, row.last_message_at) == (
        3,
        last.message_id,
        last.created_at,
    )
    assert await talk.left(talk.room) == (0, 3)
    assert await talk.left("other") == (1, 0)
    with pytest.raises(EntityNotFoundError):
        await talk.chat.messages(talk.account, talk.room)


async def test_rooms_that_are_none_are_refused_before_the_database(
    db: ShardedDatabase, chat: ChatService, account: int
) -> None:
    titles = ("", " padded", "two\nlines", "x" * 201, None)
    ids = ("", "a b", "ü", "x" * 129, 7)
    given: dict[str, Any] = {"room_id": "r", "title": "t"}
    with count_statements(db) as seen:
        for field, values in {"title": titles, "room_id": ids, "ai_persona": ("", "x" * 101)}.items():
            for value in values:
                changed = {"ai_persona": "p", **given, field: value}
                with pytest.raises(InvalidValueError, match=f"^{field}: "):
                    await chat.create_room(account, **changed)
        for field, values in {"title": titles, "room_id": ids}.items():
            for value in values:
                with pytest.raises(InvalidValueError, match=f"^{field}: "):
                    await chat.rename_room(account, **given | {field: value})
    assert not seen


async def test_an_account_that_nobody_has_is_unknown(chat: ChatService) -> None:
    with pytest.raises(UnknownAccountError):
        await chat.create_room(4711, title="t", ai_persona="p")
    with pytest.raises(UnknownAccountError):
        await chat.rooms(4711)
