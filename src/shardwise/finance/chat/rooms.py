"""Making, renaming, deleting and listing rooms, in the caller's transaction."""

from sqlalchemy.ext.asyncio import AsyncSession

from shardwise.errors import EntityNotFoundError
from shardwise.finance.chat.models import ChatRoom
from shardwise.finance.chat.repository import MessageRepository, RoomRepository
from shardwise.finance.chat.values import NewRoom, Room


async def create_room(session: AsyncSession, new: NewRoom) -> Room:
    """Make a room.

    Raises:
        DuplicateEntityError: the shard has a room with this id, whoever's, or a deleted one.
    """
    return await RoomRepository(session).add(new)


async def rename_room(session: AsyncSession, account_db_key: int, room_id: str, *, title: str) -> None:
    """Give a room another title.

    Raises:
        EntityNotFoundError: the account has no such room, or has deleted it.
    """
    if not await RoomRepository(session).rename(account_db_key, room_id, title):
        raise EntityNotFoundError(ChatRoom.__name__, room_id)


async def delete_room(session: AsyncSession, account_db_key: int, room_id: str) -> None:
    """Mark a room and all its messages as deleted; its count and its last message stay as they were.

    The room is locked first: a message that is being saved is in time and deleted too, or is refused.

    Raises:
        EntityNotFoundError: the account has no such room, or has deleted it already.
    """
    if not await RoomRepository(session).delete_room(account_db_key, room_id):
        raise EntityNotFoundError(ChatRoom.__name__, room_id)
    await MessageRepository(session).delete_all(account_db_key, room_id)
