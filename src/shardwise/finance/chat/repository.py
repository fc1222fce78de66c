"""All SQL for rooms and messages; `turns` has that for a room's next message, `counting` the statistics'."""

from collections.abc import Sequence
from dataclasses import asdict, fields
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Insert,
    Select,
    bindparam,
    case,
    false,
    func,
    insert,
    literal,
    select,
    update,
)
from sqlalchemy.engine import CursorResult
from sqlalchemy.orm import aliased

from shardwise.finance.chat.conditions import (
    active_room,
    has_room,
    later,
    messages_of,
    undeleted_messages_of,
)
from shardwise.finance.chat.drafts import Draft
from shardwise.finance.chat.models import ChatMessage, ChatRoom
from shardwise.finance.chat.values import Message, NewRoom, Room
from shardwise.finance.hints import by_index, read_by_index
from shardwise.kit.clock import utc_now
from shardwise.kit.pages import Page
from shardwise.repository import BaseRepository, Filters

_IN_ORDER = "idx_account_room_created"
_ROOM_ORDER = ("-last_message_at", "-created_at")
_MESSAGES: Any = ChatMessage.__table__
_INSERT = insert(_MESSAGES)


class RoomRepository(BaseRepository[ChatRoom]):
    """Rooms, in a session of their shard that the caller ends.

    Every statement that locks a room finds it by primary key. Left to itself, MariaDB changes a room by
    `uk_room_id` and reads it by primary key: a deletion and a save of the same room would deadlock.
    """

    max_limit = 1_000

    async def add(self, new: NewRoom) -> Room:
        """Write a new room, made and changed at the same moment: so one sees that nothing happened in it.

        Raises:
            DuplicateEntityError: the shard has a room with this id, whoever's.
        """
        now = utc_now()
        await self.create_many([{**asdict(new), "created_at": now, "updated_at": now}])
        return Room(**asdict(new), created_at=now, updated_at=now)

    async def find(self, account_db_key: int, room_id: str) -> Room | None:
        """Return a room that isn't deleted."""
        found = self.query(active_room(account_db_key, room_id))
        with self.translated():
            row = await self.session.scalar(found)
        return None if row is None else Room.of(row)

    async def lock(self, account_db_key: int, room_id: str) -> bool:
        """Lock a room until the transaction ends; return whether there is one that isn't deleted."""
        locked = select(literal(1)).where(*active_room(account_db_key, room_id)).with_for_update()
        with self.translated():
            return await self.session.scalar(locked) is not None

    async def all_of(self, account_db_key: int) -> Sequence[Room]:
        """Return an account's rooms, the one with the newest message first."""
        rows = await self.list({"account_db_key": account_db_key, "is_active": True}, order_by=_ROOM_ORDER)
        return [Room.of(row) for row in rows]

    async def page_of(self, account_db_key: int, *, after: str | None, limit: int) -> Page[Room]:
        """Return one page of an account's rooms, the one with the newest message first."""
        page = await self.page(
            filters={"account_db_key": account_db_key, "is_active": True},
            order_by=_ROOM_ORDER,
            after=after,
            limit=limit,
        )
        return Page(items=[Room.of(row) for row in page.items], next_cursor=page.next_cursor)

    async def rename(self, account_db_key: int, room_id: str, title: str) -> bool:
        """Give a room another title; return whether there is one that isn't deleted."""
        return await self._change_room(account_db_key, room_id, {"title": title})

    async def delete_room(self, account_db_key: int, room_id: str) -> bool:
        """Mark a room as deleted; return whether there was one that wasn't."""
        return await self._change_room(account_db_key, room_id, {"is_active": False})

    async def forget_message(self, account_db_key: int, room_id: str, message_id: str) -> None:
        """Take a message that has just been deleted out of a room's count and off its end."""
        newest = (
            select(ChatMessage)
            .where(*undeleted_messages_of(account_db_key, room_id))
            .order_by(ChatMessage.created_at.desc(), ChatMessage.idx.desc())
            .limit(1)
        )
        was_last = ChatRoom.last_message_id == message_id
        fewer = case((ChatRoom.message_count > 0, ChatRoom.message_count - 1), else_=0)

        def last(column: Any, otherwise: Any) -> ColumnElement[Any]:
            return case((was_last, newest.with_only_columns(column).scalar_subquery()), else_=otherwise)

        # In this order: MySQL computes each value from what the ones before it have set.
        statement = (
            update(ChatRoom)
            .where(*active_room(account_db_key, room_id))
            .ordered_values(
                (ChatRoom.message_count, fewer),
                (ChatRoom.updated_at, later(utc_now())),
                (ChatRoom.last_message_at, last(ChatMessage.created_at, ChatRoom.last_message_at)),
                (ChatRoom.last_message_id, last(ChatMessage.message_id, ChatRoom.last_message_id)),
            )
        )
        await self._execute_on_many(by_index(statement))

    async def _change_room(self, account_db_key: int, room_id: str, changes: dict[str, Any]) -> bool:
        statement = (
            update(ChatRoom)
            .where(*active_room(account_db_key, room_id))
            .values(changes | {"updated_at": later(utc_now())})
        )
        return await self._execute_on_many(by_index(statement)) == 1


class MessageRepository(BaseRepository[ChatMessage]):
    """Messages, in a session of their shard that the caller ends."""

    max_limit = 1_000

    async def add(self, new: Draft, message: Message) -> bool:
        """Write a message; return whether its parent is as it must be, else nothing is written.

        Raises:
            DuplicateEntityError: the shard has a message with this id, whoever's.
        """
        row = {field.name: getattr(message, field.name) for field in fields(message)}
        if new.parent_message_id is None or not new.parent_must_exist:
            with self.translated():
                await self.session.execute(_INSERT, row)
            return True
        with self.translated():
            result: Any = await self.session.execute(
                _insert_with_parent(), {f"new_{name}": value for name, value in row.items()}
            )
        return isinstance(result, CursorResult) and result.rowcount == 1

    async def find(self, account_db_key: int, message_id: str) -> Message | None:
        """Return a message that isn't deleted."""
        found = self.query({"account_db_key": account_db_key, "message_id": message_id})
        with self.translated():
            row = await self.session.scalar(found)
        return None if row is None else Message.of(row)

    async def any_since(self, account_db_key: int, room_id: str, moment: datetime) -> bool:
        """Return whether a room got a message since a moment, be it deleted by now.

        It locks what it reads, so that it sees what others have committed since this transaction began.
        """
        rows = select(literal(1)).where(
            *messages_of(account_db_key, room_id), ChatMessage.created_at >= moment
        )
        with self.translated():
            return await self.session.scalar(rows.limit(1).with_for_update(read=True)) is not None

    async def page_of(
        self, account_db_key: int, room_id: str, *, newest_first: bool, after: str | None, limit: int
    ) -> Page[Message]:
        """Return one page of the messages of a room; none if the room is deleted or another account's."""
        page = await _OrderedMessages(self.session).page(
            filters=[*messages_of(account_db_key, room_id), has_room(account_db_key, room_id)],
            order_by=("-created_at", "-idx") if newest_first else ("created_at", "idx"),
            after=after,
            limit=limit,
        )
        return Page(items=[Message.of(row) for row in page.items], next_cursor=page.next_cursor)

    async def slice_of(
        self, account_db_key: int, room_id: str, *, limit: int | None, offset: int
    ) -> Sequence[Message]:
        """Return messages of a room, oldest first; None as the limit is all."""
        rows = (
            self.query([*messages_of(account_db_key, room_id), has_room(account_db_key, room_id)])
            .order_by(ChatMessage.created_at, ChatMessage.idx)
            .limit(limit)
            .offset(offset or None)
        )
        return [Message.of(row) for row in await self._all(rows)]

    async def chain_to(
        self, account_db_key: int, room_id: str, message_id: str, *, limit: int
    ) -> Sequence[Message]:
        """Return a message after its parent, after that one's parent, and so on; `limit` links at most.

        A deleted message is a link, but isn't returned.
        """
        of_room = messages_of(account_db_key, room_id)
        first = select(ChatMessage.idx, ChatMessage.parent_message_id, literal(1).label("depth"))
        links = first.where(*of_room, ChatMessage.message_id == message_id).cte("links", recursive=True)
        further = select(ChatMessage.idx, ChatMessage.parent_message_id, links.c.depth + 1).where(
            *of_room, ChatMessage.message_id == links.c.parent_message_id, links.c.depth < limit
        )
        links = links.union_all(further)
        # Each once, should old rows be parents of each other.
        chain = select(links.c.idx, func.min(links.c.depth).label("depth")).group_by(links.c.idx).subquery()
        rows = (
            self.query([*of_room, has_room(account_db_key, room_id)])
            .join(chain, ChatMessage.idx == chain.c.idx)
            .order_by(chain.c.depth.desc())
        )
        return [Message.of(row) for row in await self._all(rows)]

    async def delete_message(self, account_db_key: int, room_id: str, message_id: str) -> bool:
        """Mark a message as deleted; return whether there was one in the room that wasn't."""
        chosen = [*messages_of(account_db_key, room_id), ChatMessage.message_id == message_id]
        return await self.update_many(chosen, {"is_deleted": True}) == 1

    async def delete_all(self, account_db_key: int, room_id: str) -> int:
        """Mark the messages of a room as deleted; return how many weren't."""
        # By this index, as MariaDB may look through, and lock, all of an account with few rooms.
        statement = (
            update(ChatMessage).where(*undeleted_messages_of(account_db_key, room_id)).values(is_deleted=True)
        )
        return await self._execute_on_many(by_index(statement, _IN_ORDER))


class _OrderedMessages(BaseRepository[ChatMessage]):
    """Messages of a room, by the index that holds their order.

    Left to itself, MariaDB may choose `idx_room_id_created`, and begin each page at the room's end.
    """

    max_limit = MessageRepository.max_limit

    def query(self, filters: Filters = None, *, include_deleted: bool = False) -> Select[Any]:
        found = super().query(filters, include_deleted=include_deleted)
        return read_by_index(found, ChatMessage, _IN_ORDER)


@cache
def _insert_with_parent() -> Insert:
    """Return an INSERT of one row if its parent is in its room, of none if it isn't; built once."""
    values = {field.name: _new(field.name) for field in fields(Message)}
    parent = aliased(ChatMessage)
    found = select(*values.values()).where(
        parent.account_db_key == _new("account_db_key"),
        parent.room_id == _new("room_id"),
        parent.message_id == _new("parent_message_id"),
        parent.is_deleted == false(),
    )
    return insert(_MESSAGES).from_select([*values], found)


def _new(name: str) -> BindParameter[Any]:
    return bindparam(f"new_{name}", type_=_MESSAGES.c[name].type)
