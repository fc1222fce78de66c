import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select, text, update

from shardwise.database import ShardedDatabase
from shardwise.errors import (
    DuplicateEntityError,
    InvalidValueError,
    MissingTableError,
    NoActiveShardError,
    ShardUnavailableError,
)
from shardwise.finance.identity.models import Account, Gender
from shardwise.finance.identity.service import IdentityService
from shardwise.finance.identity.values import SignUp
from shardwise.finance.ledger.models import LedgerAccount, LedgerAccountStatus, LedgerAccountType
from shardwise.finance.ledger.numbers import account_number
from shardwise.schema.control import PlacementState, ShardConfig, ShardMapping, ShardStats, ShardStatus
from shardwise.testing.counting import count_statements

SQL = "x'); DROP TABLE table_accountid; -- \\\" %s"


def request(account_id: str = "kim", **changes: Any) -> SignUp:
    return SignUp(**{"account_id": account_id, "password": "secret", "nickname": "Kim", **changes})


async def stored(db: ShardedDatabase, key: int) -> Account:
    async with db.global_session(read_only=True) as session:
        return (await session.scalars(select(Account).where(Account.account_db_key == key))).one()


async def counts(db: ShardedDatabase) -> tuple[int, int, dict[int, int]]:
    """Return how many accounts and mappings there are, and what the statistics say."""
    async with db.global_session(read_only=True) as session:
        accounts = await session.scalar(select(func.count()).select_from(Account))
        mappings = await session.scalar(select(func.count()).select_from(ShardMapping))
        rows = await session.execute(select(ShardStats.shard_id, ShardStats.user_count))
        return accounts or 0, mappings or 0, {shard: count for shard, count in rows if count}


async def test_a_sign_up_costs_six_statements(db: ShardedDatabase, identity: IdentityService) -> None:
    for name in ("first", "second", "third", "fourth"):  # a shard's first session looks at its revision
        await identity.sign_up(request(name))
    with count_statements(db) as seen:
        await identity.sign_up(request(email="kim@example.com"))
    words = ["INSERT", "INSERT", "INSERT", "INSERT", "SELECT", "UPDATE"]
    assert [statement.split()[0] for statement in seen] == words


async def test_an_account_gets_its_row_its_home_and_its_ledger_account(
    db: ShardedDatabase, identity: IdentityService
) -> None:
    made = await identity.sign_up(
        request(email="kim@example.com", birth_year=2000, birth_month=2, birth_day=29, gender=Gender.F)
    )
    assert made.provisioned
    assert made.account_db_key >= 1000
    row = await stored(db, made.account_db_key)
    assert (row.account_id, row.nickname, row.email, row.gender) == (
        "kim",
        "Kim",
        "kim@example.com",
        Gender.F,
    )
    assert (row.birth_year, row.birth_month, row.birth_day) == (2000, 2, 29)
    assert (row.login_count, row.account_level, row.account_status) == (0, 1, "Normal")
    assert row.password_hash.startswith("$argon2id$")
    assert row.create_time == row.block_endtime
    async with db.global_session(read_only=True) as session:
        mapping = (await session.scalars(select(ShardMapping))).one()
    assert (mapping.account_db_key, mapping.shard_id) == (made.account_db_key, made.shard_id)
    assert (mapping.state, mapping.epoch) == (PlacementState.ACTIVE, 1)
    assert (await db.where(made.account_db_key)).state is PlacementState.ACTIVE
    async with db.shard_session(made.shard_id, read_only=True) as session:
        ledger = (await session.scalars(select(LedgerAccount))).one()
    assert ledger.account_number == account_number(made.account_db_key)
    assert (ledger.account_type, ledger.account_status) == (
        LedgerAccountType.CHECKING,
        LedgerAccountStatus.ACTIVE,
    )
    assert str(ledger.balance) == "0.00"


async def test_accounts_spread_over_the_shards_and_are_counted(
    db: ShardedDatabase, identity: IdentityService
) -> None:
    made = [await identity.sign_up(request(f"user{n}")) for n in range(6)]
    assert await counts(db) == (6, 6, {1: 3, 2: 3})
    assert {one.shard_id for one in made} == {1, 2}
    assert len({one.account_db_key for one in made}) == 6


async def test_many_at_once_are_all_counted(db: ShardedDatabase, identity: IdentityService) -> None:
    made = await asyncio.gather(*(identity.sign_up(request(f"user{n}")) for n in range(20)))
    accounts, mappings, statistics = await counts(db)
    assert (accounts, mappings, sum(statistics.values())) == (20, 20, 20)
    assert all(one.provisioned for one in made)
    assert [recount.before for recount in await db.recount()] == [statistics[1], statistics[2]]


@pytest.mark.parametrize(
    ("second", "constraint"),
    [
        ({"account_id": "KIM"}, "ix_accountid_platform_accountid"),
        ({"account_id": "lee", "email": "Kim@Example.COM"}, "uk_platform_email"),
    ],
)
async def test_a_name_or_address_is_taken_once_in_a_platform(
    db: ShardedDatabase, identity: IdentityService, second: dict[str, str], constraint: str
) -> None:
    await identity.sign_up(request(email="kim@example.com"))
    before = await counts(db)
    with pytest.raises(DuplicateEntityError, match="exists already") as caught:
        await identity.sign_up(request(**second))
    assert caught.value.entity == "Account"
    assert caught.value.constraint == constraint
    assert await counts(db) == before
    other = await identity.sign_up(request(**second, platform_type=2))
    assert other.provisioned


async def test_accounts_without_an_address_do_not_collide(identity: IdentityService) -> None:
    assert (await identity.sign_up(request("a"))).provisioned
    assert (await identity.sign_up(request("b"))).provisioned


async def test_sql_and_emoji_are_just_text(db: ShardedDatabase, identity: IdentityService) -> None:
    made = await identity.sign_up(request(SQL, nickname="\U0001f680 " + SQL, password=SQL))
    row = await stored(db, made.account_db_key)
    assert (row.account_id, row.nickname) == (SQL, "\U0001f680 " + SQL)
    assert (await identity.log_in(1, SQL, SQL)).account_db_key == made.account_db_key


@pytest.mark.parametrize("password", ["", "x" * 1025, "\ud800"])
async def test_a_password_that_cannot_be_hashed_writes_nothing(
    db: ShardedDatabase, identity: IdentityService, password: str
) -> None:
    with pytest.raises(InvalidValueError, match=r"^password: "):
        await identity.sign_up(request(password=password))
    assert (await counts(db))[0] == 0


async def test_no_active_shard_writes_nothing(db: ShardedDatabase, identity: IdentityService) -> None:
    async with db.global_session() as session:
        await session.execute(update(ShardConfig).values(status=ShardStatus.DISABLED))
    await db.topology.refresh()
    with pytest.raises(NoActiveShardError):
        await identity.sign_up(request())
    assert await counts(db) == (0, 0, {})


@asynccontextmanager
async def hidden_file(db: ShardedDatabase) -> AsyncIterator[None]:
    """Put a folder where shard 1's SQLite file is."""
    file = Path(str(db.global_manager.url.database)).with_name("shard_1.db")
    hidden = file.rename(file.with_suffix(".hidden"))
    file.mkdir()
    yield
    file.rmdir()
    hidden.rename(file)


@asynccontextmanager
async def missing_table(db: ShardedDatabase) -> AsyncIterator[None]:
    """Take away shard 1's table of ledger accounts."""
    async with db.shard_session(1) as session:
        await session.execute(text("ALTER TABLE table_user_accounts RENAME TO away"))
    yield
    async with db.shard_session(1) as session:
        await session.execute(text("ALTER TABLE away RENAME TO table_user_accounts"))


@pytest.mark.parametrize(
    ("engine_kind", "failure", "error"),
    [
        ("sqlite", hidden_file, ShardUnavailableError),
        ("sqlite", missing_table, MissingTableError),
        ("mariadb", missing_table, MissingTableError),
    ],
    indirect=["engine_kind"],
)
async def test_a_shard_that_cannot_serve_leaves_an_account_that_its_login_finishes(
    db: ShardedDatabase, identity: IdentityService, failure: Any, error: type[Exception]
) -> None:
    async with failure(db):
        made = [await identity.sign_up(request(f"user{n}")) for n in range(2)]
        (late,) = [n for n, one in enumerate(made) if not one.provisioned]
        key = made[late].account_db_key
        assert made[late].shard_id == 1
        assert (await db.where(key)).state is PlacementState.PROVISIONING
        with pytest.raises(error):
            await identity.log_in(1, f"user{late}", "secret")
        assert (await stored(db, key)).login_count == 0
    assert (await identity.log_in(1, f"user{late}", "secret")).shard_id == 1
    assert (await db.where(key)).state is PlacementState.ACTIVE
    async with db.shard_session(1, read_only=True) as session:
        assert (await session.scalars(select(LedgerAccount.account_db_key))).all() == [key]
