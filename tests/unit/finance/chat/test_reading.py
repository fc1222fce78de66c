from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import insert, text

from shardwise.database import ShardedDatabase
from shardwise.errors import EntityNotFoundError, InvalidValueError
from shardwise.finance.chat.models import ChatMessage
from shardwise.finance.chat.repository import MessageRepository
from shardwise.finance.chat.service import ChatService
from shardwise.testing.counting import count_statements


async def pages(chat: ChatService, account: int, room: str, **options: Any) -> list[list[str]]:
    """Return the contents of all pages of three messages."""
    found, after = [], None
    while not found or after is not None:
        page = await chat.messages(account, room, after=after, limit=3, **options)
        found.append([message.content for message in page.items])
        after = page.next_cursor
    return found


async def test_messages_come_in_pages_from_either_end(db: ShardedDatabase, talk: Any) -> None:
    for number in range(8):
        await talk.say(str(number))
    assert await pages(talk.chat, talk.account, talk.room) == [["0", "1", "2"], ["3", "4", "5"], ["6", "7"]]
    newest = await pages(talk.chat, talk.account, talk.room, newest_first=True)
    assert newest == [["7", "6", "5"], ["4", "3", "2"], ["1", "0"]]
    with count_statements(db) as seen:
        page = await talk.chat.messages(talk.account, talk.room, newest_first=True, limit=3)
    assert len(seen) == 1
    await talk.say("8")  # does not shift what follows
    following = await talk.chat.messages(
        talk.account, talk.room, newest_first=True, after=page.next_cursor, limit=2
    )
    assert [message.content for message in following.items] == ["4", "3"]


@pytest.mark.parametrize("engine_kind", ["mariadb"], indirect=True)
@pytest.mark.parametrize("newest_first", [False, True])
async def test_a_page_costs_the_same_wherever_it_begins(
    db: ShardedDatabase, talk: Any, newest_first: bool
) -> None:
    begin = datetime(2024, 2, 29, tzinfo=UTC)
    rows = [
        {"account_db_key": talk.account, "content": "c", "room_id": room}
        | {"created_at": begin + timedelta(seconds=number)}
        for room in (talk.room, *(f"other-{n}" for n in range(4)))
        for number in range(1000)
    ]
    async with db.session(talk.account) as session:
        await session.execute(insert(ChatMessage), rows)
        await session.execute(text("ANALYZE TABLE table_chat_messages"))
    after, costs = None, []
    for _ in range(6):
        async with db.session(talk.account) as session:
            await session.execute(text("FLUSH STATUS"))
            page = await MessageRepository(session).page_of(
                talk.account, talk.room, newest_first=newest_first, after=after, limit=100
            )
            reads = await session.execute(text("SHOW SESSION STATUS LIKE 'Handler_read%'"))
            costs.append(sum(int(count) for _, count in reads))
        after = page.next_cursor
    assert max(costs) < 110, costs


async def test_messages_of_one_moment_keep_one_order_over_pages(db: ShardedDatabase, talk: Any) -> None:
    moment = datetime(2024, 2, 29, 23, 59, 59, tzinfo=UTC)
    rows = [
        {
            "account_db_key": talk.account,
            "idx": (1 << 63) + idx if idx % 2 else idx,
            "room_id": talk.room,
            "content": str(idx),
            "created_at": moment,
        }
        for idx in (5, 2, 7, 4, 6, 1, 3)
    ]
    async with db.session(talk.account) as session:
        await session.execute(insert(ChatMessage), rows)
    assert await pages(talk.chat, talk.account, talk.room) == [["2", "4", "6"], ["1", "3", "5"], ["7"]]
    assert await pages(talk.chat, talk.account, talk.room, newest_first=True) == [
        ["7", "5", "3"],
        ["1", "6", "4"],
        ["2"],
    ]


async def test_a_deleted_message_is_left_out(talk: Any) -> None:
    ids = [(await talk.say(str(number))).message_id for number in range(5)]
    await talk.chat.delete_message(talk.account, talk.room, ids[0])
    await talk.chat.delete_message(talk.account, talk.room, ids[3])
    assert await pages(talk.chat, talk.account, talk.room) == [["1", "2", "4"]]


async def test_an_empty_room_is_told_from_none_with_one_statement_more(
    db: ShardedDatabase, talk: Any, neighbour: int
) -> None:
    with count_statements(db) as seen:
        page = await talk.chat.messages(talk.account, talk.room)
    assert (page.items, page.next_cursor, len(seen)) == ([], None, 2)
    await talk.say("private")
    for key, name in ((neighbour, talk.room), (talk.account, "absent")):
        with pytest.raises(EntityNotFoundError, match="ChatRoom"):
            await talk.chat.messages(key, name)


async def test_a_message_saved_into_a_deleted_room_is_not_shown(db: ShardedDatabase, talk: Any) -> None:
    await talk.chat.delete_room(talk.account, talk.room)
    async with db.session(talk.account) as session:  # as an old program might
        await session.execute(
            insert(ChatMessage), [{"account_db_key": talk.account, "room_id": talk.room, "content": "ghost"}]
        )
    with pytest.raises(EntityNotFoundError):
        await talk.chat.messages(talk.account, talk.room)


async def test_pages_of_messages_that_are_none_are_refused(talk: Any) -> None:
    for number in range(3):
        await talk.say(str(number))
    cursor = (await talk.chat.messages(talk.account, talk.room, limit=1)).next_cursor
    for refused in (
        {"after": "no cursor"},
        {"after": cursor, "newest_first": True},
        {"limit": 0},
        {"limit": 1001},
    ):
        with pytest.raises(InvalidValueError):
            await talk.chat.messages(talk.account, talk.room, **refused)
    with pytest.raises(InvalidValueError, match=r"^room_id: "):
        await talk.chat.messages(talk.account, "a b")


async def test_a_chain_leads_to_a_message(db: ShardedDatabase, talk: Any, neighbour: int) -> None:
    ids: list[str] = []
    for number in range(6):
        parent = ids[-1] if ids else None
        ids.append((await talk.say(str(number), parent_message_id=parent)).message_id)
        await talk.say("aside", parent_message_id=parent)
    await talk.chat.create_room(talk.account, title="t", ai_persona="p", room_id="other")

    async def chain(message_id: str, **more: Any) -> list[str]:
        found = await talk.chat.chain(talk.account, talk.room, message_id, **more)
        return [message.content for message in found]

    with count_statements(db) as seen:
        assert await chain(ids[4]) == ["0", "1", "2", "3", "4"]
    assert len(seen) == 1
    assert await chain(ids[0]) == ["0"]
    assert await chain(ids[5], limit=3) == ["3", "4", "5"]
    await talk.chat.delete_message(talk.account, talk.room, ids[2])
    assert await chain(ids[4]) == ["0", "1", "3", "4"]
    assert await chain(ids[4], limit=3) == ["3", "4"]
    for key, room, message_id in (
        (talk.account, talk.room, "absent"),
        (talk.account, talk.room, ids[2]),
        (talk.account, "other", ids[4]),
        (neighbour, talk.room, ids[4]),
    ):
        with pytest.raises(EntityNotFoundError):
            await talk.chat.chain(key, room, message_id)
    for limit in (0, 501, True):
        with pytest.raises(InvalidValueError, match=r"^limit: "):
            await chain(ids[0], limit=limit)


async def test_a_chain_that_bites_its_tail_ends(db: ShardedDatabase, talk: Any) -> None:
    rows = [
        {"account_db_key": talk.account, "room_id": talk.room, "content": name, "message_id": name}
        | {"parent_message_id": parent}
        for name, parent in (("a", "b"), ("b", "a"))
    ]
    async with db.session(talk.account) as session:  # as an old program might
        await session.execute(insert(ChatMessage), rows)
    found = await talk.chat.chain(talk.account, talk.room, "a", limit=5)
    assert [message.content for message in found] == ["b", "a"]
