"""The old procedures for profiles, notification settings, contacts and plans."""

import asyncio
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import delete, func, select, update

from shardwise.database import ShardedDatabase
from shardwise.errors import DuplicateEntityError, EntityNotFoundError, InvalidValueError
from shardwise.finance.identity.models import (
    Account,
    BillingCycle,
    PaymentPlan,
    UserPayment,
    UserProfile,
)
from shardwise.finance.identity.plan_service import PlanService
from shardwise.finance.identity.plans import PlanChange
from shardwise.legacy.calling import call_registered
from shardwise.legacy.procedure import Procedure, Rows
from shardwise.legacy.procedures.identity import PROCEDURES
from shardwise.schema.control import ShardMapping
from shardwise.testing.counting import count_statements

BY_NAME: dict[str, Procedure] = {procedure.name: procedure for procedure in PROCEDURES}
ON = (1, 0, 1, 1, 1, 0, 1)  # the defaults: e-mail, SMS, push, prices, news, portfolio, trades
START = datetime(2026, 1, 1, tzinfo=UTC)
END = datetime(2027, 1, 1, tzinfo=UTC)


async def call(db: ShardedDatabase, name: str, *given: Any) -> Rows:
    return await call_registered(db, BY_NAME[name], given)


async def values(db: ShardedDatabase, name: str, *given: Any) -> tuple[Any, ...]:
    """Return the values of the only row, whose columns are those of the only result set."""
    (row,) = await call(db, name, *given)
    assert tuple(row) == BY_NAME[name].results[0]
    return tuple(row.values())


@pytest.fixture
async def key(db: ShardedDatabase) -> int:
    made = await call(db, "sp_create_account", "kim", "hash", "Kim", "kim@example.com")
    return int(made[0]["account_db_key"])


async def test_a_profile_is_set_up_and_read(db: ShardedDatabase, key: int) -> None:
    shard = (await db.where(key)).shard_id
    person = (key, 1, "kim", "Kim", "kim@example.com", 1, None, None, None, None, shard)
    before = ("BEGINNER", "MODERATE", "GROWTH", Decimal("0.00"), 0, None, None)
    assert await values(db, "fp_profile_get", key) == (*person, *before)
    for answers in (("EXPERT", "aggressive", "INCOME", "100.005"), ("EXPERT", "MODERATE", "INCOME", 7)):
        with count_statements(db) as seen:
            assert await values(db, "fp_profile_setup", key, *answers) == (
                "SUCCESS",
                "Profile setup completed",
            )
        assert len(seen) == 1
        budget = Decimal(str(answers[3])).quantize(Decimal("0.01"), "ROUND_HALF_UP")
        after = ("EXPERT", str(answers[1]).upper(), "INCOME", budget, 1, "KOR", "Asia/Seoul")
        with count_statements(db) as seen:
            assert await values(db, "fp_profile_get", key) == (*person, *after)
        assert len(seen) == 1
    await call(db, "fp_profile_setup", key, None, None, None, None)
    assert (await values(db, "fp_profile_get", key))[-7:-2] == (*before[:4], 1)


async def test_an_account_without_a_home_is_on_shard_0(db: ShardedDatabase, key: int) -> None:
    async with db.global_session() as session:
        await session.execute(delete(ShardMapping))
    ((*_, shard, _experience, _risk, _goal, _budget, _done, _country, _zone),) = [
        await values(db, "fp_profile_get", key)
    ]
    assert shard == 0


@pytest.mark.parametrize(
    "given", [("GURU", None, None, 0), (None, "", None, 0), (None, None, "X", 0), (None, None, None, -1)]
)
async def test_an_unknown_word_is_refused_by_name(
    db: ShardedDatabase, key: int, given: tuple[Any, ...]
) -> None:
    with pytest.raises(InvalidValueError):
        await call(db, "fp_profile_setup", key, *given)
    assert (await values(db, "fp_profile_get", key))[-3] == 0


async def test_the_settings_are_35_columns(db: ShardedDatabase, key: int) -> None:
    row = await values(db, "fp_get_user_profile_settings", key)
    assert len(row) == 35
    assert row[:10] == (key, "kim", "Kim", "kim@example.com", None, 0, 0, "FREE", None, 1)
    assert row[10].tzinfo is None
    assert row[11:15] == (None,) * 4
    assert row[15:22] == ("BEGINNER", "MODERATE", "GROWTH", Decimal("0.00"), 0, None, None)
    assert row[22:29] == ON
    assert row[29:] == (None,) * 6
    await call(db, "fp_initialize_user_defaults", key)
    with count_statements(db) as seen:
        row = await values(db, "fp_get_user_profile_settings", key)
    assert len(seen) == 1
    assert row[20:29] == ("KOR", "Asia/Seoul", *ON)
    assert row[29:] == ("Free Plan", Decimal("0.00"), "KRW", "MONTHLY", 0, "ACTIVE")


async def test_the_basic_profile_is_overwritten(db: ShardedDatabase, key: int) -> None:
    done = ("SUCCESS", "Basic profile updated successfully")
    with count_statements(db) as seen:
        assert await values(db, "fp_update_basic_profile", key, "Neu", "neu", "02-1") == done
    assert len(seen) == 1
    assert await values(db, "fp_update_basic_profile", key, "Neu", "neu", "02-1") == done
    assert (await values(db, "fp_get_user_profile_settings", key))[2:5] == ("Neu", "neu", "02-1")
    await call(db, "fp_update_basic_profile", key, "", "", None)
    assert (await values(db, "fp_get_user_profile_settings", key))[2:5] == ("", None, None)
    await call(db, "fp_update_basic_profile", key, "Neu", "neu@example.com", None)
    other = await call(db, "sp_create_account", "lee", "hash", "Lee", None)
    with pytest.raises(DuplicateEntityError):
        await call(db, "fp_update_basic_profile", other[0]["account_db_key"], "Lee", "NEU@example.com", None)
    with pytest.raises(InvalidValueError, match=r"^p_nickname: "):
        await call(db, "fp_update_basic_profile", key, None, None, None)


@pytest.mark.parametrize("unknown", [4711, 0, None])
async def test_an_unknown_account(db: ShardedDatabase, unknown: int | None) -> None:
    assert await values(db, "fp_update_basic_profile", unknown, "N", None, None) == (
        "NOT_FOUND",
        "Account not found",
    )
    for reader in ("fp_profile_get", "fp_get_user_profile_settings", "fp_get_payment_plan"):
        assert await call(db, reader, unknown) == []
    for name, given in (
        ("fp_profile_setup", (None, None, None, None)),
        ("fp_update_notification_settings", ON),
        ("fp_initialize_user_defaults", ()),
    ):
        with pytest.raises(InvalidValueError if unknown is None else EntityNotFoundError):
            await call(db, name, unknown, *given)


async def test_notifications_are_set_and_seen_in_the_order_of_each_procedure(
    db: ShardedDatabase, key: int
) -> None:
    seen_by_sender = BY_NAME["fp_get_user_notification_settings"].results[1]
    for given in [tuple(int(n == one) for n in range(7)) for one in range(7)]:
        with count_statements(db) as seen:
            assert await values(db, "fp_update_notification_settings", key, *given) == (
                "SUCCESS",
                "Notification settings updated successfully",
            )
        assert len(seen) == 1
        assert (await values(db, "fp_get_user_profile_settings", key))[22:29] == given
        with count_statements(db) as seen:
            status, row = await call(db, "fp_get_user_notification_settings", key)
        assert len(seen) == 1
        assert status == {"ErrorCode": 0, "ErrorMessage": "SUCCESS"}
        assert tuple(row) == seen_by_sender
        email, sms, push, price, news, portfolio, trade = given
        assert tuple(row.values()) == (key, email, sms, push, price, trade, news, portfolio)
    assert (await values(db, "fp_profile_get", key))[-3] == 0


async def test_who_never_said_anything_is_told_the_defaults(db: ShardedDatabase, key: int) -> None:
    email, sms, push, price, news, portfolio, trade = ON
    expected = (key, email, sms, push, price, trade, news, portfolio)
    _, row = await call(db, "fp_get_user_notification_settings", key)
    assert tuple(row.values()) == expected
    await call(db, "fp_profile_setup", key, "EXPERT", None, None, None)
    _, row = await call(db, "fp_get_user_notification_settings", key)
    assert tuple(row.values()) == expected
    _, row = await call(db, "fp_get_user_notification_settings", 4711)
    assert tuple(row.values()) == (4711, *(0,) * 7)


async def test_a_flag_that_is_null_is_refused_by_name(db: ShardedDatabase, key: int) -> None:
    with pytest.raises(InvalidValueError, match=r"^p_portfolio_alert_enabled: "):
        await call(db, "fp_update_notification_settings", key, 1, 1, 1, 1, 1, None, 1)
    async with db.global_session(read_only=True) as session:
        assert await session.scalar(select(func.count()).select_from(UserProfile)) == 0


@pytest.mark.parametrize("name", ["fp_get_user_notification_settings", "fp_get_user_contact_info"])
@pytest.mark.parametrize("missing", [None, 0])
async def test_a_key_must_be_given(db: ShardedDatabase, name: str, missing: int | None) -> None:
    assert await call(db, name, missing) == [
        {"ErrorCode": 1, "ErrorMessage": "account_db_key parameter is required"}
    ]


async def test_contact_is_given_of_accounts_in_order(db: ShardedDatabase, key: int) -> None:
    done = {"ErrorCode": 0, "ErrorMessage": "SUCCESS"}
    with count_statements(db) as seen:
        status, row = await call(db, "fp_get_user_contact_info", key)
    assert len(seen) == 1
    assert status == done
    assert tuple(row) == BY_NAME["fp_get_user_contact_info"].results[1]
    assert tuple(row.values()) == (key, "kim@example.com", None, "Kim", "Normal")
    assert await call(db, "fp_get_user_contact_info", 4711) == [done]
    async with db.global_session() as session:
        await session.execute(update(Account).values(account_status="Blocked"))
    assert await call(db, "fp_get_user_contact_info", key) == [done]


async def test_the_plan_is_the_free_one_until_one_is_set(db: ShardedDatabase, key: int) -> None:
    free = ("FREE", None, "Free Plan", Decimal("0.00"), "KRW", None, None, None, None, None)
    with count_statements(db) as seen:
        assert await values(db, "fp_get_payment_plan", key) == free
    assert len(seen) == 1
    change = PlanChange(
        payment_plan=PaymentPlan.PREMIUM,
        plan_name="Gold",
        plan_price=Decimal("9.9"),
        currency="EUR",
        billing_cycle=BillingCycle.YEARLY,
        starts_at=START,
        expires_at=END,
        auto_renewal=True,
    )
    await PlanService(db).set(key, change)
    start, end = START.replace(tzinfo=None), END.replace(tzinfo=None)
    gold = ("PREMIUM", end, "Gold", Decimal("9.90"), "EUR", "YEARLY", 1, "ACTIVE", start, end)
    assert await values(db, "fp_get_payment_plan", key) == gold
    await call(db, "fp_initialize_user_defaults", key)
    assert await values(db, "fp_get_payment_plan", key) == gold


async def test_defaults_are_stored_once(db: ShardedDatabase, key: int) -> None:
    for _ in range(2):
        with count_statements(db) as seen:
            assert await values(db, "fp_initialize_user_defaults", key) == (
                "SUCCESS",
                "User defaults initialized",
            )
        assert len(seen) == 2
    async with db.global_session(read_only=True) as session:
        profile = (await session.scalars(select(UserProfile))).one()
        payment = (await session.scalars(select(UserPayment))).one()
    assert (profile.profile_completed, profile.sms_notifications_enabled) == (False, False)
    assert (profile.email_notifications_enabled, profile.trade_alert_enabled) == (True, True)
    assert (payment.payment_plan, payment.payment_status) == ("FREE", "ACTIVE")


@pytest.mark.parametrize("engine_kind", ["mariadb"], indirect=True)
async def test_defaults_initialised_by_many_at_once(db: ShardedDatabase, key: int) -> None:
    rows = await asyncio.gather(*(call(db, "fp_initialize_user_defaults", key) for _ in range(32)))
    assert {row["result"] for (row,) in rows} == {"SUCCESS"}
    async with db.global_session(read_only=True) as session:
        assert await session.scalar(select(func.count()).select_from(UserProfile)) == 1
        assert await session.scalar(select(func.count()).select_from(UserPayment)) == 1
