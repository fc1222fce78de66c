from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from shardwise.database import ShardedDatabase
from shardwise.errors import (
    DomainError,
    EntityNotFoundError,
    InvalidValueError,
    TransientDatabaseError,
)
from shardwise.finance.identity import service
from shardwise.finance.identity.models import Account
from shardwise.finance.identity.repository import AccountRepository
from shardwise.finance.identity.running import read, write
from shardwise.finance.identity.service import IdentityService
from shardwise.finance.identity.values import SignUp


class Rename:
    """A use case that the database gives up a number of times after it has written."""

    def __init__(self, *failures: Exception) -> None:
        self.failures = list(failures)
        self.runs = 0

    async def __call__(self, session: AsyncSession, account_db_key: int, nickname: str) -> None:
        self.runs += 1
        account = await AccountRepository(session).get_one(account_db_key)
        account.nickname += nickname
        await session.flush()
        if self.failures:
            raise self.failures.pop()


async def nickname(session: AsyncSession, account_db_key: int) -> str | None:
    return await session.scalar(select(Account.nickname).where(Account.account_db_key == account_db_key))


async def test_a_use_case_is_committed(db: ShardedDatabase, account: int) -> None:
    await write(db, Rename(), account, nickname="+")
    assert await read(db, nickname, account) == "Holder+"


async def test_a_use_case_that_was_given_up_is_run_again_and_done_once(
    db: ShardedDatabase, account: int
) -> None:
    rename = Rename(TransientDatabaseError(), TransientDatabaseError())
    await write(db, rename, account, "+")
    assert rename.runs == 3
    assert await read(db, nickname, account) == "Holder+"


async def test_a_refusal_is_not_run_again_and_writes_nothing(db: ShardedDatabase, account: int) -> None:
    rename = Rename(DomainError())
    with pytest.raises(DomainError):
        await write(db, rename, account, "+")
    assert rename.runs == 1
    assert await read(db, nickname, account) == "Holder"


async def test_what_is_not_found_is_an_error(db: ShardedDatabase) -> None:
    with pytest.raises(EntityNotFoundError, match="no Account has the primary key 4711"):
        await read(db, nickname, 4711)


@pytest.mark.parametrize("key", [-1, 2**64, "1", None, True])
async def test_a_key_that_is_none_is_named(db: ShardedDatabase, key: Any) -> None:
    for work in (read(db, nickname, key), write(db, Rename(), key, "+")):
        with pytest.raises(InvalidValueError, match=r"^account_db_key: "):
            await work


async def test_a_sign_up_that_was_given_up_is_run_again(
    db: ShardedDatabase, identity: IdentityService, monkeypatch: pytest.MonkeyPatch
) -> None:
    create, failures = service.create_account, [TransientDatabaseError()]

    async def given_up_once(*args: Any, **kwargs: Any) -> Any:
        created = await create(*args, **kwargs)
        if failures:
            raise failures.pop()
        return created

    monkeypatch.setattr(service, "create_account", given_up_once)
    made = await identity.sign_up(SignUp(account_id="kim", password="secret", nickname="Kim"))
    assert made.provisioned
    async with db.global_session(read_only=True) as session:
        assert await session.scalar(select(func.count()).select_from(Account)) == 1


@pytest.mark.parametrize("method", ["count_login", "log_out"])
async def test_logging_in_and_out_is_run_again(
    identity: IdentityService, account: int, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    done, failures = getattr(AccountRepository, method), [TransientDatabaseError()]

    async def given_up_once(*args: Any) -> Any:
        if failures:
            raise failures.pop()
        return await done(*args)

    monkeypatch.setattr(AccountRepository, method, given_up_once)
    assert (await identity.log_in(1, "holder", "secret")).login_count == 1
    await identity.log_out(account)
    assert not failures
