"""Saving and deleting messages, in the caller's transaction."""

from sqlalchemy.ext.asyncio import AsyncSession

from shardwise.errors import EntityNotFoundError
from shardwise.finance.chat.counting import StatisticsRepository
from shardwise.finance.chat.drafts import Draft
from shardwise.finance.chat.models import ChatMessage, ChatRoom
from shardwise.finance.chat.repository import MessageRepository, RoomRepository
from shardwise.finance.chat.turns import take_turn
from shardwise.finance.chat.values import Message
from shardwise.kit.ids import new_id


async def save_message(session: AsyncSession, new: Draft) -> Message:
    """Save a message, and count it in its room and on its day.

    The room is locked first, so messages of a room are saved one after the other. Leave the session's block
    with an error: the room may have been changed before it.

    Raises:
        EntityNotFoundError: the account has no such room or has deleted it, or the parent isn't in it.
        DuplicateEntityError: the shard has a message with this id, whoever's, or a deleted one.
    """
    key, room_id = new.account_db_key, new.room_id
    turn = await take_turn(session, key, room_id, new.message_id)
    if turn is None:
        raise EntityNotFoundError(ChatRoom.__name__, room_id)
    messages = MessageRepository(session)
    first_of_day = turn.first_of_day
    if first_of_day is None:
        midnight = turn.moment.replace(hour=0, minute=0, second=0, microsecond=0)
        first_of_day = not await messages.any_since(key, room_id, midnight)
    message = Message(
        account_db_key=key,
        idx=new_id(),
        message_id=new.message_id,
        room_id=room_id,
        message_type=new.message_type,
        content=new.content,
        metadata=new.metadata,
        parent_message_id=new.parent_message_id,
        created_at=turn.moment,
        updated_at=turn.moment,
    )
    if not await messages.add(new, message):
        raise EntityNotFoundError(ChatMessage.__name__, new.parent_message_id)
    await StatisticsRepository(session).count_message(message, first_of_day=first_of_day)
    return message


async def delete_message(
    session: AsyncSession, account_db_key: int, room_id: str, *, message_id: str
) -> None:
    """Mark a message as deleted, and take it out of its room's count and off its end.

    It stays counted on its day: what was said was said, and its tokens were used.

    Raises:
        EntityNotFoundError: the account has no such room or has deleted it, or the message isn't in it or is
            deleted already. Nothing was changed.
    """
    rooms = RoomRepository(session)
    if not await rooms.lock(account_db_key, room_id):
        raise EntityNotFoundError(ChatRoom.__name__, room_id)
    if not await MessageRepository(session).delete_message(account_db_key, room_id, message_id):
        raise EntityNotFoundError(ChatMessage.__name__, message_id)
    await rooms.forget_message(account_db_key, room_id, message_id)
