import asyncio
from dataclasses import fields
from itertools import pairwise
from typing import Any

import pytest
from sqlalchemy import select, update

from shardwise.database import ShardedDatabase
from shardwise.errors import (
    AccountBlockedError,
    AuthenticationError,
    EntityNotFoundError,
    InvalidValueError,
)
from shardwise.finance.identity.api_keys import ApiKeys, StoredApiKeys
from shardwise.finance.identity.models import Account, PasswordHistory, UserApiKeys
from shardwise.finance.identity.password_changes import HashChange, PasswordChange, RecentPasswords
from shardwise.finance.identity.secret_service import SecretService
from shardwise.finance.identity.service import IdentityService
from shardwise.finance.identity.values import NewAccount
from shardwise.repository import UNSET
from shardwise.security.passwords import PasswordHasher
from shardwise.testing.counting import count_statements


@pytest.fixture
def secrets(db: ShardedDatabase, hasher: PasswordHasher) -> SecretService:
    return SecretService(db, hasher=hasher)


def change(current: str, new: str, ip: str | None = None) -> PasswordChange:
    return PasswordChange(current=current, new=new, ip=ip)


async def stored_hash(db: ShardedDatabase, key: int) -> str:
    async with db.global_session(read_only=True) as session:
        statement = select(Account.password_hash).where(Account.account_db_key == key)
        return (await session.scalars(statement)).one()


async def history(db: ShardedDatabase) -> list[PasswordHistory]:
    async with db.global_session(read_only=True) as session:
        return list(await session.scalars(select(PasswordHistory).order_by(PasswordHistory.id)))


async def test_a_password_is_changed_and_noted(
    db: ShardedDatabase, identity: IdentityService, secrets: SecretService, account: int
) -> None:
    before = await stored_hash(db, account)
    with count_statements(db) as seen:
        await secrets.change_password(account, change("secret", "new secret", "2001:db8::1"))
    assert [one.split()[0] for one in seen] == ["SELECT", "UPDATE", "INSERT"]
    after = await stored_hash(db, account)
    (noted,) = await history(db)
    assert (noted.account_db_key, noted.old_password_hash, noted.new_password_hash) == (
        account,
        before,
        after,
    )
    assert (noted.changed_by_ip, noted.change_reason) == ("2001:db8::1", "USER_REQUESTED")
    with pytest.raises(AuthenticationError):
        await identity.log_in(1, "holder", "secret")
    await identity.log_in(1, "holder", "new secret")


async def test_the_last_five_passwords_are_refused_and_the_sixth_is_not(
    db: ShardedDatabase, secrets: SecretService, account: int
) -> None:
    used = ["secret", "two", "three", "four", "five", "six"]
    for current, new in pairwise(used):
        await secrets.change_password(account, change(current, new))
    for recent in used[1:]:
        with pytest.raises(InvalidValueError, match=r"^new: it was used before"):
            await secrets.change_password(account, change("six", recent))
    assert len(await history(db)) == 5
    await secrets.change_password(account, change("six", "secret"))


@pytest.mark.parametrize(
    ("wanted", "error"),
    [
        (("wrong", "new"), AuthenticationError),
        (("", "new"), AuthenticationError),
        (("secret", ""), InvalidValueError),
        (("secret", "x" * 1025), InvalidValueError),
    ],
)
async def test_what_is_refused_changes_nothing(
    db: ShardedDatabase,
    secrets: SecretService,
    account: int,
    wanted: tuple[str, str],
    error: type[Exception],
) -> None:
    before = await stored_hash(db, account)
    with pytest.raises(error):
        await secrets.change_password(account, change(*wanted))
    assert await stored_hash(db, account) == before
    assert await history(db) == []


async def test_the_stored_hash_is_no_password(
    db: ShardedDatabase, secrets: SecretService, account: int
) -> None:
    with pytest.raises(AuthenticationError):
        await secrets.change_password(account, change(await stored_hash(db, account), "new"))


async def test_a_blocked_account_is_told_so_only_with_its_password(
    db: ShardedDatabase, secrets: SecretService, account: int
) -> None:
    async with db.global_session() as session:
        await session.execute(update(Account).values(is_withdraw=True))
    with pytest.raises(AuthenticationError):
        await secrets.change_password(account, change("wrong", "new"))
    with pytest.raises(AccountBlockedError, match="is withdrawn"):
        await secrets.change_password(account, change("secret", "new"))


async def test_of_many_changes_at_once_one_is_made(
    db: ShardedDatabase, identity: IdentityService, secrets: SecretService, account: int
) -> None:
    changes = (secrets.change_password(account, change("secret", f"new {n}")) for n in range(16))
    outcomes = await asyncio.gather(*changes, return_exceptions=True)
    (winner,) = [n for n, outcome in enumerate(outcomes) if outcome is None]
    others = [outcome for outcome in outcomes if outcome is not None]
    assert all(type(outcome) is AuthenticationError for outcome in others)
    assert len(await history(db)) == 1
    await identity.log_in(1, "holder", f"new {winner}")


@pytest.mark.parametrize(
    ("values", "field"),
    [({"current": None}, "current"), ({"new": b"x"}, "new"), ({"ip": "1.2.3.4\n"}, "ip"), ({"ip": ""}, "ip")],
)
def test_a_change_that_cannot_be_accepted_is_named(values: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidValueError) as caught:
        PasswordChange(**{"current": "a", "new": "b"} | values)
    assert caught.value.field == field


async def test_keys_are_replaced_whole(db: ShardedDatabase, secrets: SecretService, account: int) -> None:
    assert await secrets.get_api_keys(account) is None
    with count_statements(db) as seen:
        await secrets.save_api_keys(
            account, ApiKeys(korea_investment_app_key="k1", korea_investment_app_secret="k2")
        )
    assert [one.split()[0] for one in seen] == ["INSERT"]
    first = await secrets.get_api_keys(account)
    assert first is not None
    await secrets.save_api_keys(account, ApiKeys(alpha_vantage_key="a", polygon_key="p", finnhub_key="f"))
    with count_statements(db) as seen:
        found = await secrets.get_api_keys(account)
    assert len(seen) == 1
    assert found is not None
    assert found == StoredApiKeys(
        korea_investment_app_key=None,
        korea_investment_app_secret=None,
        alpha_vantage_key="a",
        polygon_key="p",
        finnhub_key="f",
        created_at=first.created_at,
        updated_at=found.updated_at,
    )
    assert found.updated_at > first.updated_at


async def test_unset_keeps_a_key(secrets: SecretService, account: int) -> None:
    await secrets.save_api_keys(account, ApiKeys(alpha_vantage_key="a", polygon_key="p", finnhub_key="f"))
    await secrets.save_api_keys(account, ApiKeys(alpha_vantage_key=UNSET, polygon_key="P", finnhub_key=None))
    found = await secrets.get_api_keys(account)
    assert found is not None
    assert (found.alpha_vantage_key, found.polygon_key, found.finnhub_key) == ("a", "P", None)


@pytest.mark.parametrize("engine_kind", ["mariadb"], indirect=True)
async def test_keys_saved_at_once_are_one_row_of_one_caller(
    db: ShardedDatabase, secrets: SecretService, account: int
) -> None:
    mine = [ApiKeys(alpha_vantage_key=f"a{n}", polygon_key=f"p{n}") for n in range(32)]
    await asyncio.gather(*(secrets.save_api_keys(account, keys) for keys in mine))
    async with db.global_session(read_only=True) as session:
        row = (await session.scalars(select(UserApiKeys))).one()
    assert row.alpha_vantage_key is not None
    assert row.polygon_key == row.alpha_vantage_key.replace("a", "p")


async def test_an_unknown_account_is_named(secrets: SecretService) -> None:
    assert await secrets.get_api_keys(4711) is None
    for operation in (
        secrets.save_api_keys(4711, ApiKeys(alpha_vantage_key="a")),
        secrets.change_password(4711, change("a", "b")),
    ):
        with pytest.raises(EntityNotFoundError):
            await operation


@pytest.mark.parametrize("key", ["", "two words", "x" * 256, "schlüssel", 5])
async def test_a_key_that_cannot_be_accepted_is_named_and_not_repeated(
    db: ShardedDatabase, secrets: SecretService, key: Any
) -> None:
    with count_statements(db) as seen, pytest.raises(InvalidValueError) as caught:
        await secrets.save_api_keys(4711, ApiKeys(polygon_key=key))
    assert (caught.value.field, seen) == ("polygon_key", [])
    assert str(key) not in str(caught.value) or not key


async def test_nothing_secret_is_shown(db: ShardedDatabase, secrets: SecretService, account: int) -> None:
    keys = ApiKeys(**{one.name: "hush" for one in fields(ApiKeys)})
    await secrets.save_api_keys(account, keys)
    async with db.global_session(read_only=True) as session:
        row = (await session.scalars(select(UserApiKeys))).one()
        owner = (await session.scalars(select(Account))).one()
    for shown in (
        await secrets.get_api_keys(account),
        row,
        owner,
        keys,
        change("hush", "hush"),
        HashChange(old="hush", new="hush"),
        RecentPasswords(account=owner, hashes=("hush",)),
        NewAccount(platform_type=1, account_id="a", password_hash="hush", nickname="n"),
    ):
        assert "hush" not in repr(shown)
        assert owner.password_hash not in repr(shown)
