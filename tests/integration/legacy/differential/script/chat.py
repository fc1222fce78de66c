"""Rooms and messages (2.3–2.6, fp_chat_statistics_update), the same on either shard."""

import json
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import select

from differential.matching import ID, NOW, Json, Keep, Kept
from differential.steps import (
    DUPLICATE,
    FAILS,
    NO_ACCOUNT,
    WRONG_SHARD,
    Database,
    Row,
    Step,
    done,
    first,
    words,
)
from shardwise.finance.chat.models import ChatStatistics

UNKNOWN = 999_999
TOKENS = {"tokens": 12, "model": "gpt", "말": ["a", None, 1.5]}


def created(room_id: str) -> Row:
    """Return the row of 2.3 that says success."""
    return done("Chatbot session created successfully", room_id=room_id)


def exists(room_id: str) -> Row:
    """Return the row of 2.3 that says that the id is taken."""
    return words("EXISTS", "Chatbot session already exists", room_id=room_id)


def room(room_id: str, title: str, count: int, last: str | None) -> Row:
    """Return a row of 2.6."""
    return {
        "room_id": room_id,
        "title": title,
        "ai_persona": "GPT4O",
        "last_message_id": last,
        "last_message_at": None if last is None else NOW,
        "message_count": count,
        "created_at": NOW,
        "updated_at": NOW,
    }


def message(
    number: str, room_id: str, key: Kept, kind: str, content: str, metadata: Any, parent: str | None
) -> Row:
    """Return a row of 2.5; the idx has been kept under the message's id."""
    return {
        "idx": Kept(number),
        "message_id": number,
        "room_id": room_id,
        "account_db_key": key,
        "message_type": kind,
        "content": content,
        "metadata": metadata,
        "parent_message_id": parent,
        "created_at": NOW,
        "updated_at": NOW,
    }


def saved(number: str) -> Row:
    """Return the row of 2.4."""
    return done(idx=Keep(number, ID), message_id=number)


def counted(shard: int, key: Kept, *numbers: int, mends: str | None = None) -> Step:
    """Return a look at today's total, user's and AI's messages of an account."""
    columns = (ChatStatistics.total_messages, ChatStatistics.user_messages, ChatStatistics.ai_messages)
    return Database(shard).holds(
        lambda kept: select(*columns).where(
            ChatStatistics.account_db_key == kept[key.name], ChatStatistics.date == datetime.now(UTC).date()
        ),
        numbers,
        mends=mends,
    )


def steps(shard: int) -> list[Step]:
    """Return the room's script for one shard."""
    call = Database(shard).call
    owner, other, stranger = Kept(f"owner{shard}"), Kept(f"other{shard}"), Kept(f"owner{3 - shard}")
    a, b, foreign = f"room-{shard}-a", f"room-{shard}-b", f"room-{shard}-foreign"
    m = [f"message-{shard}-{number}" for number in range(6)]

    def save(number: int | str, room_id: str, key: Any, *rest: Any, **more: Any) -> Step:
        message_id = m[number] if isinstance(number, int) else number
        return call("fp_chat_message_batch_save", message_id, room_id, key, *rest, **more)

    rows = [
        message(m[0], a, owner, "USER", "Hello", None, None),
        message(m[1], a, owner, "AI", "Hi – 안녕 🙂", Json(TOKENS), m[0]),
        message(m[2], a, owner, "SYSTEM", "", None, None),
        message(m[3], a, owner, "USER", "it's 100 % \\ fine", Json({}), None),
        message(m[4], a, owner, "AI", "x" * 5000, None, m[3]),
    ]

    def get(room_id: str, key: Any, limit: Any, offset: Any, gives: list[Row]) -> Step:
        return call("fp_chat_messages_get", room_id, key, limit, offset, gives=gives)

    rooms = [
        call("fp_chat_rooms_get", owner, gives=[]),
        call("fp_chat_room_create", a, owner, "First", "GPT4O", gives=created(a)),
        call("fp_chat_room_create", b, owner, "Second", "GPT4O", gives=created(b)),
        call("fp_chat_room_create", a, owner, "Again", "GPT4O", gives=exists(a)),
        call("fp_chat_room_create", a, other, "Mine", "GPT4O", gives=exists(a)),
        call("fp_chat_room_create", foreign, other, "Other", "GPT4O", gives=created(foreign)),
        call("fp_chat_room_create", f"x-{shard}", UNKNOWN, "No", "GPT4O", fails=NO_ACCOUNT, mends="D21"),
        call("fp_chat_room_create", f"x-{shard}", stranger, "No", "GPT4O", fails=WRONG_SHARD, mends="D21"),
        call("fp_chat_rooms_get", owner, gives=[room(b, "Second", 0, None), room(a, "First", 0, None)]),
        call("fp_chat_rooms_get", other, gives=[room(foreign, "Other", 0, None)]),
        call("fp_chat_rooms_get", UNKNOWN, gives=[]),
        call("fp_chat_rooms_get", stranger, fails=WRONG_SHARD, mends="D21"),
        call("fp_chat_room_list", owner, gives=[room(b, "Second", 0, None), room(a, "First", 0, None)]),
    ]
    messages = [
        save(
            0, a, owner, "USER", "Hello", None, None, gives=saved(m[0]), mends="D17" if shard == 2 else None
        ),
        counted(shard, owner, 1, 1, 0),
        save(1, a, owner, "AI", "Hi – 안녕 🙂", json.dumps(TOKENS), m[0], gives=saved(m[1])),
        save(2, a, owner, "SYSTEM", "", None, None, gives=saved(m[2])),
        counted(shard, owner, 3, 1, 1),
        call(
            "fp_chat_message_insert",
            m[3],
            a,
            owner,
            "user",
            "it's 100 % \\ fine",
            "{}",
            None,
            gives=saved(m[3]),
        ),
        save(4, a, owner, "AI", "x" * 5000, None, m[3], gives=saved(m[4])),
        counted(shard, owner, 5, 2, 2),
        save(0, a, owner, "USER", "Hello", None, None, fails=DUPLICATE, mends="D17" if shard == 2 else None),
        save(5, a, owner, "ROBOT", "?", None, None, fails=FAILS, mends="D3"),
        save(5, a, owner, "USER", "?", "{no JSON", None, fails=FAILS),
        save(5, f"no-room-{shard}", owner, "USER", "?", None, None, fails=FAILS, mends="D21"),
        save(5, foreign, owner, "USER", "?", None, None, fails=FAILS, mends="D21"),
        save(5, a, other, "USER", "?", None, None, fails=FAILS, mends="D21"),
        save(5, a, UNKNOWN, "USER", "?", None, None, fails=NO_ACCOUNT, mends="D21"),
        save(5, a, stranger, "USER", "?", None, None, fails=WRONG_SHARD, mends="D21"),
        # None of those counted, nor left a transaction open.
        counted(shard, owner, 5, 2, 2, mends="D3"),
        call("fp_chat_rooms_get", owner, gives=[room(a, "First", 5, m[4]), room(b, "Second", 0, None)]),
    ]
    pages = [
        get(a, owner, 10, 0, rows),
        get(a, owner, 2, 0, rows[:2]),
        get(a, owner, 2, 2, rows[2:4]),
        get(a, owner, 2, 4, rows[4:]),
        get(a, owner, 2, 5, []),
        get(a, owner, 0, 0, []),
        get(a, owner, None, 0, rows),
        get(a, owner, -1, 0, rows),
        get(a, owner, -1, 3, rows[3:]),
        get(a, owner, 2, None, rows[:2]),
        get(b, owner, 10, 0, []),
        get(a, other, 10, 0, []),
        get(f"no-room-{shard}", owner, 10, 0, []),
        get(a, UNKNOWN, 10, 0, []),
        call("fp_chat_messages_get", a, stranger, 10, 0, fails=WRONG_SHARD, mends="D21"),
        call("fp_chat_message_list", a, owner, 1, 1, gives=rows[1:2]),
    ]
    recounts = [
        call("fp_chat_statistics_update", owner, gives=first(result="SUCCESS")),
        call("fp_chat_statistics_update", owner, "2020-01-01", gives=first(result="SUCCESS")),
        counted(shard, owner, 5, 2, 2),
    ]
    return [*rooms, *messages, *pages, *recounts]
