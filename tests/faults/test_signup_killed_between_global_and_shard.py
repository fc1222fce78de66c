"""A process that signs accounts up is killed at random moments, on both engines."""

import asyncio
import json
import os
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from sqlalchemy import func, select

from shardwise.database import ShardedDatabase
from shardwise.finance.identity.models import Account
from shardwise.finance.identity.service import IdentityService
from shardwise.finance.ledger.models import LedgerAccount
from shardwise.schema.control import PlacementState, ShardMapping, ShardStats
from shardwise.security.passwords import PasswordHasher

KILLS = int(os.environ.get("SIGN_UP_KILLS", "40"))  # an engine
CAUGHT = KILLS // 6  # of those, at least this many must have hit the gap, or the test shows nothing
SCRIPT = Path(__file__).with_name("sign_up_until_killed.py")


async def sign_up_and_kill(db: ShardedDatabase) -> tuple[set[str], int]:
    """Return the names whose sign-up was answered, and the number of kills."""
    orders = {
        "url": db.global_manager.url.render_as_string(hide_password=False),
        "kills": KILLS,
        "seed": 20_240_229,
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        str(SCRIPT),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, problems = await process.communicate(json.dumps(orders).encode())
    assert (process.returncode, problems.decode()) == (0, "")
    lines = out.decode().split("\n")
    return {line.removeprefix("answered ") for line in lines if " " in line}, lines.count("killed")


async def accounts(db: ShardedDatabase) -> dict[int, str]:
    async with db.global_session(read_only=True) as session:
        rows = await session.execute(select(Account.account_db_key, Account.account_id))
        return {row.account_db_key: row.account_id for row in rows}


async def homes(db: ShardedDatabase) -> dict[int, tuple[int, PlacementState]]:
    async with db.global_session(read_only=True) as session:
        rows = await session.execute(
            select(ShardMapping.account_db_key, ShardMapping.shard_id, ShardMapping.state)
        )
        return {key: (shard, state) for key, shard, state in rows}


async def furnished(db: ShardedDatabase) -> dict[int, int]:
    """Return the shard on which each account has its ledger account."""
    found: dict[int, int] = {}
    for shard in db.topology.shards:
        async with db.shard_session(shard, read_only=True) as session:
            for key in await session.scalars(select(LedgerAccount.account_db_key)):
                assert key not in found, f"account {key} is on two shards"
                found[key] = shard
    return found


async def statistics(db: ShardedDatabase) -> tuple[dict[int, int], dict[int, int]]:
    """Return what the statistics say, and what the directory says, at one moment."""
    async with db.global_session(read_only=True) as session:
        claimed = await session.execute(select(ShardStats.shard_id, ShardStats.user_count))
        counted = await session.execute(
            select(ShardMapping.shard_id, func.count()).group_by(ShardMapping.shard_id)
        )
        return {row[0]: row[1] for row in claimed}, {row[0]: row[1] for row in counted}


async def test_every_account_has_a_home_or_gets_it_at_its_next_login(
    db: ShardedDatabase, engine_kind: str, figure: Callable[..., None]
) -> None:
    answered, kills = await sign_up_and_kill(db)
    assert kills == KILLS

    names, places = await accounts(db), await homes(db)
    assert answered <= set(names.values()), "a sign-up was answered and then lost"
    assert places.keys() == names.keys(), "an account has no home at all"
    before = await furnished(db)
    assert before.keys() <= names.keys(), "a shard has rows of an account that does not exist"
    for key, (_, state) in places.items():
        assert state is PlacementState.PROVISIONING or key in before, "a home is active and empty"
    caught = Counter(state for _, state in places.values())[PlacementState.PROVISIONING]
    assert caught >= CAUGHT, "too few kills fell into the gap"
    how = f"{KILLS} processes killed on {engine_kind}, {len(names)} accounts"
    figure("accounts without a finished home", caught, "accounts", bound=f"at least {CAUGHT}", how=how)

    claimed, counted = await statistics(db)
    assert claimed == counted

    with PasswordHasher(memory_kib=8, time_cost=1) as hasher:
        identity = IdentityService(db, hasher=hasher)
        for name in names.values():
            await identity.log_in(1, name, name)
    places = await homes(db)
    assert {state for _, state in places.values()} == {PlacementState.ACTIVE}
    assert await furnished(db) == {key: shard for key, (shard, _) in places.items()}
    assert all(recount.before == recount.after for recount in await db.recount())
    assert sum(recount.after for recount in await db.recount()) == len(names)
    figure("accounts without a home after login", 0, "accounts", bound="0", how=how)
