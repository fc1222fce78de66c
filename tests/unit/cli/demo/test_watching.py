from datetime import date, timedelta
from decimal import Decimal

import pytest

from shardwise.cli.demo.plan import make_plan
from shardwise.cli.demo.prices import Close, prices_file, read_closes
from shardwise.cli.demo.watching import PERIODS, ExpectedSignal, Watch, expect_signals, make_watches
from shardwise.finance.signals.bollinger import signal_for

FIRST = date(2020, 1, 1)


def watch(*prices: str) -> Watch:
    """A watch of a band of 9 and 11 in turn (mean 10, deviation 1) and what comes after it."""
    band = [Decimal(9 + 2 * (place % 2)) for place in range(PERIODS)]
    all_of = [*band, *map(Decimal, prices)]
    closes = (Close(day=FIRST + timedelta(days=n), price=price) for n, price in enumerate(all_of))
    return Watch(name="one", symbol="X", closes=tuple(closes))


@pytest.mark.parametrize(
    ("close", "after", "word", "profit", "won"),
    [
        ("12", "11.88", "SELL", "1", True),
        ("12", "11.89", "SELL", "0.916667", False),
        ("12", "12.12", "SELL", "-1", False),
        ("8", "8.08", "BUY", "1", True),
        ("8", "7", "BUY", "-12.5", False),
    ],
)
def test_close_on_the_edge_is_a_signal(close: str, after: str, word: str, profit: str, won: bool) -> None:
    day = FIRST + timedelta(days=PERIODS)
    assert expect_signals(watch(close, after)) == (
        ExpectedSignal(
            day=day,
            word=word,
            price=Decimal(close),
            price_after=Decimal(after),
            profit=Decimal(profit),
            won=won,
        ),
    )


@pytest.mark.parametrize("close", ["11.999", "8.001", "10"])
def test_close_within_the_band_is_none(close: str) -> None:
    assert expect_signals(watch(close, "10")) == ()


def test_day_around_which_a_price_is_below_zero_is_left_out() -> None:
    assert expect_signals(watch("8", "-37.63")) == ()
    assert [day.close.price for day in watch("8", "9", "-37.63").days()] == [Decimal(8)]


def test_real_closes_bring_the_signals_that_the_service_sees() -> None:
    closes = read_closes(prices_file())
    plan = make_plan(closes, 50)
    watches = make_watches(closes, plan)
    assert [watch.name for watch in watches] == [investor.name for investor in plan[::5]]
    seen = 0
    for one in watches:
        words = {
            day.close.day: signal_for([close.price for close in day.before], day.close.price)
            for day in one.days()
        }
        expected = {signal.day: signal.word for signal in expect_signals(one)}
        assert expected == {day: word for day, word in words.items() if word is not None}
        seen += len(expected)
    assert seen > 10
