from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import select

from shardwise.database import ShardedDatabase
from shardwise.finance.chat import repository, turns
from shardwise.finance.chat.drafts import NewMessage
from shardwise.finance.chat.models import ChatMessage, ChatRoom, MessageType
from shardwise.finance.chat.service import ChatService
from shardwise.finance.chat.values import Message


@pytest.fixture
def chat(db: ShardedDatabase) -> ChatService:
    return ChatService(db)


@pytest.fixture
def set_clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[datetime], None]:
    """Set the client's clock, as rooms and messages read it."""

    def set_to(moment: datetime) -> None:
        for module in (turns, repository):
            monkeypatch.setattr(module, "utc_now", lambda: moment)

    return set_to


class Talk:
    """A room of an account, what is said in it, and what is stored of that."""

    def __init__(self, db: ShardedDatabase, chat: ChatService, account: int, room: str) -> None:
        self.db, self.chat, self.account, self.room = db, chat, account, room

    async def say(self, content: str = "hello", **more: Any) -> Message:
        """Save a message, from the user unless told otherwise."""
        given: dict[str, Any] = {
            "account_db_key": self.account,
            "room_id": self.room,
            "message_type": MessageType.USER,
            "content": content,
        }
        return (await self.chat.save_message(NewMessage(**given | more))).message

    async def stored(self, room_id: str) -> ChatRoom:
        """Read the row of a room of the account, deleted or not."""
        async with self.db.session(self.account, read_only=True) as session:
            chosen = select(ChatRoom).where(
                ChatRoom.account_db_key == self.account, ChatRoom.room_id == room_id
            )
            return (await session.scalars(chosen)).one()

    async def left(self, room_id: str) -> tuple[int, int]:
        """Count the messages of a room: those that aren't deleted, and those that are."""
        async with self.db.session(self.account, read_only=True) as session:
            chosen = select(ChatMessage.is_deleted).where(
                ChatMessage.account_db_key == self.account, ChatMessage.room_id == room_id
            )
            marks = [*await session.scalars(chosen)]
        return marks.count(False), marks.count(True)


@pytest.fixture
async def talk(db: ShardedDatabase, chat: ChatService, account: int) -> Talk:
    """A new room of the account."""
    opened = await chat.create_room(account, title="Markets", ai_persona="analyst")
    return Talk(db, chat, account, opened.room.room_id)


@pytest.fixture
async def neighbour(db: ShardedDatabase, account: int) -> int:
    """Another account, of the same shard."""
    other = account + 2
    assert await db.place_account(other) == await db.where(account)
    return other
