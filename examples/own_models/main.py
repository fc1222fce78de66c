"""Makes a global database and two shards as SQLite files, signs members up and lets them write notes.

    python main.py [FOLDER]

A second run goes on with the same files.
"""

import asyncio
import sys
from contextlib import suppress
from pathlib import Path

from sqlalchemy.engine import make_url

from notes.service import Notebook
from shardwise import DatabaseManager, DuplicateEntityError, Settings, ShardedDatabase
from shardwise.errors import ShardExistsError
from shardwise.migrations.runner import MigrationOptions, upgrade
from shardwise.migrations.targets import Target
from shardwise.topology.registry import NewShard, add_shard

SCRIPTS = Path(__file__).parent / "alembic"
MEMBERS = ("ada", "grace", "edsger", "barbara")


def settings_for(folder: Path) -> Settings:
    """Return settings for files in a folder; a real application reads its environment: `Settings()`."""
    return Settings(
        environment="development",
        database={"url": f"sqlite+aiosqlite:///{folder.resolve() / 'global.db'}"},
        migrations={"script_location": SCRIPTS},
    )


async def prepare(settings: Settings, shard_ids: tuple[int, ...] = (1, 2)) -> None:
    """Migrate the global database and the shards, as `shardwise upgrade` and `shardwise shards add` do."""
    url = settings.database.sqlalchemy_url()
    options = MigrationOptions(script_location=SCRIPTS)
    await upgrade(Target.global_database(url), options=options)
    manager = DatabaseManager(url)
    for shard_id in shard_ids:
        file = Path(url.database or "").with_name(f"shard_{shard_id}.db")
        shard_url = make_url(f"sqlite+aiosqlite:///{file}")
        await upgrade(Target.shard(shard_id, shard_url), options=options)
        with suppress(ShardExistsError):  # from the run before
            await add_shard(manager, NewShard(shard_id=shard_id, name=f"shard_{shard_id}", url=shard_url))
    await manager.close()


async def run(folder: Path) -> None:
    """Do what a small application does."""
    settings = settings_for(folder)
    await prepare(settings)
    async with ShardedDatabase.from_settings(settings) as db:
        notebook = Notebook(db)
        for name in MEMBERS:
            try:
                key = await notebook.sign_up(f"{name}@example.com", name)
            except DuplicateEntityError:
                print(f"{name} is a member already")
                continue
            await notebook.write(key, "Groceries", tasks=("bread", "milk"))
            draft = await notebook.write(key, "A draft")
            await notebook.throw_away(key, draft.note_id)
            placement = await db.where(key)
            page = await notebook.notes(key)
            titles = ", ".join(note.title for note in page.items)
            print(f"{name} (account {key}) lives on shard {placement.shard_id} and has: {titles}")
        for health in await db.health():
            print(f"{health.name}: {health.status}, revision {health.revision}")


if __name__ == "__main__":
    asyncio.run(run(Path(sys.argv[1] if len(sys.argv) > 1 else "data")))
