"""All SQL for notes: what BaseRepository has, and two questions of our own."""

from collections.abc import Sequence

from sqlalchemy import func, select

from notes.models import Member, Note, Task
from shardwise import BaseRepository
from shardwise.kit.pages import Page


class MemberRepository(BaseRepository[Member]):
    """Members, in a session of the global database."""

    async def by_email(self, email: str) -> Member | None:
        """Return the member with this address."""
        found = await self.list(filters={"email": email}, limit=1)
        return found[0] if found else None


class NoteRepository(BaseRepository[Note]):
    """The notes of one member, in a session of their shard."""

    async def newest(self, account_db_key: int, *, after: str | None = None, limit: int = 20) -> Page[Note]:
        """Return one page of a member's notes, newest first, without the deleted ones."""
        return await self.page(
            filters={"account_db_key": account_db_key}, order_by="-created_at", after=after, limit=limit
        )


class TaskRepository(BaseRepository[Task]):
    """The tasks of one member, in a session of their shard."""

    async def open_tasks(self, account_db_key: int) -> Sequence[tuple[str, int]]:
        """Return the titles of notes that have open tasks, with how many.

        The join is on the shard key too, so both tables are read on one shard.
        """
        rows = await self.session.execute(
            select(Note.title, func.count())
            .join(Task, (Task.account_db_key == Note.account_db_key) & (Task.note_id == Note.note_id))
            .where(Note.account_db_key == account_db_key, Note.deleted_at.is_(None), Task.done.is_(False))
            .group_by(Note.note_id, Note.title)
            .order_by(Note.note_id)
        )
        return [(title, count) for title, count in rows]
