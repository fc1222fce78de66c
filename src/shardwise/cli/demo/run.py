"""The demo from empty databases to the last check: the newcomer's first minute, step by step."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import shardwise.finance.models  # noqa: F401  # every table of the trading domain
from shardwise.cli.databases import shown
from shardwise.cli.demo.expectation import expect
from shardwise.cli.demo.figures import Figure, compare
from shardwise.cli.demo.investors import Home, Investors
from shardwise.cli.demo.places import SHARDS, Place
from shardwise.cli.demo.plan import Investor, make_plan
from shardwise.cli.demo.prices import Close, prices_file, read_closes
from shardwise.cli.demo.stored import Stored, read_stored
from shardwise.cli.demo.story import Story
from shardwise.cli.demo.watch_figures import compare_watches
from shardwise.cli.demo.watchers import Watchers
from shardwise.cli.demo.watching import make_watches
from shardwise.cli.joining import Joining, join
from shardwise.config import Environment, Settings
from shardwise.database import ShardedDatabase
from shardwise.migrations import runner
from shardwise.migrations.branches import Branch, expected_head
from shardwise.migrations.targets import Target
from shardwise.security.passwords import PasswordHasher
from shardwise.topology.registry import NewShard

_LATE = 5  # one investor in five comes after the third shard
_RETURNING = 5  # one in five logs in again


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a demo ended with."""

    figures: Sequence[Figure]
    stored: Stored
    global_address: str
    seconds: float


async def run_demo(place: Place, accounts: int, story: Story) -> Outcome:
    """Run the demo, if no other one runs in the same place.

    Args:
        place: where its databases are.
        accounts: how many investors sign up.
        story: is told what happens.

    Raises:
        ShardwiseError: something failed on the way.
    """
    started = time.perf_counter()
    closes = read_closes(prices_file())
    plan = make_plan(closes, accounts)
    story.begins(closes, plan)
    async with place.held():
        figures, stored = await _tell(place, closes, plan, story)
    return Outcome(
        figures=figures,
        stored=stored,
        global_address=shown(place.global_url()),
        seconds=time.perf_counter() - started,
    )


async def _tell(
    place: Place, closes: Mapping[str, Sequence[Close]], plan: Sequence[Investor], story: Story
) -> tuple[Sequence[Figure], Stored]:
    late = _late(plan)
    await place.clear()
    await _make_global(place, story)
    async with ShardedDatabase.from_settings(_settings(place)) as db:
        for shard_id in SHARDS[:-1]:
            await _add_shard(db, place, shard_id)
        await db.topology.refresh()
        story.tells(f"Made two shards and brought them to {await _head()} through Alembic.")
        watches = make_watches(closes, plan)
        units = len(plan) + len(plan) // _RETURNING + len(watches)
        with PasswordHasher() as hasher, story.working(units) as advance:
            investors = Investors(db, hasher, advance)
            homes = await investors.join_and_trade(plan[: -len(late)])
            story.tells_homes(homes, await _where(db, homes), what="signed up and traded")
            await _add_shard(db, place, SHARDS[-1])
            await db.topology.refresh()
            story.tells(f"Added shard {SHARDS[-1]} while the database was open: new accounts go there.")
            newcomers = await investors.join_and_trade(late)
            story.tells_homes(newcomers, await _where(db, newcomers), what="more signed up and traded")
            homes |= newcomers
            figures = await _come_back(investors, plan, homes, story)
            standings = await Watchers(db, advance).watch(watches, homes)
            story.tells_signals(standings)
        stored = await read_stored(db, {number: shown(place.shard_url(number)) for number in SHARDS})
    figures = [
        *compare({i.name: expect(i) for i in plan}, stored),
        *compare_watches(watches, standings, stored),
        *figures,
        *_shape(stored, plan, await _head()),
    ]
    return figures, stored


async def _make_global(place: Place, story: Story) -> None:
    url = place.global_url()
    await place.make(url)
    result = await runner.upgrade(Target.global_database(url))
    story.tells(f"Made the global database {shown(url)} and brought it to {result.after} through Alembic.")


async def _add_shard(db: ShardedDatabase, place: Place, shard_id: int) -> None:
    url = place.shard_url(shard_id)
    await place.make(url)
    await join(
        db, Joining(shard=NewShard(shard_id=shard_id, name=f"shard_{shard_id}", url=url), upgrade=True)
    )


async def _come_back(
    investors: Investors, plan: Sequence[Investor], homes: Mapping[str, Home], story: Story
) -> list[Figure]:
    """Log some in again, refuse a wrong password, repeat what somebody did: nothing may change by that."""
    returning = plan[::_RETURNING][: len(plan) // _RETURNING]
    logins = await investors.log_in_again(returning)
    refused = await investors.wrong_password_is_refused(plan[0])
    await investors.trade(homes[plan[0].name], plan[0].steps)
    story.tells(
        f"{len(logins)} logged in again, a wrong password was refused, and everything that"
        f" {plan[0].name} had done was sent once more, which must change nothing."
    )
    shards = {home.account_db_key: home.shard_id for home in homes.values()}
    right_home = sum(login.shard_id == shards.get(login.account_db_key) for login in logins)
    return [
        Figure(name="logins that found their home", expected=len(returning), stored=right_home),
        Figure(name="wrong passwords refused", expected=1, stored=int(refused)),
    ]


def _shape(stored: Stored, plan: Sequence[Investor], head: str) -> list[Figure]:
    newest = {stored.names.get(key) for key in stored.shards[SHARDS[-1]].accounts}
    late = _late(plan)
    there = sum(investor.name in newest for investor in late)
    at_head = sum(shard.revision == head for shard in stored.shards.values())
    return [
        Figure(name="logins counted", expected=len(plan) // _RETURNING, stored=sum(stored.logins.values())),
        Figure(name=f"newcomers on shard {SHARDS[-1]}", expected=len(late), stored=there),
        Figure(name=f"shards at revision {head}", expected=len(SHARDS), stored=at_head),
    ]


def _late(plan: Sequence[Investor]) -> Sequence[Investor]:
    """Return those who come after the third shard."""
    return plan[len(plan) - len(plan) // _LATE :]


async def _where(db: ShardedDatabase, homes: Mapping[str, Home]) -> dict[str, int]:
    """Return the shards that the directory names, read anew."""
    db.directory.clear()
    found = await db.directory.lookup_many(home.account_db_key for home in homes.values())
    return {name: found[home.account_db_key].shard_id for name, home in homes.items()}


async def _head() -> str:
    return await asyncio.to_thread(expected_head, Branch.SHARD)


def _settings(place: Place) -> Settings:
    return Settings(
        environment=Environment.DEVELOPMENT,
        database={"url": place.global_url().render_as_string(hide_password=False)},
        routing={"strategy": "least_loaded"},
        topology={"refresh_interval": 0, "revision_check": "refuse"},
        migrations={"script_location": None},
    )
