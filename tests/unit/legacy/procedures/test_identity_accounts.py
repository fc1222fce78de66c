"""The old procedures for signing up, logging in and logging out."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import delete, func, select, update

from shardwise.database import ShardedDatabase
from shardwise.errors import DuplicateEntityError, InvalidValueError, NoActiveShardError, UnknownAccountError
from shardwise.finance.identity.models import Account
from shardwise.finance.identity.service import IdentityService
from shardwise.finance.identity.values import SignUp
from shardwise.kit.clock import utc_now
from shardwise.legacy.calling import call_registered
from shardwise.legacy.procedure import Call, Procedure, Rows
from shardwise.legacy.procedures.identity import PROCEDURES
from shardwise.routing.placement import Placement
from shardwise.schema.control import (
    GlobalErrorLog,
    PlacementState,
    ShardConfig,
    ShardMapping,
    ShardStats,
    ShardStatus,
)
from shardwise.security.passwords import PasswordHasher
from shardwise.testing.counting import count_statements
from shardwise.transactions import TransactionManager

BY_NAME: dict[str, Procedure] = {procedure.name: procedure for procedure in PROCEDURES}
HASH = "$2b$12$" + "a" * 53
DUPLICATE = {"result": "DUPLICATE_ID", "message": "Account or email already exists", "account_db_key": 0}
KIM: dict[str, Any] = {
    "platform_type": 1,
    "account_id": "kim",
    "password_hash": HASH,
    "email": "kim@example.com",
    "nickname": "Kim",
    "birth_year": 1999,
    "birth_month": 2,
    "birth_day": None,
    "gender": "F",
}


async def call(db: ShardedDatabase, name: str, *given: Any) -> Rows:
    return await call_registered(db, BY_NAME[name], given)


async def sign_up(db: ShardedDatabase, **changes: Any) -> dict[str, Any]:
    (row,) = await call(db, "fp_user_signup", *(KIM | changes).values())
    return row


async def accounts(db: ShardedDatabase) -> list[Account]:
    async with db.global_session(read_only=True) as session:
        return list(await session.scalars(select(Account).order_by(Account.account_db_key)))


async def counts(db: ShardedDatabase) -> tuple[int, int, int]:
    """Return how many accounts and mappings there are, and how many the statistics claim."""
    async with db.global_session(read_only=True) as session:
        mappings = await session.scalar(select(func.count()).select_from(ShardMapping))
        claimed = await session.scalar(select(func.sum(ShardStats.user_count)))
    return len(await accounts(db)), mappings or 0, int(claimed or 0)


async def change(db: ShardedDatabase, **values: Any) -> None:
    async with db.global_session() as session:
        await session.execute(update(Account).values(**values))


async def test_a_sign_up_writes_account_placement_and_count(db: ShardedDatabase) -> None:
    with count_statements(db) as seen:
        row = await sign_up(db)
    assert [one.split()[0] for one in seen] == ["INSERT"] * 3
    assert list(row) == ["result", "message", "account_db_key"]
    assert (row["result"], row["message"]) == ("SUCCESS", "User signup completed")
    (account,) = await accounts(db)
    assert account.account_db_key == row["account_db_key"] >= 1000
    assert (account.password_hash, account.nickname, account.email) == (HASH, "Kim", "kim@example.com")
    assert (account.birth_year, account.birth_month, account.birth_day, account.gender) == (
        1999,
        2,
        None,
        "F",
    )
    assert (account.account_status, account.login_count) == ("Normal", 0)
    assert (await db.where(account.account_db_key)).state is PlacementState.ACTIVE
    assert await counts(db) == (1, 1, 1)


@pytest.mark.parametrize(
    "again",
    [
        {"email": None},
        {"account_id": "KIM", "email": None},
        {"account_id": "lee"},
        {"account_id": "lee", "email": "Kim@Example.com"},
    ],
)
async def test_a_taken_name_or_address_is_told_in_a_row_and_writes_nothing(
    db: ShardedDatabase, again: dict[str, Any]
) -> None:
    await sign_up(db)
    assert await sign_up(db, **again) == DUPLICATE
    assert await counts(db) == (1, 1, 1)
    assert (await sign_up(db, **again, platform_type=2))["result"] == "SUCCESS"


async def test_a_refused_sign_up_leaves_the_callers_transaction_usable(db: ShardedDatabase) -> None:
    await sign_up(db)
    async with db.global_session() as session:
        here = Call(db=db, session=session)
        assert await BY_NAME["fp_user_signup"].run(here, **KIM) == [DUPLICATE]
        lee = KIM | {"account_id": "lee", "email": None}
        assert (await BY_NAME["fp_user_signup"].run(here, **lee))[0]["result"] == "SUCCESS"
    assert await counts(db) == (2, 2, 2)


async def test_accounts_without_an_address_do_not_collide(db: ShardedDatabase) -> None:
    for n, email in enumerate([None, None, "", ""]):
        assert (await sign_up(db, account_id=f"user{n}", email=email))["result"] == "SUCCESS"
    assert {account.email for account in await accounts(db)} == {None}


async def test_what_the_old_system_accepted_is_accepted(db: ShardedDatabase) -> None:
    await sign_up(
        db,
        platform_type=-1,
        account_id="김철수 \U0001f680",
        email="no address",
        nickname=" ",
        birth_year=0,
        birth_month=13,
        gender="other",
    )
    (account,) = await accounts(db)
    assert account.gender == "OTHER"
    assert (account.account_id, account.email, account.nickname) == ("김철수 \U0001f680", "no address", " ")
    assert (account.platform_type, account.birth_month) == (-1, 13)


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"platform_type": None}, "p_platform_type"),
        ({"account_id": None}, "p_account_id"),
        ({"account_id": ""}, "p_account_id"),
        ({"account_id": "kim "}, "p_account_id"),
        ({"account_id": "k\0im"}, "p_account_id"),
        ({"account_id": "x" * 101}, "p_account_id"),
        ({"password_hash": None}, "p_password_hash"),
        ({"password_hash": ""}, "p_password_hash"),
        ({"nickname": None}, "p_nickname"),
        ({"nickname": "a\nb"}, "p_nickname"),
        ({"email": "a@b\r\nBcc: c"}, "p_email"),
        ({"gender": "X"}, "p_gender"),
    ],
)
async def test_what_can_do_harm_is_refused_by_name(
    db: ShardedDatabase, values: dict[str, Any], field: str
) -> None:
    with pytest.raises(InvalidValueError) as caught:
        await sign_up(db, **values)
    assert caught.value.field == field
    assert await counts(db) == (0, 0, 0)


async def test_a_short_nickname_is_not_cut_out_of_the_logs_words(db: ShardedDatabase) -> None:
    with pytest.raises(InvalidValueError):
        await sign_up(db, nickname="n", password_hash="")
    async with db.global_session(read_only=True) as session:
        (logged,) = await session.scalars(select(GlobalErrorLog.error_message))
    assert logged == "InvalidValueError: p_password_hash: it is required"


async def test_without_an_active_shard_nothing_is_written(db: ShardedDatabase) -> None:
    async with db.global_session() as session:
        await session.execute(update(ShardConfig).values(status=ShardStatus.DISABLED))
    await db.topology.refresh()
    with pytest.raises(NoActiveShardError):
        await sign_up(db)
    assert await counts(db) == (0, 0, 0)


async def test_the_other_name_takes_both_orders_of_parameters(db: ShardedDatabase) -> None:
    (row,) = await call(db, "sp_create_account", *KIM.values())
    assert row["result"] == "SUCCESS"
    (row,) = await call(db, "sp_create_account", "lee", HASH, "Lee", "lee@example.com")
    assert row["result"] == "SUCCESS"
    (_, lee) = await accounts(db)
    assert (lee.platform_type, lee.account_id, lee.nickname, lee.email) == (
        1,
        "lee",
        "Lee",
        "lee@example.com",
    )
    (row,) = await call(db, "sp_login_user", 1, "lee")
    assert row["account_db_key"] == lee.account_db_key


@pytest.mark.parametrize("engine_kind", ["mariadb"], indirect=True)
@pytest.mark.parametrize("same", ["account_id", "email"])
async def test_of_many_at_once_who_want_one_name_one_gets_it(db: ShardedDatabase, same: str) -> None:
    async def one(n: int) -> dict[str, Any]:
        mine = {"account_id": f"kim{n}", "email": f"kim{n}@example.com"}
        return await sign_up(db, **(mine | {same: "kim@example.com"}))

    rows = await asyncio.gather(*(one(n) for n in range(32)))
    assert sorted(row["result"] for row in rows) == ["DUPLICATE_ID"] * 31 + ["SUCCESS"]
    assert await counts(db) == (1, 1, 1)


@pytest.mark.parametrize("engine_kind", ["mariadb"], indirect=True)
async def test_many_at_once_with_names_of_their_own_are_all_counted(db: ShardedDatabase) -> None:
    rows = await asyncio.gather(*(sign_up(db, account_id=f"u{n}", email=None) for n in range(32)))
    assert {row["result"] for row in rows} == {"SUCCESS"}
    assert await counts(db) == (32, 32, 32)


# What the directory knows of a sign-up


async def placed(call_in: Call, db: ShardedDatabase, account_id: str) -> tuple[int, Placement | None]:
    rows = await BY_NAME["fp_user_signup"].run(call_in, **KIM | {"account_id": account_id, "email": None})
    key: int = rows[0]["account_db_key"]
    return key, db.directory.cached(key)


async def test_a_placement_is_known_once_it_is_committed_and_not_before(db: ShardedDatabase) -> None:
    async with db.global_session() as session:
        key, early = await placed(Call(db=db, session=session), db, "kim")
        assert early is None
        async with TransactionManager(session).transaction():
            await session.execute(select(func.count()).select_from(Account))
        assert db.directory.cached(key) is None  # a savepoint is no commit
    with count_statements(db) as seen:
        assert (await db.where(key)).state is PlacementState.ACTIVE
    assert seen == []


async def test_who_asked_too_early_is_answered_right_after_the_commit(db: ShardedDatabase) -> None:
    async with db.global_session() as session:
        key, _ = await placed(Call(db=db, session=session), db, "kim")
        with pytest.raises(UnknownAccountError):
            await db.where(key)
    assert (await db.where(key)).state is PlacementState.ACTIVE


async def test_a_placement_that_is_rolled_back_is_not_known(db: ShardedDatabase) -> None:
    async with db.global_session() as session:
        key, _ = await placed(Call(db=db, session=session), db, "kim")
        await session.rollback()
        await session.execute(select(func.count()).select_from(Account))
    with pytest.raises(UnknownAccountError):
        await db.where(key)


async def test_a_placement_of_a_savepoint_that_is_undone_is_not_known(db: ShardedDatabase) -> None:
    async with db.global_session() as session:
        key = 0
        await session.execute(select(func.count()).select_from(Account))
        with pytest.raises(DuplicateEntityError):
            async with TransactionManager(session).transaction():
                key, _ = await placed(Call(db=db, session=session), db, "kim")
                raise DuplicateEntityError("Account")
    assert await counts(db) == (0, 0, 0)
    with pytest.raises(UnknownAccountError):
        await db.where(key)


# Logging in and out


async def test_a_login_returns_the_hash_and_is_counted(db: ShardedDatabase) -> None:
    key = (await sign_up(db))["account_db_key"]
    shard = (await db.where(key)).shard_id
    for n in (1, 2):
        with count_statements(db) as seen:
            rows = await call(db, "fp_user_login", 1, "KIM")
        assert [one.split()[0] for one in seen] == ["SELECT", "UPDATE"]
        assert rows == [
            {
                "result": "SUCCESS",
                "account_db_key": key,
                "password_hash": HASH,
                "nickname": "Kim",
                "account_level": 1,
                "profile_completed": 0,
                "shard_id": shard,
            }
        ]
        assert list(rows[0]) == list(BY_NAME["fp_user_login"].results[0])
        (account,) = await accounts(db)
        assert account.login_count == n
    assert account.login_time > account.create_time


@pytest.mark.parametrize(
    ("values", "result"),
    [
        ({"account_status": "Blocked"}, "BLOCKED"),
        ({"account_status": "normal"}, "BLOCKED"),
        ({"is_withdraw": True}, "BLOCKED"),
        ({"block_endtime": utc_now() + timedelta(days=1)}, "BLOCKED"),
        ({"block_endtime": utc_now() - timedelta(days=1)}, "SUCCESS"),
    ],
)
async def test_a_blocked_account_is_told_so_and_not_counted(
    db: ShardedDatabase, values: dict[str, Any], result: str
) -> None:
    await sign_up(db)
    await change(db, **values)
    (row,) = await call(db, "fp_user_login", 1, "kim")
    assert row["result"] == result
    (account,) = await accounts(db)
    assert account.login_count == (result == "SUCCESS")
    if result == "BLOCKED":
        assert list(row.values()) == ["BLOCKED", 0, "", "", 0, 0, 0]


@pytest.mark.parametrize(
    "given", [(1, "lee"), (2, "kim"), (1, ""), (1, None), (None, "kim"), (1, "k\0im"), (1, "\ud800")]
)
async def test_nobody_is_not_found(db: ShardedDatabase, given: tuple[Any, Any]) -> None:
    await sign_up(db)
    (row,) = await call(db, "fp_user_login", *given)
    assert list(row.values()) == ["NOT_FOUND", 0, "", "", 0, 0, 0]


@pytest.mark.parametrize("stored", ["jos\u00e9", "jose\u0301"])
async def test_a_name_is_found_as_it_came_or_composed(db: ShardedDatabase, stored: str) -> None:
    await sign_up(db)
    await change(db, account_id=stored)
    (row,) = await call(db, "fp_user_login", 1, "jose\u0301")
    assert row["result"] == "SUCCESS"
    (row,) = await call(db, "fp_user_login", 1, "jose")
    assert row["result"] == "NOT_FOUND"


async def homeless(db: ShardedDatabase) -> int:
    key: int = (await sign_up(db))["account_db_key"]
    async with db.global_session() as session:
        await session.execute(delete(ShardMapping))
        await session.execute(update(ShardStats).values(user_count=0))
    db.directory.invalidate(key)
    return key


async def test_a_login_gives_a_home_to_who_has_none(db: ShardedDatabase) -> None:
    key = await homeless(db)
    (row,) = await call(db, "fp_user_login", 1, "kim")
    assert (row["result"], row["account_db_key"]) == ("SUCCESS", key)
    assert await db.where(key) == Placement(row["shard_id"], 1, PlacementState.ACTIVE)
    assert await counts(db) == (1, 1, 1)


@pytest.mark.parametrize("engine_kind", ["mariadb"], indirect=True)
async def test_many_logins_at_once_give_one_home(db: ShardedDatabase) -> None:
    await homeless(db)

    async def once() -> Rows:
        async with db.global_session() as session:  # where a deadlock is not run again
            here = Call(db=db, session=session)
            return await BY_NAME["fp_user_login"].run(here, platform_type=1, account_id="kim")

    async with db.global_session() as session:
        # While the statistics are held, every login gets as far as it can before one is counted.
        await session.execute(select(ShardStats).with_for_update())
        logins = [asyncio.create_task(once()) for _ in range(24)]
        await asyncio.sleep(0.3)
    rows = await asyncio.gather(*logins)
    assert len({row["shard_id"] for (row,) in rows}) == 1
    assert await counts(db) == (1, 1, 1)
    (account,) = await accounts(db)
    assert account.login_count == 24


@pytest.mark.parametrize("engine_kind", ["mariadb"], indirect=True)
async def test_a_login_that_began_before_the_home_was_given_finds_it(db: ShardedDatabase) -> None:
    key = await homeless(db)
    async with db.global_session() as late:
        assert await late.scalar(select(func.count()).select_from(ShardMapping)) == 0  # its snapshot
        given = Placement(2 - key % 2, 7, PlacementState.ACTIVE)
        async with db.global_session() as session:
            session.add(ShardMapping(account_db_key=key, shard_id=given.shard_id, epoch=7))
        (row,) = await BY_NAME["fp_user_login"].run(
            Call(db=db, session=late), platform_type=1, account_id="kim"
        )
    assert row["shard_id"] == given.shard_id
    assert await db.where(key) == given
    assert await counts(db) == (1, 1, 0)


async def test_a_logout_is_noted(db: ShardedDatabase) -> None:
    key = (await sign_up(db))["account_db_key"]
    (before,) = await accounts(db)
    with count_statements(db) as seen:
        assert await call(db, "fp_user_logout", key) == [{"result": "SUCCESS"}]
    assert len(seen) == 1
    (after,) = await accounts(db)
    assert after.logout_time > before.logout_time


@pytest.mark.parametrize("key", [4711, 0, None])
async def test_a_logout_of_nobody_says_so(db: ShardedDatabase, key: int | None) -> None:
    assert await call(db, "fp_user_logout", key) == [{"result": "NOT_FOUND"}]


async def test_old_and_new_programs_see_the_same_account(db: ShardedDatabase) -> None:
    with PasswordHasher(memory_kib=8, time_cost=1) as hasher:
        identity = IdentityService(db, hasher=hasher)
        await sign_up(db, password_hash=await hasher.hash("secret"))
        assert (await identity.log_in(1, "kim", "secret")).nickname == "Kim"
        made = await identity.sign_up(SignUp(account_id="lee", password="secret", nickname="Lee"))
        (row,) = await call(db, "fp_user_login", 1, "lee")
        assert (row["account_db_key"], row["shard_id"]) == (made.account_db_key, made.shard_id)
        assert await hasher.verify("secret", row["password_hash"])
        assert await sign_up(db, account_id="lee", email=None) == DUPLICATE
