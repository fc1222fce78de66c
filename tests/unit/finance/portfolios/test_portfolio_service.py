import asyncio
from decimal import Decimal
from typing import Any

import pytest

from shardwise.database import ShardedDatabase
from shardwise.errors import (
    InsufficientFundsError,
    InsufficientHoldingsError,
    InvalidValueError,
    TransactionConflictError,
)
from shardwise.finance.ledger.models import TransactionType
from shardwise.finance.ledger.service import LedgerService
from shardwise.finance.portfolios.models import AssetType
from shardwise.finance.portfolios.service import PortfolioService
from shardwise.testing.counting import count_statements


@pytest.fixture
def ledger(db: ShardedDatabase) -> LedgerService:
    return LedgerService(db)


@pytest.fixture
def portfolio(db: ShardedDatabase) -> PortfolioService:
    return PortfolioService(db)


@pytest.fixture
async def investor(account: int, ledger: LedgerService) -> int:
    """An account with 1,000.00."""
    await ledger.deposit(account, Decimal("1000.00"))
    return account


async def balance(ledger: LedgerService, key: int) -> str:
    return str((await ledger.get_account(key)).balance)


async def holdings(portfolio: PortfolioService, key: int) -> list[tuple[str, str, str, str]]:
    return [
        (each.asset_code, str(each.quantity), str(each.average_cost), str(each.current_value))
        for each in await portfolio.positions(key)
    ]


async def test_a_purchase_is_paid_held_and_told(
    ledger: LedgerService, portfolio: PortfolioService, investor: int
) -> None:
    trade = await portfolio.buy(investor, "WTI", Decimal("10"), Decimal("25.56"), asset_type=AssetType.FUND)
    assert not trade.repeated
    assert trade.transaction.transaction_type is TransactionType.WITHDRAWAL
    assert trade.transaction.description == "BUY 10.000000 WTI @ 25.56"
    assert trade.transaction.reference_id == "WTI"
    assert str(trade.transaction.amount) == "255.60"
    assert trade.position.asset_type is AssetType.FUND
    assert await balance(ledger, investor) == "744.40"
    assert await holdings(portfolio, investor) == [("WTI", "10.000000", "25.56", "255.60")]


async def test_a_trade_takes_five_statements_and_all_positions_one(
    db: ShardedDatabase, portfolio: PortfolioService, investor: int
) -> None:
    with count_statements(db) as first:
        await portfolio.buy(investor, "A", Decimal(2), Decimal(10))
    with count_statements(db) as more:
        await portfolio.buy(investor, "A", Decimal(2), Decimal(11))
    with count_statements(db) as sale:
        await portfolio.sell(investor, "A", Decimal(1), Decimal(12))
    await portfolio.buy(investor, "B", Decimal(2), Decimal(10))
    with count_statements(db) as listing:
        assert len(await portfolio.positions(investor)) == 2
    assert [len(each) for each in (first, more, sale, listing)] == [5, 5, 5, 1]


async def test_the_average_cost_is_weighted_and_rounded_half_up(
    portfolio: PortfolioService, investor: int
) -> None:
    await portfolio.buy(investor, "A", Decimal("1"), Decimal("10.00"))
    await portfolio.buy(investor, "A", Decimal("1"), Decimal("10.01"))
    assert await holdings(portfolio, investor) == [("A", "2.000000", "10.01", "20.02")]  # 10.005
    await portfolio.buy(investor, "A", Decimal("0.5"), Decimal("20.0000"))
    assert await holdings(portfolio, investor) == [("A", "2.500000", "12.01", "50.00")]  # 12.008


async def test_fractions_of_cents_in_price_and_quantity_are_exact(
    ledger: LedgerService, portfolio: PortfolioService, investor: int
) -> None:
    trade = await portfolio.buy(investor, "BTC", Decimal("0.333333"), Decimal("10.123456"))
    assert trade.transaction.description == "BUY 0.333333 BTC @ 10.123456"
    assert str(trade.transaction.amount) == "3.38"  # 3.374481958848, rounded up for the buyer
    assert await holdings(portfolio, investor) == [("BTC", "0.333333", "10.12", "3.37")]
    sold = await portfolio.sell(investor, "BTC", Decimal("0.333333"), Decimal("10.123456"))
    assert str(sold.transaction.amount) == "3.37"  # and down for the seller
    assert await balance(ledger, investor) == "999.99"


async def test_trading_in_small_parts_makes_no_money(
    ledger: LedgerService, portfolio: PortfolioService, investor: int
) -> None:
    for _ in range(10):
        await portfolio.buy(investor, "WTI", Decimal(1), Decimal("0.0149"))
    await portfolio.sell(investor, "WTI", Decimal(10), Decimal("0.0149"))
    assert await balance(ledger, investor) == "999.94"  # paid 10 × 0.02, got 0.14 of 0.149


async def test_a_sale_is_credited_and_keeps_the_average_cost(
    ledger: LedgerService, portfolio: PortfolioService, investor: int
) -> None:
    await portfolio.buy(investor, "WTI", Decimal("10"), Decimal("20"))
    trade = await portfolio.sell(investor, "WTI", Decimal("4"), Decimal("30.5"))
    assert trade.transaction.transaction_type is TransactionType.DEPOSIT
    assert trade.transaction.description == "SELL 4.000000 WTI @ 30.50"
    assert await balance(ledger, investor) == "922.00"
    assert await holdings(portfolio, investor) == [("WTI", "6.000000", "20.00", "183.00")]


async def test_what_is_sold_whole_is_no_longer_held_and_starts_anew(
    portfolio: PortfolioService, investor: int
) -> None:
    first = await portfolio.buy(investor, "WTI", Decimal("10"), Decimal("20"))
    sold = await portfolio.sell(investor, "WTI", Decimal("10"), Decimal("30"))
    assert sold.position.quantity == sold.position.average_cost == sold.position.current_value == 0
    assert await holdings(portfolio, investor) == []
    again = await portfolio.buy(investor, "WTI", Decimal("1"), Decimal("7"))
    assert again.position.portfolio_id == first.position.portfolio_id
    assert await holdings(portfolio, investor) == [("WTI", "1.000000", "7.00", "7.00")]


async def test_positions_come_by_asset_code(portfolio: PortfolioService, investor: int) -> None:
    for code in ("WTI", "005930", "BRK.B", "^VIX"[1:]):
        await portfolio.buy(investor, code, Decimal(1), Decimal(1))
    assert [code for code, *_ in await holdings(portfolio, investor)] == ["005930", "BRK.B", "VIX", "WTI"]


async def test_nobody_sells_more_than_they_hold(
    ledger: LedgerService, portfolio: PortfolioService, investor: int
) -> None:
    with pytest.raises(InsufficientHoldingsError, match=r"holds 0 WTI, fewer than 0\.000001"):
        await portfolio.sell(investor, "WTI", Decimal("0.000001"), Decimal("20000"))
    await portfolio.buy(investor, "WTI", Decimal("1"), Decimal("20"))
    with pytest.raises(InsufficientHoldingsError, match=r"holds 1\.000000 WTI, fewer than 1\.000001"):
        await portfolio.sell(investor, "WTI", Decimal("1.000001"), Decimal("20"))
    assert await balance(ledger, investor) == "980.00"
    assert len((await ledger.history(investor)).items) == 2
    assert await holdings(portfolio, investor) == [("WTI", "1.000000", "20.00", "20.00")]


async def test_nobody_buys_more_than_they_can_pay(
    ledger: LedgerService, portfolio: PortfolioService, investor: int
) -> None:
    with pytest.raises(InsufficientFundsError):
        await portfolio.buy(investor, "WTI", Decimal("100"), Decimal("10.01"))
    assert await balance(ledger, investor) == "1000.00"
    assert await holdings(portfolio, investor) == []
    assert len((await ledger.history(investor)).items) == 1


async def test_repeating_a_trade_trades_once(
    ledger: LedgerService, portfolio: PortfolioService, investor: int
) -> None:
    first = await portfolio.buy(investor, "WTI", Decimal("10"), Decimal("20"), transaction_id="b")
    again = await portfolio.buy(investor, "WTI", Decimal("10.0"), Decimal("20.00"), transaction_id="b")
    assert (first.repeated, again.repeated) == (False, True)
    assert again.transaction.created_at == first.transaction.created_at
    for _ in range(2):
        sold = await portfolio.sell(investor, "WTI", Decimal("10"), Decimal("30"), transaction_id="s")
    assert sold.repeated
    assert await balance(ledger, investor) == "1100.00"
    assert await holdings(portfolio, investor) == []


@pytest.mark.parametrize(
    "changes",
    [
        {"asset_code": "WTJ"},
        {"quantity": Decimal("5"), "price": Decimal("40")},
        {"price": Decimal("20.01")},
    ],
)
async def test_a_transaction_id_never_means_two_trades(
    ledger: LedgerService, portfolio: PortfolioService, investor: int, changes: dict[str, Any]
) -> None:
    order: dict[str, Any] = {"asset_code": "WTI", "quantity": Decimal("10"), "price": Decimal("20")}
    await portfolio.buy(investor, **order, transaction_id="b")
    with pytest.raises(TransactionConflictError):
        await portfolio.buy(investor, **order | changes, transaction_id="b")
    with pytest.raises(TransactionConflictError):
        await portfolio.sell(investor, **order, transaction_id="b")
    assert await balance(ledger, investor) == "800.00"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("asset_code", ""),
        ("asset_code", "A" * 11),
        ("asset_code", "wti"),
        ("asset_code", "A B"),
        ("asset_code", "'; DROP--"),
        ("asset_code", "\U0001f680"),
        ("asset_code", None),
        ("quantity", Decimal("0")),
        ("quantity", Decimal("-1")),
        ("quantity", Decimal("0.0000001")),
        ("quantity", Decimal("NaN")),
        ("quantity", Decimal("1E+9")),
        ("quantity", 1.5),
        ("price", Decimal("0")),
        ("price", Decimal("-25.56")),
        ("price", Decimal("1.0000001")),
        ("price", Decimal("Infinity")),
        ("price", 25.56),
        ("transaction_id", ""),
        ("transaction_id", "x" * 33),
    ],
)
async def test_orders_that_are_none_are_named_and_trade_nothing(
    ledger: LedgerService, portfolio: PortfolioService, investor: int, field: str, value: Any
) -> None:
    order: dict[str, Any] = {"asset_code": "WTI", "quantity": Decimal(1), "price": Decimal(1), field: value}
    for trade in (portfolio.buy, portfolio.sell):
        with pytest.raises(InvalidValueError, match=f"^{field}: "):
            await trade(investor, **order)
    assert len((await ledger.history(investor)).items) == 1


async def test_a_sale_of_less_than_a_cent_is_refused_and_sells_nothing(
    ledger: LedgerService, portfolio: PortfolioService, investor: int
) -> None:
    await portfolio.buy(investor, "WTI", Decimal("0.000001"), Decimal("4999"))
    with pytest.raises(InvalidValueError, match=r"^quantity: at this price it is worth less than 0\.01"):
        await portfolio.sell(investor, "WTI", Decimal("0.000001"), Decimal("4999"))
    assert await holdings(portfolio, investor) == [("WTI", "0.000001", "4999.00", "0.00")]
    assert await balance(ledger, investor) == "999.99"


@pytest.mark.parametrize(
    ("quantity", "price"), [("999999999", "10001"), ("999999999.999999", "9999999999999")]
)
async def test_values_of_too_many_cents_are_refused(
    portfolio: PortfolioService, investor: int, quantity: str, price: str
) -> None:
    with pytest.raises(InvalidValueError, match=r"^quantity: its value at this price"):
        await portfolio.buy(investor, "WTI", Decimal(quantity), Decimal(price))


async def test_a_price_that_no_average_cost_could_show_is_named(
    ledger: LedgerService, portfolio: PortfolioService, account: int
) -> None:
    most, half = Decimal("9999999999999.99"), Decimal("0.5")
    await ledger.deposit(account, most)
    with pytest.raises(InvalidValueError, match=r"^price: 9999999999999\.995000 in cents is above"):
        await portfolio.buy(account, "WTI", half, Decimal("9999999999999.995"))
    await portfolio.buy(account, "WTI", half, Decimal("9999999999999.994"))
    assert await holdings(portfolio, account) == [("WTI", "0.500000", str(most), "5000000000000.00")]


async def test_a_position_never_grows_beyond_its_columns(
    ledger: LedgerService, portfolio: PortfolioService, account: int
) -> None:
    await ledger.deposit(account, Decimal("9999999999999.99"))
    most = Decimal("999999999.999999")
    await portfolio.buy(account, "WTI", most, Decimal("0.01"))
    with pytest.raises(InvalidValueError, match=r"^quantity: the position would be 1000000000"):
        await portfolio.buy(account, "WTI", Decimal("0.1"), Decimal("1"))
    assert (await holdings(portfolio, account))[0][1] == "999999999.999999"


async def test_purchases_at_once_are_all_held(
    ledger: LedgerService, portfolio: PortfolioService, investor: int
) -> None:
    await asyncio.gather(
        *(portfolio.buy(investor, "WTI", Decimal(n), Decimal(n)) for n in range(1, 9)),
        *(portfolio.buy(investor, "VIX", Decimal("0.5"), Decimal("2")) for _ in range(8)),
    )
    assert await balance(ledger, investor) == "788.00"  # 1000 - (1 + 4 + ... + 64) - 8
    found = await portfolio.positions(investor)
    assert {each.asset_code: int(each.quantity) for each in found} == {"VIX": 4, "WTI": 36}
    assert str(found[0].average_cost) == "2.00"
