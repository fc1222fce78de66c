import asyncio
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import delete, func, select, update

from shardwise.database import ShardedDatabase
from shardwise.errors import (
    AccountBlockedError,
    AuthenticationError,
    DuplicateEntityError,
    EntityNotFoundError,
    InvalidValueError,
    UnknownAccountError,
)
from shardwise.finance.identity.models import Account, UserProfile
from shardwise.finance.identity.service import IdentityService
from shardwise.finance.identity.values import LoggedIn, SignUp
from shardwise.finance.ledger.models import LedgerAccount
from shardwise.finance.ledger.repository import LedgerAccountRepository
from shardwise.kit.clock import utc_now
from shardwise.routing.placement import Placement
from shardwise.schema.control import PlacementState, ShardMapping, ShardStats
from shardwise.security.passwords import PasswordHasher
from shardwise.testing.counting import count_statements


async def row(db: ShardedDatabase, key: int) -> Account:
    async with db.global_session(read_only=True) as session:
        return (await session.scalars(select(Account).where(Account.account_db_key == key))).one()


async def change(db: ShardedDatabase, key: int, **values: Any) -> None:
    async with db.global_session() as session:
        await session.execute(update(Account).where(Account.account_db_key == key).values(**values))


async def test_a_login_returns_the_account_and_is_counted(
    db: ShardedDatabase, identity: IdentityService, account: int
) -> None:
    before = await row(db, account)
    shard = (await db.where(account)).shard_id
    first = await identity.log_in(1, "holder", "secret")
    assert first == LoggedIn(
        account_db_key=account,
        nickname="Holder",
        account_level=1,
        login_count=1,
        profile_completed=False,
        shard_id=shard,
    )
    async with db.global_session() as session:
        session.add(UserProfile(account_db_key=account, profile_completed=True))
    second = await identity.log_in(1, "HOLDER", "secret")
    assert (second.login_count, second.profile_completed) == (2, True)
    after = await row(db, account)
    assert after.login_count == 2
    assert after.login_time > before.login_time
    assert after.password_hash == before.password_hash


async def test_a_login_costs_two_statements(
    db: ShardedDatabase, identity: IdentityService, account: int
) -> None:
    with count_statements(db) as seen:
        await identity.log_in(1, "holder", "secret")
    assert [statement.split()[0] for statement in seen] == ["SELECT", "UPDATE"]


@pytest.mark.parametrize(
    "credentials",
    [
        (1, "holder", "Secret"),
        (1, "holder", ""),
        (1, "holder", "x" * 1025),
        (1, "holder", "\ud800"),
        (1, "nobody", "secret"),
        (2, "holder", "secret"),
        (1, "", "secret"),
        (1, "holder ", "secret"),
        (1, "hólder", "secret"),
        (1, "x" * 101, "secret"),
        (1, "hol\0der", "secret"),
        (1, "hol\u200bder", "secret"),
        (1, "\ud800", "secret"),
        (1, None, "secret"),
        (1, "' OR 1=1 -- ", "' OR 1=1 -- "),
        (1, "holder' -- ", "secret"),
        (1, "%", "secret"),
        (1, "h_lder", "secret"),
    ],
)
async def test_wrong_names_and_passwords_are_one_error_and_count_nothing(
    db: ShardedDatabase, identity: IdentityService, account: int, credentials: tuple[int, str, str]
) -> None:
    with pytest.raises(AuthenticationError, match=r"^The account or the password is wrong\.$"):
        await identity.log_in(*credentials)
    after = await row(db, account)
    assert (after.login_count, after.login_time) == (0, after.create_time)


@pytest.mark.parametrize("name", ["jos\u00e9", "jose\u0301"])
async def test_a_name_is_found_however_its_accents_are_composed(
    db: ShardedDatabase, identity: IdentityService, name: str
) -> None:
    made = await identity.sign_up(SignUp(account_id=name, password="secret", nickname="Jos\u00e9"))
    for entered in ("jos\u00e9", "jose\u0301"):
        assert (await identity.log_in(1, entered, "secret")).account_db_key == made.account_db_key
        with pytest.raises(DuplicateEntityError):
            await identity.sign_up(SignUp(account_id=entered, password="secret", nickname="Other"))
    assert (await row(db, made.account_db_key)).account_id == "jos\u00e9"


@pytest.mark.parametrize("stored", ["jose\u0301", " holder ", "hol\u200bder", "hol\u00a0der"])
async def test_a_name_that_an_old_program_stored_as_it_came_is_found(
    db: ShardedDatabase, identity: IdentityService, account: int, stored: str
) -> None:
    async with db.global_session() as session:
        await session.execute(update(Account).values(account_id=stored))
    assert (await identity.log_in(1, stored, "secret")).account_db_key == account


async def test_an_emoji_is_not_any_other_emoji(identity: IdentityService) -> None:
    await identity.sign_up(SignUp(account_id="kim\U0001f680", password="secret", nickname="Kim"))
    assert (await identity.log_in(1, "kim\U0001f680", "secret")).nickname == "Kim"
    with pytest.raises(AuthenticationError):
        await identity.log_in(1, "kim\U0001f37a", "secret")


async def test_a_platform_that_is_none_is_named(identity: IdentityService) -> None:
    with pytest.raises(InvalidValueError, match=r"^platform_type: "):
        await identity.log_in(-1, "holder", "secret")


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"account_status": "Blocked"}, "is Blocked"),
        ({"account_status": "normal "}, "is normal"),
        ({"is_withdraw": True}, "is withdrawn"),
        ({"block_endtime": utc_now() + timedelta(days=1)}, "is blocked until 20"),
    ],
)
async def test_a_blocked_account_is_told_so_only_with_its_password(
    db: ShardedDatabase, identity: IdentityService, account: int, values: dict[str, Any], reason: str
) -> None:
    await change(db, account, **values)
    with pytest.raises(AuthenticationError):
        await identity.log_in(1, "holder", "wrong")
    with pytest.raises(AccountBlockedError, match=reason):
        await identity.log_in(1, "holder", "secret")
    assert (await row(db, account)).login_count == 0


@pytest.mark.parametrize("created_in", [timedelta(0), timedelta(minutes=5)])
async def test_an_account_that_was_never_blocked_is_not_blocked_by_a_slow_clock(
    db: ShardedDatabase, identity: IdentityService, account: int, created_in: timedelta
) -> None:
    created = utc_now() + created_in
    await change(db, account, create_time=created, block_endtime=created)
    assert (await identity.log_in(1, "holder", "secret")).login_count == 1


async def test_a_block_that_is_over_is_over(
    db: ShardedDatabase, identity: IdentityService, account: int
) -> None:
    await change(db, account, block_endtime=utc_now() - timedelta(seconds=1))
    assert (await identity.log_in(1, "holder", "secret")).login_count == 1


async def test_a_hash_of_another_cost_is_replaced(
    db: ShardedDatabase, identity: IdentityService, account: int
) -> None:
    before = (await row(db, account)).password_hash
    with PasswordHasher(memory_kib=16, time_cost=1) as better:
        stronger = IdentityService(db, hasher=better)
        await stronger.log_in(1, "holder", "secret")
        after = (await row(db, account)).password_hash
        assert "m=8," in before
        assert "m=16," in after
        assert (await stronger.log_in(1, "holder", "secret")).login_count == 2
        assert (await row(db, account)).password_hash == after


async def test_a_hash_in_an_unknown_format_lets_nobody_in(
    db: ShardedDatabase, identity: IdentityService, account: int
) -> None:
    await change(db, account, password_hash="secret")
    with pytest.raises(AuthenticationError):
        await identity.log_in(1, "holder", "secret")


async def test_a_home_that_was_not_finished_is_finished(
    db: ShardedDatabase, identity: IdentityService, account: int
) -> None:
    shard = (await db.where(account)).shard_id
    async with db.global_session() as session:
        await session.execute(update(ShardMapping).values(state=PlacementState.PROVISIONING))
    async with db.shard_session(shard) as session:
        await session.execute(delete(LedgerAccount))
    db.directory.invalidate(account)
    await identity.log_in(1, "holder", "secret")
    async with db.shard_session(shard, read_only=True) as session:
        assert (await session.scalars(select(LedgerAccount.account_db_key))).all() == [account]
    db.directory.invalidate(account)
    assert (await db.where(account)).state is PlacementState.ACTIVE


async def test_a_home_is_finished_where_it_is_now_and_not_where_it_was(
    db: ShardedDatabase, identity: IdentityService, account: int
) -> None:
    old = await db.where(account)  # stays in the cache, as in another process
    new = 3 - old.shard_id
    async with db.global_session() as session:
        await session.execute(
            update(ShardMapping).values(shard_id=new, epoch=2, state=PlacementState.PROVISIONING)
        )
    assert (await identity.log_in(1, "holder", "secret")).shard_id == new
    async with db.shard_session(new, read_only=True) as session:
        assert (await session.scalars(select(LedgerAccount.account_db_key))).all() == [account]
    assert await db.where(account) == Placement(new, 2, PlacementState.ACTIVE)


async def test_a_home_that_moves_while_it_is_finished_is_not_remembered_as_it_was(
    db: ShardedDatabase, identity: IdentityService, account: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    moved = Placement(3 - (await db.where(account)).shard_id, 2, PlacementState.ACTIVE)
    async with db.global_session() as session:
        await session.execute(update(ShardMapping).values(state=PlacementState.PROVISIONING))
    open_account = LedgerAccountRepository.open

    async def open_and_move(repository: LedgerAccountRepository, key: int) -> LedgerAccount:
        async with db.global_session() as session:
            await session.execute(
                update(ShardMapping).values(shard_id=moved.shard_id, epoch=2, state=moved.state)
            )
        return await open_account(repository, key)

    monkeypatch.setattr(LedgerAccountRepository, "open", open_and_move)
    assert (await identity.log_in(1, "holder", "secret")).shard_id == moved.shard_id
    assert await db.where(account) == moved


async def test_an_account_without_a_home_gets_one_however_many_ask(
    db: ShardedDatabase, identity: IdentityService, account: int
) -> None:
    async with db.global_session() as session:
        await session.execute(delete(ShardMapping))
        await session.execute(update(ShardStats).values(user_count=0))
    db.directory.invalidate(account)
    with pytest.raises(UnknownAccountError):
        await db.where(account)
    async with db.global_session() as session:
        # While the statistics are held, every login gets as far as it can before one is counted.
        await session.execute(select(ShardStats).with_for_update())
        logins = [asyncio.create_task(identity.log_in(1, "holder", "secret")) for _ in range(8)]
        await asyncio.sleep(0.2)
    entered = await asyncio.gather(*logins)
    assert len({one.shard_id for one in entered}) == 1
    async with db.global_session(read_only=True) as session:
        assert await session.scalar(select(func.sum(ShardStats.user_count))) == 1
        assert (await session.scalars(select(ShardMapping.state))).all() == [PlacementState.ACTIVE]
    assert (await row(db, account)).login_count == 8


async def test_logging_out_notes_the_moment(
    db: ShardedDatabase, identity: IdentityService, account: int
) -> None:
    before = (await row(db, account)).logout_time
    await identity.log_out(account)
    await identity.log_out(account)
    assert (await row(db, account)).logout_time > before


async def test_logging_out_nobody_is_an_error(identity: IdentityService) -> None:
    with pytest.raises(EntityNotFoundError, match="no Account has the primary key 4711"):
        await identity.log_out(4711)


@pytest.mark.parametrize("key", [-1, 2**64, "1", None, True])
async def test_a_key_that_is_none_is_named(identity: IdentityService, key: Any) -> None:
    with pytest.raises(InvalidValueError, match=r"^account_db_key: "):
        await identity.log_out(key)
