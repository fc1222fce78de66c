"""The old procedures of the chat."""

import asyncio
import json
from datetime import UTC, date, datetime
from typing import Any

import pytest
from sqlalchemy import insert, select, update

from shardwise.database import ShardedDatabase
from shardwise.errors import (
    DuplicateEntityError,
    EntityNotFoundError,
    InvalidValueError,
    UnknownAccountError,
    WrongShardError,
)
from shardwise.finance.chat import turns
from shardwise.finance.chat.models import ChatMessage, ChatRoom, ChatStatistics, MessageType
from shardwise.legacy.calling import call_registered
from shardwise.legacy.procedure import Call, Row, Rows
from shardwise.legacy.procedures import chat as procedures
from shardwise.legacy.registry import find_procedure
from shardwise.schema.control import ErrorLog
from shardwise.testing.counting import count_statements

KEY, NEIGHBOUR = 1000, 1002
FAILED_ROOM = {"result": "FAILED", "message": "Room not found or access denied"}


@pytest.fixture(autouse=True)
async def shard_id(db: ShardedDatabase) -> int:
    """The shard of the accounts that the calls are for."""
    await db.place_account(NEIGHBOUR)
    return (await db.place_account(KEY)).shard_id


async def call(db: ShardedDatabase, name: str, *given: Any) -> Rows:
    procedure = find_procedure(name)
    assert procedure is not None
    return await call_registered(db, procedure, given, shard_id=(await db.where(KEY)).shard_id)


async def make(db: ShardedDatabase, room_id: str, key: int = KEY) -> None:
    (row,) = await call(db, "fp_chat_room_create", room_id, key, f"Title of {room_id}", "analyst")
    assert row["result"] == "SUCCESS"


async def save(db: ShardedDatabase, message_id: str | None, content: str = "hello", **more: Any) -> Row:
    given = {"room": "r", "key": KEY, "type": "USER", "metadata": None, "parent": None} | more
    (row,) = await call(
        db,
        "fp_chat_message_batch_save",
        message_id,
        given["room"],
        given["key"],
        given["type"],
        content,
        given["metadata"],
        given["parent"],
    )
    return row


async def contents(db: ShardedDatabase, *given: Any) -> list[str]:
    return [row["content"] for row in await call(db, "fp_chat_messages_get", *given)]


async def test_a_room_is_made_once_whoever_asks(db: ShardedDatabase) -> None:
    made = await call(db, "fp_chat_room_create", "r", KEY, "Title", "analyst")
    assert made == [{"result": "SUCCESS", "message": "Chatbot session created successfully", "room_id": "r"}]
    exists = [{"result": "EXISTS", "message": "Chatbot session already exists", "room_id": "r"}]
    for key in (KEY, NEIGHBOUR):
        assert await call(db, "fp_chat_room_create", "r", key, "Other", "other") == exists
    await call(db, "fp_chat_room_soft_delete", "r", KEY)
    assert await call(db, "fp_chat_room_create", "r", KEY, "Other", "other") == exists
    assert await call(db, "fp_chat_rooms_get", NEIGHBOUR) == []


async def test_a_room_that_two_make_at_once_exists_for_one(db: ShardedDatabase) -> None:
    rows = await asyncio.gather(
        *(call(db, "fp_chat_room_create", "r", KEY, "Title", "analyst") for _ in range(8))
    )
    assert sorted(row["result"] for (row,) in rows) == ["EXISTS"] * 7 + ["SUCCESS"]


async def test_the_columns_of_rooms(db: ShardedDatabase) -> None:
    for room in ("r", "empty", "newer", "gone"):
        await make(db, room)
    await save(db, "m", room="gone")
    await save(db, "m-1")
    await call(db, "fp_chat_room_soft_delete", "gone", KEY)
    rows = await call(db, "fp_chat_rooms_get", KEY)
    assert [row["room_id"] for row in rows] == ["r", "newer", "empty"]
    assert await call(db, "fp_chat_room_list", KEY) == rows
    assert [*rows[0]] == [
        "room_id",
        "title",
        "ai_persona",
        "last_message_id",
        "last_message_at",
        "message_count",
        "created_at",
        "updated_at",
    ]
    first = rows[0]
    assert (first["title"], first["last_message_id"], first["message_count"]) == ("Title of r", "m-1", 1)
    assert first["created_at"] < first["last_message_at"] == first["updated_at"]
    assert first["last_message_at"].tzinfo is None
    assert (rows[1]["last_message_at"], rows[1]["message_count"]) == (None, 0)


async def test_the_columns_of_messages(db: ShardedDatabase) -> None:
    await make(db, "r")
    metadata = {"model": "x", "tokens": 12, "ü": None}
    saved = await save(db, "m-1", "frage", metadata=json.dumps(metadata))
    assert [*saved] == ["result", "idx", "message_id"]
    assert (saved["result"], saved["message_id"]) == ("SUCCESS", "m-1")
    await save(db, "m-2", "antwort", type="ai", parent="m-1", metadata=None)
    first, second = await call(db, "fp_chat_messages_get", "r", KEY, 10, 0)
    assert [*first] == [
        "idx",
        "message_id",
        "room_id",
        "account_db_key",
        "message_type",
        "content",
        "metadata",
        "parent_message_id",
        "created_at",
        "updated_at",
    ]
    assert (first["idx"], first["account_db_key"], first["room_id"]) == (saved["idx"], KEY, "r")
    assert isinstance(first["metadata"], str)
    assert json.loads(first["metadata"]) == metadata
    assert (first["message_type"], type(first["message_type"])) == ("USER", str)
    assert (second["message_type"], second["metadata"], second["parent_message_id"]) == ("AI", None, "m-1")
    assert first["created_at"] < second["created_at"] == second["updated_at"]


async def test_limit_and_offset(db: ShardedDatabase) -> None:
    await make(db, "r")
    for number in range(5):
        await save(db, f"m-{number}", str(number))
    await call(db, "fp_chat_message_soft_delete", "m-1", "r", KEY)
    everything = ["0", "2", "3", "4"]
    for limit, offset, expected in (
        (2, 0, ["0", "2"]),
        (2, 2, ["3", "4"]),
        (2, 3, ["4"]),
        (2, 4, []),
        (0, 0, []),
        (None, 0, everything),
        (-1, 1, everything[1:]),
        (None, None, everything),
        (2, -1, []),
    ):
        assert await contents(db, "r", KEY, limit, offset) == expected, (limit, offset)
    assert await call(db, "fp_chat_message_list", "r", KEY, 1, 0) == await call(
        db, "fp_chat_messages_get", "r", KEY, 1, 0
    )
    for room, key in (("r", NEIGHBOUR), ("absent", KEY), (None, KEY)):
        assert await contents(db, room, key, 10, 0) == []


async def test_a_message_without_an_id_gets_one(db: ShardedDatabase) -> None:
    await make(db, "r")
    row = await save(db, None)
    assert len(row["message_id"]) == 32


async def test_texts_that_a_service_refuses_are_saved(db: ShardedDatabase) -> None:
    await make(db, "a room")
    await save(db, "an id", "", room="a room", metadata="[1, 2]", parent="nobody knows it")
    (row,) = await call(db, "fp_chat_messages_get", "a room", KEY, 1, 0)
    assert (row["content"], row["metadata"], row["parent_message_id"]) == ("", "[1, 2]", "nobody knows it")


async def test_a_repeated_id_is_raised_and_counted_once(db: ShardedDatabase) -> None:
    await make(db, "r")
    await save(db, "m-1")
    with pytest.raises(DuplicateEntityError):
        await save(db, "m-1")
    assert (await call(db, "fp_chat_rooms_get", KEY))[0]["message_count"] == 1


async def test_a_room_that_is_not_the_accounts_gets_and_shows_nothing(db: ShardedDatabase) -> None:
    await make(db, "r", NEIGHBOUR)
    await make(db, "gone")
    await save(db, "old", room="gone")
    await call(db, "fp_chat_room_soft_delete", "gone", KEY)
    for room in ("r", "gone", "absent"):
        with pytest.raises(EntityNotFoundError):
            await save(db, f"into {room}", room=room)
    async with db.session(KEY) as session:  # as an old program might
        row = {"account_db_key": KEY, "room_id": "gone", "content": "ghost"}
        await session.execute(insert(ChatMessage), [row])
    assert await contents(db, "gone", KEY, None, 0) == []
    async with db.session(KEY, read_only=True) as session:
        found = await session.scalars(select(ChatMessage.content).where(ChatMessage.account_db_key == KEY))
        assert sorted(found) == ["ghost", "hello"]


async def test_a_failed_save_is_logged_without_what_was_said(db: ShardedDatabase) -> None:
    with pytest.raises(EntityNotFoundError):
        await save(db, "m-1", "private words", metadata='{"ip": "10.1.2.3"}')
    async with db.session(KEY, read_only=True) as session:
        (log,) = await session.scalars(select(ErrorLog))
    assert log.procedure_name == "fp_chat_message_batch_save"
    assert "m-1" in log.param
    assert "private" not in log.param + log.error_message
    assert "10.1.2.3" not in log.param + log.error_message


async def test_arguments_that_are_missing_or_of_no_type_are_refused(db: ShardedDatabase) -> None:
    await make(db, "r")
    for field, more in (
        ("p_room_id", {"room": None}),
        ("p_message_type", {"type": None}),
        ("p_message_type", {"type": "ROBOT"}),
        ("p_metadata", {"metadata": "{"}),
        ("metadata.n", {"metadata": '{"n": NaN}'}),
        ("p_message_id", {"message_id": "x" * 129}),
        ("p_content", {"content": None}),
        ("content", {"content": "ü" * 32_768}),
    ):
        given = {"message_id": "m", "content": "hello"} | more
        with pytest.raises(InvalidValueError, match=f"^{field}: "):
            await save(db, given.pop("message_id"), given.pop("content"), **given)
    assert await contents(db, "r", KEY, None, 0) == []
    with pytest.raises(UnknownAccountError):
        await save(db, "m", key=4710)
    await db.place_account(KEY + 1)
    with pytest.raises(WrongShardError):
        await save(db, "m", key=KEY + 1)
    for field in (0, 2, 3):
        arguments = [None if n == field else value for n, value in enumerate(("q", KEY, "t", "p"))]
        with pytest.raises(InvalidValueError):
            await call(db, "fp_chat_room_create", *arguments)


async def test_deleting_a_room(db: ShardedDatabase) -> None:
    await make(db, "r")
    await make(db, "foreign", NEIGHBOUR)
    await save(db, "m-1")
    missing = [{"result": "FAILED", "message": "Room not found or already deleted"}]
    for room in ("foreign", "absent", None):
        assert await call(db, "fp_chat_room_soft_delete", room, KEY) == missing
    done = [{"result": "SUCCESS", "message": "Chat room soft deleted successfully"}]
    assert await call(db, "fp_chat_room_soft_delete", "r", KEY) == done
    assert await call(db, "fp_chat_room_soft_delete", "r", KEY) == missing
    async with db.session(KEY, read_only=True) as session:
        (mark,) = await session.scalars(select(ChatMessage.is_deleted))
        assert mark is True


async def test_another_title(db: ShardedDatabase) -> None:
    await make(db, "r")
    await make(db, "foreign", NEIGHBOUR)
    done = {"result": "SUCCESS", "message": "Room title updated successfully"}
    for title in ("New", "New", "  ", "x" * 200):
        rows = await call(db, "fp_chat_room_update_title", "r", KEY, title)
        assert rows == [done | {"new_title": title}]
    assert (await call(db, "fp_chat_rooms_get", KEY))[0]["title"] == "x" * 200
    empty = {"result": "FAILED", "message": "Invalid title length (1-200 characters required)"}
    for room in ("r", "absent"):
        assert await call(db, "fp_chat_room_update_title", room, KEY, "") == [empty]
    for room, title in (("foreign", "t"), ("absent", "t"), ("absent", None)):
        assert await call(db, "fp_chat_room_update_title", room, KEY, title) == [FAILED_ROOM]
    for title in (None, "x" * 201):
        with pytest.raises(InvalidValueError, match="new_title"):
            await call(db, "fp_chat_room_update_title", "r", KEY, title)


async def test_deleting_a_message_corrects_its_room(db: ShardedDatabase) -> None:
    await make(db, "r")
    await make(db, "other")
    for message_id, kind in (("m-1", "USER"), ("m-2", "SYSTEM")):
        await save(db, message_id, type=kind)
    no_message = [{"result": "FAILED", "message": "Message not found or already deleted"}]
    done = [{"result": "SUCCESS", "message": "Message soft deleted successfully"}]
    for room, key in (("absent", KEY), ("r", NEIGHBOUR), (None, KEY)):
        assert await call(db, "fp_chat_message_soft_delete", "m-2", room, key) == [FAILED_ROOM]
    for message_id, room in (("absent", "r"), ("m-2", "other"), (None, "r")):
        assert await call(db, "fp_chat_message_soft_delete", message_id, room, KEY) == no_message
    assert await call(db, "fp_chat_message_soft_delete", "m-2", "r", KEY) == done
    assert await call(db, "fp_chat_message_soft_delete", "m-2", "r", KEY) == no_message
    row = (await call(db, "fp_chat_rooms_get", KEY))[0]
    assert (row["message_count"], row["last_message_id"]) == (1, "m-1")


async def test_statistics_are_counted_and_can_be_recounted(
    db: ShardedDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    noon = datetime(2031, 5, 6, 12, tzinfo=UTC)
    for module in (turns, procedures):
        monkeypatch.setattr(module, "utc_now", lambda: noon)
    await make(db, "r")
    await save(db, "m-1", metadata={"tokens": 7})
    await save(db, "m-2", type="AI", metadata='{"total_tokens": 5}')
    async with db.session(KEY) as session:
        (stored,) = await session.scalars(select(ChatStatistics))
        day = stored.date
        assert day == noon.date()
        assert (stored.total_messages, stored.total_tokens, stored.active_rooms) == (2, 12, 1)
        await session.execute(
            update(ChatStatistics).where(ChatStatistics.account_db_key == KEY).values(total_messages=9)
        )
    expected = {
        "result": "SUCCESS",
        "message": "Chat statistics updated successfully",
        "date": day,
        "total_messages": 2,
        "user_messages": 1,
        "ai_messages": 1,
        "total_tokens": 12,
        "active_rooms": 1,
    }
    for given in ((day,), (day.isoformat(),), ()):
        (row,) = await call(db, "fp_chat_statistics_update", KEY, *given)
        assert (row, [*row]) == (expected, [*expected])
    (row,) = await call(db, "fp_chat_statistics_update", KEY, date(2020, 1, 1))
    assert row["total_messages"] == 0


async def test_saving_takes_no_more_statements_than_the_service(
    db: ShardedDatabase, engine_kind: str
) -> None:
    await make(db, "r")
    await save(db, "m-1", parent="absent")
    with count_statements(db) as seen:
        await save(db, "m-2", parent="m-1")
    assert len(seen) == {"sqlite": 4, "mariadb": 3}[engine_kind], seen


async def test_the_other_name_saves_as_well(db: ShardedDatabase) -> None:
    await make(db, "r")
    given = ("m-1", "r", KEY, MessageType.SYSTEM.value, "notice", None, None)
    (row,) = await call(db, "fp_chat_message_insert", *given)
    assert row["message_id"] == "m-1"
    async with db.session(KEY, read_only=True) as session:
        room = (await session.scalars(select(ChatRoom))).one()
    assert room.last_message_id == "m-1"


async def test_the_caller_ends_the_transaction(db: ShardedDatabase, shard_id: int) -> None:
    await make(db, "r")
    await save(db, "m-1")
    before = await call(db, "fp_chat_rooms_get", KEY)
    async with db.shard_session(shard_id) as session:
        running = Call(db=db, session=session, shard_id=shard_id)
        for name, arguments in (
            ("fp_chat_room_create", {"room_id": "q", "title": "t", "ai_persona": "p"}),
            ("fp_chat_message_soft_delete", {"message_id": "m-1", "room_id": "r"}),
            ("fp_chat_room_soft_delete", {"room_id": "r"}),
        ):
            procedure = find_procedure(name)
            assert procedure is not None
            (row,) = await procedure.run(running, account_db_key=KEY, **arguments)
            assert row["result"] == "SUCCESS"
        await session.rollback()
    assert await call(db, "fp_chat_rooms_get", KEY) == before
    assert await contents(db, "r", KEY, None, 0) == ["hello"]
