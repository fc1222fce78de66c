"""What the application does.

Repositories hold a session and never commit; the blocks that commit begin and end here.
"""

from collections.abc import Sequence

from notes.models import Member, Note, Task
from notes.repository import MemberRepository, NoteRepository, TaskRepository
from shardwise import ShardedDatabase
from shardwise.kit.pages import Page


class Notebook:
    """Members and their notes."""

    def __init__(self, db: ShardedDatabase) -> None:
        self._db = db

    async def sign_up(self, email: str, name: str) -> int:
        """Create a member, give it a shard, and return its key.

        Member, place in the directory and the shard's statistics are one transaction of the global
        database: a crash leaves all of them or none. The directory's cache is told after the commit.
        """
        async with self._db.global_session() as session:
            member = await MemberRepository(session).create(Member(email=email, name=name))
            key = member.account_db_key
            placement = await self._db.assignment.place(session, key)
        self._db.directory.remember(key, placement)
        return key

    async def write(self, key: int, title: str, *, body: str = "", tasks: Sequence[str] = ()) -> Note:
        """Store a note and its tasks: one transaction on the member's shard."""
        async with self._db.session(key) as session:
            note = await NoteRepository(session).create(Note(account_db_key=key, title=title, body=body))
            lines = [Task(account_db_key=key, note_id=note.note_id, text=text) for text in tasks]
            await TaskRepository(session).create_many(lines)
        return note

    async def tick(self, key: int, task_id: int) -> None:
        """Mark a task as done."""
        async with self._db.session(key) as session:
            await TaskRepository(session).update((key, task_id), done=True)

    async def throw_away(self, key: int, note_id: int) -> None:
        """Mark a note as deleted; `restore` of the repository would bring it back."""
        async with self._db.session(key) as session:
            await NoteRepository(session).soft_delete((key, note_id))

    async def notes(self, key: int, *, after: str | None = None, limit: int = 20) -> Page[Note]:
        """Return one page of a member's notes, newest first."""
        async with self._db.session(key, read_only=True) as session:
            return await NoteRepository(session).newest(key, after=after, limit=limit)

    async def open_tasks(self, key: int) -> Sequence[tuple[str, int]]:
        """Return which notes still have open tasks, and how many."""
        async with self._db.session(key, read_only=True) as session:
            return await TaskRepository(session).open_tasks(key)
