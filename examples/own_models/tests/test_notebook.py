import pytest

from notes.models import Note
from notes.repository import NoteRepository
from notes.service import Notebook
from shardwise import DuplicateEntityError, EntityNotFoundError, ShardedDatabase, UnknownAccountError
from shardwise.errors import CrossAccountAccessError


async def members(notebook: Notebook, count: int) -> list[int]:
    return [await notebook.sign_up(f"member{number}@example.com", "Member") for number in range(count)]


async def test_members_are_spread_over_the_shards(sharded_db: ShardedDatabase, notebook: Notebook) -> None:
    keys = await members(notebook, 4)
    placements = [await sharded_db.where(key) for key in keys]
    assert {placement.shard_id for placement in placements} == {1, 2}
    counted = {row.shard_id: (row.before, row.after) for row in await sharded_db.recount()}
    assert counted == {1: (2, 2), 2: (2, 2)}


async def test_a_refused_sign_up_leaves_nothing(sharded_db: ShardedDatabase, notebook: Notebook) -> None:
    (key,) = await members(notebook, 1)
    with pytest.raises(DuplicateEntityError):
        await members(notebook, 1)
    shard_id = (await sharded_db.where(key)).shard_id
    assert [(row.shard_id, row.after) for row in await sharded_db.recount() if row.after] == [(shard_id, 1)]
    with pytest.raises(UnknownAccountError):
        await notebook.notes(key + 1)


async def test_a_note_lies_on_one_shard_alone(sharded_db: ShardedDatabase, notebook: Notebook) -> None:
    for key in await members(notebook, 2):
        await notebook.write(key, "Groceries")
        home = (await sharded_db.where(key)).shard_id
        for shard_id in sharded_db.topology.shards:
            async with sharded_db.shard_session(shard_id, read_only=True) as session:
                found = await NoteRepository(session).count(filters={"account_db_key": key})
            assert found == (shard_id == home)


async def test_pages_lead_through_all_notes_newest_first(notebook: Notebook) -> None:
    (key,) = await members(notebook, 1)
    for number in range(5):
        await notebook.write(key, f"Note {number}")
    titles, after = [], None
    while True:
        page = await notebook.notes(key, after=after, limit=2)
        titles += [note.title for note in page.items]
        if (after := page.next_cursor) is None:
            break
    assert titles == [f"Note {number}" for number in reversed(range(5))]


async def test_thrown_away_notes_are_hidden_and_can_be_restored(
    sharded_db: ShardedDatabase, notebook: Notebook
) -> None:
    (key,) = await members(notebook, 1)
    note = await notebook.write(key, "A draft", tasks=("finish it",))
    await notebook.throw_away(key, note.note_id)
    assert (await notebook.notes(key)).items == []
    assert await notebook.open_tasks(key) == []
    async with sharded_db.session(key) as session:
        await NoteRepository(session).restore((key, note.note_id))
    assert [found.title for found in (await notebook.notes(key)).items] == ["A draft"]
    assert await notebook.open_tasks(key) == [("A draft", 1)]


async def test_a_session_is_pinned_to_one_member(sharded_db: ShardedDatabase, notebook: Notebook) -> None:
    mine, other = await members(notebook, 2)
    with pytest.raises(CrossAccountAccessError):
        async with sharded_db.session(mine) as session:
            session.add(Note(account_db_key=other, title="Not mine"))
    assert (await notebook.notes(other)).items == []


async def test_a_missing_task_is_named(notebook: Notebook) -> None:
    (key,) = await members(notebook, 1)
    with pytest.raises(EntityNotFoundError, match="Task"):
        await notebook.tick(key, 1)
