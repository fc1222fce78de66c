"""Conversations: rooms, what is said in them, and how much of it a day."""

from collections.abc import Sequence
from datetime import date

from shardwise.database import ShardedDatabase
from shardwise.errors import DuplicateEntityError, EntityNotFoundError, InvalidValueError
from shardwise.finance.chat.counting import StatisticsRepository
from shardwise.finance.chat.drafts import NewMessage, check_id
from shardwise.finance.chat.messages import delete_message, save_message
from shardwise.finance.chat.models import ChatMessage, ChatRoom
from shardwise.finance.chat.repository import MessageRepository, RoomRepository
from shardwise.finance.chat.rooms import create_room, delete_room, rename_room
from shardwise.finance.chat.statistics import recount_day
from shardwise.finance.chat.values import (
    DailyStatistics,
    Message,
    NewRoom,
    OpenedRoom,
    Room,
    SavedMessage,
)
from shardwise.finance.running import write_for
from shardwise.finance.validation import check_text
from shardwise.kit.ids import new_text_id
from shardwise.kit.pages import Page

_MOST_DAYS = 366
_LONGEST_CHAIN = 500  # servers end a recursion after 1,000 steps


class ChatService:
    """The conversations of accounts, each on its account's shard.

    Args:
        db: an open database.
    """

    def __init__(self, db: ShardedDatabase) -> None:
        self._db = db

    async def create_room(
        self, account_db_key: int, *, title: str, ai_persona: str, room_id: str | None = None
    ) -> OpenedRoom:
        """Make a room, once for each id.

        Args:
            account_db_key: whose room.
            title: 1 to 200 characters on one line.
            ai_persona: 1 to 100 characters on one line.
            room_id: 1 to 128 visible ASCII characters; give one to be able to repeat the call.

        Returns:
            The new room, or the one that the account has under this id, with the title that it has now.

        Raises:
            InvalidValueError: an argument can't be accepted; nothing was asked of the database.
            DuplicateEntityError: the id was used for another account's room, or for one deleted since; or, on
                a server, with letters of another case.
        """
        new = NewRoom(
            account_db_key=account_db_key,
            title=check_text("title", title, longest=200),
            ai_persona=check_text("ai_persona", ai_persona, longest=100),
            room_id=new_text_id() if room_id is None else check_id("room_id", room_id),
        )
        try:
            room = await write_for(self._db, account_db_key, lambda session: create_room(session, new))
        except DuplicateEntityError:
            async with self._db.session(account_db_key, read_only=True) as session:
                earlier = await RoomRepository(session).find(account_db_key, new.room_id)
            if earlier is None or earlier.room_id != new.room_id:  # of another case
                raise
            return OpenedRoom(room=earlier, repeated=True)
        return OpenedRoom(room=room, repeated=False)

    async def rooms(self, account_db_key: int, *, after: str | None = None, limit: int = 50) -> Page[Room]:
        """Return one page of an account's rooms, the one with the newest message first.

        Rooms without messages come last, the newest of them first.

        Args:
            account_db_key: whose rooms.
            after: `next_cursor` of the page before.
            limit: rooms at most, 1 to 1,000.

        Raises:
            InvalidValueError: the cursor or the limit can't be accepted.
        """
        async with self._db.session(account_db_key, read_only=True) as session:
            return await RoomRepository(session).page_of(account_db_key, after=after, limit=limit)

    async def rename_room(self, account_db_key: int, room_id: str, title: str) -> None:
        """Give a room another title, 1 to 200 characters on one line.

        Raises:
            InvalidValueError: the title can't be accepted.
            EntityNotFoundError: the account has no such room, or has deleted it.
        """
        check_id("room_id", room_id)
        check_text("title", title, longest=200)
        await write_for(
            self._db,
            account_db_key,
            lambda session: rename_room(session, account_db_key, room_id, title=title),
        )

    async def delete_room(self, account_db_key: int, room_id: str) -> None:
        """Delete a room with all its messages, also those that are being saved.

        The rows stay, marked. The id can't be used again.

        Raises:
            EntityNotFoundError: the account has no such room, or has deleted it already.
        """
        check_id("room_id", room_id)
        await write_for(
            self._db, account_db_key, lambda session: delete_room(session, account_db_key, room_id)
        )

    async def save_message(self, new: NewMessage) -> SavedMessage:
        """Save a message, once for each id, and count it in its room and on its day in UTC.

        Messages of a room are saved one after the other, and their moments rise in that order.

        Args:
            new: what is said.

        Returns:
            The stored message; the earlier one if the id was used before for the same.

        Raises:
            EntityNotFoundError: the account has no such room or has deleted it, or the parent isn't in it.
            DuplicateEntityError: the id was used for something else, or for a message deleted since.
        """
        try:
            message = await write_for(
                self._db, new.account_db_key, lambda session: save_message(session, new)
            )
        except DuplicateEntityError:
            # Looked up only now, so that a message that is new costs nothing for it.
            async with self._db.session(new.account_db_key, read_only=True) as session:
                earlier = await MessageRepository(session).find(new.account_db_key, new.message_id)
            if earlier is None or not new.is_told_by(earlier):
                raise
            return SavedMessage(message=earlier, repeated=True)
        return SavedMessage(message=message, repeated=False)

    async def messages(
        self,
        account_db_key: int,
        room_id: str,
        *,
        newest_first: bool = False,
        after: str | None = None,
        limit: int = 50,
    ) -> Page[Message]:
        """Return one page of a room's messages, in the order of saving or the other way round.

        Args:
            account_db_key: whose room.
            room_id: the room.
            newest_first: begin with the newest message.
            after: `next_cursor` of the page before, of the same direction.
            limit: messages at most, 1 to 1,000.

        Raises:
            EntityNotFoundError: the account has no such room, or has deleted it.
            InvalidValueError: the cursor or the limit can't be accepted.
        """
        check_id("room_id", room_id)
        async with self._db.session(account_db_key, read_only=True) as session:
            page = await MessageRepository(session).page_of(
                account_db_key, room_id, newest_first=newest_first, after=after, limit=limit
            )
            if not page.items and await RoomRepository(session).find(account_db_key, room_id) is None:
                raise EntityNotFoundError(ChatRoom.__name__, room_id)
            return page

    async def chain(
        self, account_db_key: int, room_id: str, message_id: str, *, limit: int = 50
    ) -> Sequence[Message]:
        """Return what led to a message and the message itself: its parents, the first one first.

        Args:
            account_db_key: whose room.
            room_id: the room.
            message_id: the last message of the chain.
            limit: messages at most, 1 to 500, counted from the last one. A deleted one within the chain is
                counted, but left out.

        Raises:
            EntityNotFoundError: the message isn't in the room or is deleted, or the room is.
            InvalidValueError: an argument can't be accepted.
        """
        check_id("room_id", room_id)
        check_id("message_id", message_id)
        if type(limit) is not int or not 1 <= limit <= _LONGEST_CHAIN:
            raise InvalidValueError("limit", f"it must be from 1 to {_LONGEST_CHAIN}")
        async with self._db.session(account_db_key, read_only=True) as session:
            found = await MessageRepository(session).chain_to(
                account_db_key, room_id, message_id, limit=limit
            )
        if not found or found[-1].message_id != message_id:
            raise EntityNotFoundError(ChatMessage.__name__, message_id)
        return found

    async def delete_message(self, account_db_key: int, room_id: str, message_id: str) -> None:
        """Delete a message; its room's count and last message are those of what is left.

        The day's statistics keep it: they say what was said and what it cost.

        Raises:
            EntityNotFoundError: the account has no such room or has deleted it, or the message isn't in it or
                is deleted already.
        """
        check_id("room_id", room_id)
        check_id("message_id", message_id)
        await write_for(
            self._db,
            account_db_key,
            lambda session: delete_message(session, account_db_key, room_id, message_id=message_id),
        )

    async def statistics(self, account_db_key: int, first: date, last: date) -> Sequence[DailyStatistics]:
        """Return the statistics of the days in UTC on which something was said, in order.

        Args:
            account_db_key: whose rooms.
            first: the first day.
            last: the last day, included; at most 366 days in all.

        Raises:
            InvalidValueError: these aren't such days.
        """
        _check_day("first", first)
        _check_day("last", last)
        if not 0 <= (last - first).days < _MOST_DAYS:
            raise InvalidValueError("last", f"it must be from the first day to {_MOST_DAYS - 1} days later")
        async with self._db.session(account_db_key, read_only=True) as session:
            return await StatisticsRepository(session).between(account_db_key, first, last)

    async def recount(self, account_db_key: int, day: date) -> DailyStatistics:
        """Set the statistics of a day in UTC to what the messages say, exactly, also while some are saved."""
        _check_day("day", day)

        return await write_for(
            self._db, account_db_key, lambda session: recount_day(session, account_db_key, day)
        )


def _check_day(field: str, value: object) -> None:
    if type(value) is not date:
        raise InvalidValueError(field, f"it must be a date, not {type(value).__name__}")
