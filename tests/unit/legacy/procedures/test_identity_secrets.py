"""The old procedures for passwords and for keys of other services."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import func, select

from shardwise.database import ShardedDatabase
from shardwise.errors import (
    AuthenticationError,
    DuplicateEntityError,
    EntityNotFoundError,
    InvalidValueError,
)
from shardwise.finance.identity.models import Account, PasswordHistory, UserApiKeys, UserProfile
from shardwise.finance.identity.password_changes import HashChange
from shardwise.legacy.calling import call_registered
from shardwise.legacy.procedure import Procedure, Rows
from shardwise.legacy.procedures import identity_secrets
from shardwise.legacy.procedures.identity import PROCEDURES
from shardwise.security.passwords import PasswordHasher
from shardwise.testing.counting import count_statements

BY_NAME: dict[str, Procedure] = {procedure.name: procedure for procedure in PROCEDURES}
OLD, NEW = "$2b$12$" + "a" * 53, "$2b$12$" + "b" * 53
FLAGS = (1, 0, 0, 1, 0, 0, 1)
NO_KEYS = (None,) * 5
DONE = "All profile settings updated successfully"


@pytest.fixture(autouse=True)
def hasher(monkeypatch: pytest.MonkeyPatch) -> Iterator[PasswordHasher]:
    with PasswordHasher(memory_kib=8, time_cost=1, concurrency=2) as cheap:
        monkeypatch.setattr(identity_secrets, "_hasher", lambda: cheap)
        yield cheap


async def call(db: ShardedDatabase, name: str, *given: Any) -> Rows:
    return await call_registered(db, BY_NAME[name], given)


@pytest.fixture
async def key(db: ShardedDatabase) -> int:
    made = await call(db, "sp_create_account", "kim", OLD, "Kim", "kim@example.com")
    return int(made[0]["account_db_key"])


async def stored(db: ShardedDatabase, key: int) -> Account:
    async with db.global_session(read_only=True) as session:
        return (await session.scalars(select(Account).where(Account.account_db_key == key))).one()


async def history(db: ShardedDatabase) -> list[tuple[str, str, str | None]]:
    async with db.global_session(read_only=True) as session:
        rows = await session.scalars(select(PasswordHistory).order_by(PasswordHistory.id))
        return [(row.old_password_hash, row.new_password_hash, row.changed_by_ip) for row in rows]


# Keys of other services


async def test_keys_are_replaced_whole(db: ShardedDatabase, key: int) -> None:
    assert await call(db, "fp_get_api_keys", key) == []
    for given in (("k1", "k2", "a", "p", "f"), (None, None, "A", "", "x" * 255), NO_KEYS):
        with count_statements(db) as seen:
            assert await call(db, "fp_save_api_keys", key, *given) == [
                {"result": "SUCCESS", "message": "API keys saved successfully"}
            ]
        assert len(seen) == 1
        with count_statements(db) as seen:
            (row,) = await call(db, "fp_get_api_keys", key)
        assert len(seen) == 1
        assert tuple(row) == BY_NAME["fp_get_api_keys"].results[0]
        assert tuple(row.values())[:5] == given
        assert row["updated_at"].tzinfo is None


@pytest.mark.parametrize(("unknown", "error"), [(4711, EntityNotFoundError), (None, InvalidValueError)])
async def test_keys_of_nobody(db: ShardedDatabase, unknown: int | None, error: type[Exception]) -> None:
    assert await call(db, "fp_get_api_keys", unknown) == []
    with pytest.raises(error):
        await call(db, "fp_save_api_keys", unknown, *NO_KEYS)


# Passwords


@pytest.mark.parametrize("ip", ["10.0.0.1", None])
async def test_a_hash_is_replaced_and_noted(db: ShardedDatabase, key: int, ip: str | None) -> None:
    with count_statements(db) as seen:
        assert await call(db, "fp_change_password", key, NEW, ip) == [
            {"result": "SUCCESS", "message": "Password changed successfully"}
        ]
    assert [one.split()[0] for one in seen] == ["SELECT", "UPDATE", "INSERT"]
    assert (await stored(db, key)).password_hash == NEW
    assert await history(db) == [(OLD, NEW, ip)]


@pytest.mark.parametrize(
    ("given", "error"),
    [
        ((4711, NEW, None), EntityNotFoundError),
        ((None, NEW, None), InvalidValueError),
        ((1000, None, None), InvalidValueError),
        ((1000, "", None), InvalidValueError),
        ((1000, NEW, "a\nb"), InvalidValueError),
    ],
)
async def test_a_change_that_is_refused_writes_nothing(
    db: ShardedDatabase, key: int, given: tuple[Any, ...], error: type[Exception]
) -> None:
    mine = (key if given[0] == 1000 else given[0], *given[1:])
    with pytest.raises(error):
        await call(db, "fp_change_password", *mine)
    assert (await stored(db, key)).password_hash == OLD
    assert await history(db) == []


async def test_changes_at_once_follow_one_another_each_in_the_history(db: ShardedDatabase, key: int) -> None:
    wanted = ["$2b$12$" + chr(ord("c") + n) * 53 for n in range(16)]
    rows = await asyncio.gather(*(call(db, "fp_change_password", key, new, None) for new in wanted))
    assert {row["result"] for (row,) in rows} == {"SUCCESS"}
    changes = await history(db)
    assert sorted(new for _, new, _ in changes) == wanted
    assert [old for old, _, _ in changes] == [OLD, *(new for _, new, _ in changes[:-1])]
    assert (await stored(db, key)).password_hash == changes[-1][1]


# Everything at once


@pytest.mark.parametrize("engine_kind", ["mariadb"], indirect=True)
async def test_of_many_changes_at_once_with_one_proof_one_is_made(
    db: ShardedDatabase, key: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = ["$2b$12$" + chr(ord("c") + n) * 53 for n in range(16)]
    barrier, prove = asyncio.Barrier(len(wanted)), identity_secrets._proved_change

    async def prove_together(*given: Any) -> HashChange:
        change = await prove(*given)
        await barrier.wait()  # nobody writes before all have read
        return change

    monkeypatch.setattr(identity_secrets, "_proved_change", prove_together)
    outcomes = await asyncio.gather(
        *(update_all(db, key, passwords=(OLD, new)) for new in wanted), return_exceptions=True
    )
    (winner,) = [n for n, outcome in enumerate(outcomes) if isinstance(outcome, dict)]
    refused = [outcome for outcome in outcomes if isinstance(outcome, Exception)]
    assert {type(outcome) for outcome in refused} == {AuthenticationError}
    assert await history(db) == [(OLD, wanted[winner], None)]


async def update_all(
    db: ShardedDatabase,
    key: int | None,
    *,
    passwords: tuple[str | None, str | None] = (None, None),
    keys: tuple[str | None, ...] = NO_KEYS,
    email: str | None = "all@example.com",
) -> dict[str, Any]:
    (row,) = await call(db, "fp_update_profile_all", key, "All", email, "1", *FLAGS, *passwords, *keys)
    assert tuple(row) == BY_NAME["fp_update_profile_all"].results[0]
    return row


async def test_everything_but_secrets(db: ShardedDatabase, key: int) -> None:
    with count_statements(db) as seen:
        row = await update_all(db, key)
    assert [one.split()[0] for one in seen] == ["UPDATE", "INSERT"]
    assert tuple(row.values()) == ("SUCCESS", DONE, 0, 0)
    (settings,) = await call(db, "fp_get_user_profile_settings", key)
    assert tuple(settings.values())[2:5] == ("All", "all@example.com", "1")
    assert tuple(settings.values())[22:29] == FLAGS
    assert settings["profile_completed"] == 0
    assert (await stored(db, key)).password_hash == OLD


async def test_the_stored_hash_is_a_proof_and_a_hash_is_stored_as_it_is(
    db: ShardedDatabase, key: int
) -> None:
    with count_statements(db) as seen:
        row = await update_all(db, key, passwords=(OLD, NEW), keys=("k", "s", None, None, None))
    assert [one.split()[0] for one in seen] == ["SELECT", "UPDATE", "INSERT", "UPDATE", "INSERT", "INSERT"]
    assert tuple(row.values()) == ("SUCCESS", DONE, 1, 1)
    assert (await stored(db, key)).password_hash == NEW
    assert await history(db) == [(OLD, NEW, None)]


async def test_a_password_is_a_proof_and_a_password_is_hashed(
    db: ShardedDatabase, key: int, hasher: PasswordHasher
) -> None:
    await call(db, "fp_change_password", key, await hasher.hash("secret"), None)
    row = await update_all(db, key, passwords=("secret", "$new$ secret"))
    assert row["password_changed"] == 1
    assert await hasher.verify("$new$ secret", (await stored(db, key)).password_hash)
    argon = await hasher.hash("third")
    await update_all(db, key, passwords=("$new$ secret", argon))
    assert (await stored(db, key)).password_hash == argon


@pytest.mark.parametrize("wrong", ["", "wrong", NEW, OLD + " ", OLD.upper(), "\ud800"])
async def test_without_proof_nothing_is_changed(db: ShardedDatabase, key: int, wrong: str) -> None:
    with pytest.raises(AuthenticationError):
        await update_all(db, key, passwords=(wrong, NEW), keys=("k", "s", None, None, None))
    account = await stored(db, key)
    assert (account.password_hash, account.nickname) == (OLD, "Kim")
    assert await history(db) == []
    async with db.global_session(read_only=True) as session:
        assert await session.scalar(select(func.count()).select_from(UserProfile)) == 0
        assert await session.scalar(select(func.count()).select_from(UserApiKeys)) == 0


@pytest.mark.parametrize("half", [(OLD, None), (None, NEW)])
async def test_half_of_the_passwords_is_no_change(
    db: ShardedDatabase, key: int, half: tuple[str | None, str | None]
) -> None:
    assert (await update_all(db, key, passwords=half))["password_changed"] == 0
    assert (await stored(db, key)).password_hash == OLD


async def test_an_empty_new_password_is_refused(db: ShardedDatabase, key: int) -> None:
    with pytest.raises(InvalidValueError, match=r"^p_new_password: "):
        await update_all(db, key, passwords=(OLD, ""))


async def test_keys_that_are_null_stay_as_they_were(db: ShardedDatabase, key: int) -> None:
    assert (await update_all(db, key, keys=("k", None, "a", "p", "f")))["api_keys_saved"] == 0
    assert await call(db, "fp_get_api_keys", key) == []
    assert (await update_all(db, key, keys=("k", "s", "a", None, None)))["api_keys_saved"] == 1
    await update_all(db, key, keys=("K", "S", None, "p", None))
    (row,) = await call(db, "fp_get_api_keys", key)
    assert tuple(row.values())[:5] == ("K", "S", "a", "p", None)


async def test_an_address_of_somebody_else_undoes_everything(db: ShardedDatabase, key: int) -> None:
    await call(db, "sp_create_account", "lee", OLD, "Lee", "lee@example.com")
    with pytest.raises(DuplicateEntityError):
        await update_all(db, key, email="LEE@example.com", passwords=(OLD, NEW))
    assert (await stored(db, key)).password_hash == OLD


@pytest.mark.parametrize("passwords", [(None, None), (OLD, NEW)])
async def test_everything_of_nobody(db: ShardedDatabase, passwords: tuple[str | None, str | None]) -> None:
    with pytest.raises(EntityNotFoundError):
        await update_all(db, 4711, passwords=passwords)
    with pytest.raises(InvalidValueError):
        await update_all(db, None, passwords=passwords)
