"""Saving messages, one after the other; many at once are in test_concurrency."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from shardwise.database import ShardedDatabase
from shardwise.errors import (
    DuplicateEntityError,
    EntityNotFoundError,
    InvalidValueError,
    UnknownAccountError,
)
from shardwise.finance.chat.drafts import Draft, NewMessage
from shardwise.finance.chat.messages import save_message
from shardwise.finance.chat.models import MessageType
from shardwise.finance.chat.service import ChatService
from shardwise.finance.chat.values import Message
from shardwise.testing.counting import count_statements

SQL = "x'); DROP TABLE table_chat_messages; -- \\\" %s \U0001f680\nnext\0line"
# SQLite, in the same process, reads a room before it changes it; a server is spared that journey.
STATEMENTS = {"sqlite": 4, "mariadb": 3}
SetClock = Callable[[datetime], None]


async def said(chat: ChatService, account: int, room: str) -> list[Message]:
    return [*(await chat.messages(account, room)).items]


async def test_a_message_is_read_as_it_was_saved(talk: Any) -> None:
    question = await talk.say(SQL, message_id="m-1", metadata={"ip": "::1", "n": [1, None, 2.5, "ü"]})
    answer = await talk.say("yes", message_type=MessageType.AI, parent_message_id="m-1", tokens=17)
    notice = await talk.say("bye", message_type=MessageType.SYSTEM)
    assert await said(talk.chat, talk.account, talk.room) == [question, answer, notice]
    assert (question.message_id, question.content) == ("m-1", SQL)
    assert question.metadata == {"ip": "::1", "n": [1, None, 2.5, "ü"]}
    assert (answer.parent_message_id, answer.metadata) == ("m-1", {"tokens": 17})
    assert len(answer.message_id) == 32
    row = await talk.stored(talk.room)
    assert (row.message_count, row.last_message_id) == (3, notice.message_id)
    assert row.last_message_at == notice.created_at == row.updated_at


@pytest.mark.parametrize("parent", [False, True])
async def test_saving_takes_three_statements(
    db: ShardedDatabase, engine_kind: str, talk: Any, parent: bool
) -> None:
    more = {"parent_message_id": (await talk.say()).message_id} if parent else {}
    for _ in range(2):
        with count_statements(db) as seen:
            await talk.say(**more)
        assert len(seen) == STATEMENTS[engine_kind], seen


async def test_the_first_message_of_a_room_takes_no_more(
    db: ShardedDatabase, engine_kind: str, talk: Any
) -> None:
    with count_statements(db) as seen:
        await talk.say()
    assert len(seen) == STATEMENTS[engine_kind], seen


async def test_one_more_where_the_room_cannot_tell_whether_it_was_active_today(
    db: ShardedDatabase, engine_kind: str, talk: Any, set_clock: SetClock
) -> None:
    set_clock(datetime(2031, 5, 6, 12, tzinfo=UTC))
    await talk.chat.rename_room(talk.account, talk.room, "changed today, by what?")
    with count_statements(db) as seen:
        await talk.say()
    assert len(seen) == STATEMENTS[engine_kind] + 1, seen


async def test_moments_rise_whatever_the_clock_says(talk: Any, set_clock: SetClock) -> None:
    noon = datetime(2031, 5, 6, 12, tzinfo=UTC)
    tick = timedelta(microseconds=1)
    moments = []
    for clock in (noon, noon, noon - timedelta(hours=3), noon + 5 * tick, noon):
        set_clock(clock)
        moments.append((await talk.say()).created_at)
    assert moments == [noon, noon + tick, noon + 2 * tick, noon + 5 * tick, noon + 6 * tick]
    row = await talk.stored(talk.room)
    assert row.last_message_at == row.updated_at == moments[-1]
    assert [message.created_at for message in await said(talk.chat, talk.account, talk.room)] == moments


async def test_a_room_that_is_not_the_accounts_gets_nothing(
    db: ShardedDatabase, talk: Any, neighbour: int
) -> None:
    await talk.chat.create_room(talk.account, title="t", ai_persona="p", room_id="gone")
    await talk.chat.delete_room(talk.account, "gone")
    for refused in ({"room_id": "absent"}, {"room_id": "gone"}, {"account_db_key": neighbour}):
        with pytest.raises(EntityNotFoundError, match="ChatRoom") as error:
            await talk.say(**refused)
        assert error.value.entity == "ChatRoom"
    assert await talk.left(talk.room) == await talk.left("gone") == await talk.left("absent") == (0, 0)
    today = datetime.now(UTC).date()
    for key in (talk.account, neighbour):
        assert await talk.chat.statistics(key, today - timedelta(days=1), today + timedelta(days=1)) == []


async def test_a_parent_has_to_be_in_the_room_and_not_deleted(talk: Any, neighbour: int) -> None:
    await talk.chat.create_room(talk.account, title="t", ai_persona="p", room_id="other")
    await talk.chat.create_room(neighbour, title="t", ai_persona="p", room_id="foreign")
    elsewhere = await talk.say(room_id="other")
    foreign = await talk.say(room_id="foreign", account_db_key=neighbour)
    deleted = await talk.say()
    await talk.chat.delete_message(talk.account, talk.room, deleted.message_id)
    before = await talk.stored(talk.room)
    for parent in ("absent", elsewhere.message_id, foreign.message_id, deleted.message_id):
        with pytest.raises(EntityNotFoundError, match="ChatMessage"):
            await talk.say(parent_message_id=parent)
    after = await talk.stored(talk.room)
    assert (after.message_count, after.updated_at) == (before.message_count, before.updated_at)
    assert await talk.left(talk.room) == (0, 1)


async def test_an_old_program_may_name_any_parent(db: ShardedDatabase, talk: Any) -> None:
    draft = Draft(
        account_db_key=talk.account,
        room_id=talk.room,
        message_type=MessageType.AI,
        content="",
        parent_message_id="absent",
        parent_must_exist=False,
    )
    async with db.shard_session((await db.where(talk.account)).shard_id) as session:
        saved = await save_message(session, draft)
    assert await said(talk.chat, talk.account, talk.room) == [saved]
    assert saved.parent_message_id == "absent"


async def test_repeating_a_message_saves_it_once(
    db: ShardedDatabase, engine_kind: str, talk: Any, set_clock: SetClock
) -> None:
    set_clock(datetime(2031, 5, 6, 12, tzinfo=UTC))
    question = await talk.say("q")
    new = NewMessage(
        account_db_key=talk.account,
        room_id=talk.room,
        message_type=MessageType.AI,
        content="a",
        message_id="m",
        metadata={"model": "x"},
        parent_message_id=question.message_id,
        tokens=3,
    )
    first = await talk.chat.save_message(new)
    before = await talk.stored(talk.room)
    with count_statements(db) as seen:
        again = await talk.chat.save_message(new)
    assert len(seen) == STATEMENTS[engine_kind] - 1 + 1
    assert (first.repeated, again.repeated) == (False, True)
    assert first.message == again.message
    after = await talk.stored(talk.room)
    assert (after.message_count, after.last_message_at) == (2, before.last_message_at)
    (day,) = await talk.chat.statistics(
        talk.account, first.message.created_at.date(), first.message.created_at.date()
    )
    assert (day.total_messages, day.total_tokens, day.active_rooms) == (2, 3, 1)


async def test_a_message_id_never_means_two_things(talk: Any, neighbour: int) -> None:
    await talk.chat.create_room(talk.account, title="t", ai_persona="p", room_id="other")
    await talk.chat.create_room(neighbour, title="t", ai_persona="p", room_id="foreign")
    await talk.say(message_id="p")
    content: dict[str, Any] = {"content": "b", "message_id": "m", "metadata": {"n": 1}}
    await talk.say(**content)
    for changes in (
        {"content": "B"},
        {"room_id": "other"},
        {"message_type": MessageType.AI},
        {"metadata": {"n": 2}},
        {"metadata": None},
        {"parent_message_id": "p"},
        {"account_db_key": neighbour, "room_id": "foreign"},
    ):
        with pytest.raises(DuplicateEntityError):
            await talk.say(**content | changes)
    assert (await talk.stored(talk.room)).message_count == 2
    assert (await talk.stored("other")).message_count == 0


async def test_ids_that_only_a_servers_collation_takes_for_one_lose_nothing(
    talk: Any, engine_kind: str
) -> None:
    await talk.say("yes", message_id="m")
    if engine_kind == "sqlite":
        await talk.say("yes", message_id="M")
    else:
        with pytest.raises(DuplicateEntityError):
            await talk.say("yes", message_id="M")
    await talk.chat.create_room(talk.account, title="t", ai_persona="p", room_id="r")
    if engine_kind == "sqlite":
        await talk.chat.create_room(talk.account, title="u", ai_persona="p", room_id="R")
    else:
        with pytest.raises(DuplicateEntityError):
            await talk.chat.create_room(talk.account, title="u", ai_persona="p", room_id="R")


async def test_the_id_of_a_deleted_message_stays_taken(talk: Any) -> None:
    await talk.say(message_id="m")
    await talk.chat.delete_message(talk.account, talk.room, "m")
    with pytest.raises(DuplicateEntityError):
        await talk.say(message_id="m")
    assert await talk.left(talk.room) == (0, 1)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("room_id", ""),
        ("room_id", "a b"),
        ("message_id", ""),
        ("message_id", "x" * 129),
        ("message_type", "USER"),
        ("message_type", None),
        ("content", ""),
        ("content", " \n"),
        ("content", None),
        ("content", b"bytes"),
        ("content", "\ud800"),
        ("content", "x" * 65_536),
        ("content", "\U0001f680" * 16_384),
        ("metadata", [1]),
        ("metadata", "text"),
        ("metadata", {1: 2}),
        ("metadata", {"n": float("nan")}),
        ("metadata", {"n": object()}),
        ("metadata", {"n": (1, 2)}),  # comes back as a list, so a repeated call would find something else
        ("metadata", {"n": {1: 2}}),
        ("metadata", {"n": "\ud800"}),
        ("parent_message_id", ""),
        ("parent_message_id", "ü"),
        ("tokens", -1),
        ("tokens", 1 << 31),
        ("tokens", 1.5),
        ("tokens", True),
    ],
)
def test_messages_that_are_none_cannot_be_made(field: str, value: Any) -> None:
    given: dict[str, Any] = {
        "account_db_key": 1,
        "room_id": "r",
        "message_type": MessageType.USER,
        "content": "c",
    }
    with pytest.raises(InvalidValueError, match=rf"^{field}(\.n)?: "):
        NewMessage(**given | {field: value})


def test_tokens_need_an_object_to_be_kept_in() -> None:
    given: dict[str, Any] = {"account_db_key": 1, "room_id": "r", "message_type": MessageType.USER}
    with pytest.raises(InvalidValueError, match=r"^metadata: "):
        Draft(content="c", metadata=json.loads("[1]"), tokens=1, **given)


async def test_the_longest_content_fits(talk: Any) -> None:
    content = "\U0001f680" * 16_383 + "abc"
    await talk.say(content)
    assert [message.content for message in await said(talk.chat, talk.account, talk.room)] == [content]


async def test_an_account_that_nobody_has_is_unknown(talk: Any) -> None:
    with pytest.raises(UnknownAccountError):
        await talk.say(account_db_key=4711)
