"""Renaming and deleting rooms and messages (2.7–2.9), after what `chat` has written."""

from typing import Any

from sqlalchemy import func, select

from differential.matching import Json, Kept
from differential.script.chat import TOKENS, UNKNOWN, counted, exists, message, room, saved
from differential.steps import FAILS, NO_ACCOUNT, WRONG_SHARD, Database, Row, Step, done, words
from shardwise.finance.chat.models import ChatMessage

NO_ROOM = words("FAILED", "Room not found or access denied")
NO_MESSAGE = words("FAILED", "Message not found or already deleted")
GONE = words("FAILED", "Room not found or already deleted")
BAD_TITLE = words("FAILED", "Invalid title length (1-200 characters required)")
MESSAGE_DELETED = done("Message soft deleted successfully")
ROOM_DELETED = done("Chat room soft deleted successfully")


def renamed(title: str) -> Row:
    """Return the row of 2.8 that says success."""
    return done("Room title updated successfully", new_title=title)


def steps(shard: int) -> list[Step]:
    """Return the room's script for one shard."""
    db = Database(shard)
    call = db.call
    owner, other, stranger = Kept(f"owner{shard}"), Kept(f"other{shard}"), Kept(f"owner{3 - shard}")
    a, b, foreign = f"room-{shard}-a", f"room-{shard}-b", f"room-{shard}-foreign"
    m = [f"message-{shard}-{number}" for number in range(6)]
    late = f"message-{shard}-late"

    def rename(room_id: str, key: Any, title: str | None, **more: Any) -> Step:
        return call("fp_chat_room_update_title", room_id, key, title, **more)

    def drop(message_id: str, room_id: str, key: Any, **more: Any) -> Step:
        return call("fp_chat_message_soft_delete", message_id, room_id, key, **more)

    titles = [
        rename(a, owner, "Renamed", gives=renamed("Renamed")),
        rename(a, owner, "Renamed", gives=renamed("Renamed")),
        rename(a, owner, "", gives=BAD_TITLE),
        rename(a, owner, "t" * 200, gives=renamed("t" * 200)),
        rename(a, owner, "t" * 201, fails=FAILS),
        rename(a, owner, None, fails=FAILS, mends="D1"),
        rename(b, owner, "   ", gives=renamed("   ")),
        rename(a, other, "Mine", gives=NO_ROOM),
        rename(foreign, owner, "Mine", gives=NO_ROOM),
        rename(f"no-room-{shard}", owner, "Mine", gives=NO_ROOM),
        rename(a, UNKNOWN, "Mine", fails=NO_ACCOUNT, mends="D21"),
        rename(a, stranger, "Mine", fails=WRONG_SHARD, mends="D21"),
        rename(a, owner, "First", gives=renamed("First")),
    ]
    messages = [
        drop(m[4], a, other, gives=NO_ROOM),
        drop(m[4], f"no-room-{shard}", owner, gives=NO_ROOM),
        drop(m[4], b, owner, gives=NO_MESSAGE),
        drop("no-message", a, owner, gives=NO_MESSAGE),
        drop(m[4], a, UNKNOWN, fails=NO_ACCOUNT, mends="D21"),
        drop(m[4], a, stranger, fails=WRONG_SHARD, mends="D21"),
        drop(m[4], a, owner, gives=MESSAGE_DELETED),
        drop(m[4], a, owner, gives=NO_MESSAGE),
        drop(m[2], a, owner, gives=MESSAGE_DELETED),
        call(
            "fp_chat_messages_get",
            a,
            owner,
            2,
            1,
            gives=[
                message(m[1], a, owner, "AI", "Hi – 안녕 🙂", Json(TOKENS), m[0]),
                message(m[3], a, owner, "USER", "it's 100 % \\ fine", Json({}), None),
            ],
        ),
        # The room's counter and last message follow its messages.
        call(
            "fp_chat_rooms_get",
            owner,
            gives=[room(a, "First", 3, m[3]), room(b, "   ", 0, None)],
            mends="D19",
        ),
    ]
    rooms = [
        call("fp_chat_room_soft_delete", a, other, gives=GONE),
        call("fp_chat_room_soft_delete", f"no-room-{shard}", owner, gives=GONE),
        call("fp_chat_room_soft_delete", a, UNKNOWN, fails=NO_ACCOUNT, mends="D21"),
        call("fp_chat_room_soft_delete", a, stranger, fails=WRONG_SHARD, mends="D21"),
        call("fp_chat_room_soft_delete", a, owner, gives=ROOM_DELETED),
        call("fp_chat_room_soft_delete", a, owner, gives=GONE),
        db.holds(
            lambda kept: (
                select(func.count())
                .select_from(ChatMessage)
                .where(ChatMessage.room_id == a, ChatMessage.is_deleted.is_(False))
            ),
            (0,),
        ),
        call("fp_chat_messages_get", a, owner, 10, 0, gives=[]),
        call("fp_chat_rooms_get", owner, gives=[room(b, "   ", 0, None)]),
        rename(a, owner, "Ghost", gives=NO_ROOM),
        drop(m[0], a, owner, gives=NO_ROOM),
        call("fp_chat_room_create", a, owner, "Again", "GPT4O", gives=exists(a)),
        call(
            "fp_chat_message_batch_save", late, a, owner, "USER", "late", None, None, fails=FAILS, mends="D21"
        ),
        call("fp_chat_messages_get", a, owner, 10, 0, gives=[], mends="D21"),
        call("fp_chat_message_batch_save", late, b, owner, "USER", "late", None, None, gives=saved(late)),
        call("fp_chat_rooms_get", owner, gives=[room(b, "   ", 1, late)]),
        counted(shard, owner, 6, 3, 2),
        call("fp_chat_rooms_get", other, gives=[room(foreign, "Other", 0, None)]),
    ]
    return [*titles, *messages, *rooms]
