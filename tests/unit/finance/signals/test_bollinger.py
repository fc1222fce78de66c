"""The band and its signals. The figures of the first test are worked out by hand."""

from decimal import Decimal, localcontext
from random import Random
from statistics import fmean, pstdev

import pytest

from shardwise.errors import InvalidValueError
from shardwise.finance.signals.bollinger import band_of, signal_for


def decimals(*values: object) -> list[Decimal]:
    return [Decimal(str(value)) for value in values]


def test_the_band_is_the_mean_and_two_population_deviations() -> None:
    band = band_of(decimals(2, 4, 4, 4, 5, 5, 7, 9))  # mean 5, squares of distances 32, deviation 2
    assert (band.lower, band.middle, band.upper) == (1, 5, 9)


def test_the_band_agrees_with_the_standard_library() -> None:
    random = Random(7)
    for periods in range(5, 21):
        closes = [Decimal(random.randint(1, 10**8)).scaleb(-6) for _ in range(periods)]
        band, floats = band_of(closes), [float(close) for close in closes]
        assert float(band.middle) == pytest.approx(fmean(floats), rel=1e-12)
        assert float(band.upper - band.middle) == pytest.approx(2 * pstdev(floats), rel=1e-9)
        assert band.upper - band.middle == band.middle - band.lower


@pytest.mark.parametrize(
    ("price", "expected"),
    [
        ("0.999999", "BUY"),
        ("1", "BUY"),
        ("1.000001", None),
        ("8.999999", None),
        ("9", "SELL"),
        ("50", "SELL"),
    ],
)
def test_prices_on_the_band_are_outside(price: str, expected: str | None) -> None:
    assert signal_for(decimals(2, 4, 4, 4, 5, 5, 7, 9), Decimal(price)) == expected


@pytest.mark.parametrize(
    ("closes", "inside", "outside"),
    [
        ((1, 1, 1, 1, 1, 1, 8), "6.898979", "6.898980"),  # mean 2, deviation sqrt(6): 6.8989794…
        ((1, 1, 1, 1, 1, 4), "3.736067", "3.736068"),  # mean 1.5, deviation sqrt(1.25): 3.7360679…
    ],
)
def test_a_border_without_end_lies_between_two_prices(
    closes: tuple[int, ...], inside: str, outside: str
) -> None:
    assert signal_for(decimals(*closes), Decimal(inside)) is None
    assert signal_for(decimals(*closes), Decimal(outside)) == "SELL"


def test_the_last_closes_alone_make_the_band() -> None:
    closes = decimals(1000, 1000, 2, 4, 4, 4, 5, 5, 7, 9)
    assert signal_for(closes, Decimal(9), periods=8) == "SELL"
    assert signal_for(closes, Decimal(9)) is None


def test_no_more_than_twenty_closes_are_taken() -> None:
    long = decimals(*[10**6] * 30, *[10, 11] * 10)
    assert signal_for(long, Decimal(20)) == signal_for(long[-20:], Decimal(20)) == "SELL"


def test_a_band_without_width_gives_no_signal() -> None:
    for price in ("0.01", "7", "99"):
        assert signal_for(decimals(7, 7, 7, 7, 7), Decimal(price)) is None


def test_the_callers_context_changes_nothing() -> None:
    closes = decimals("10.123456", "10.123457", "10.2", "10.3", "10.123459")
    exact = band_of(closes)
    with localcontext() as context:
        context.prec = 3
        assert band_of(closes) == exact


@pytest.mark.parametrize(
    ("closes", "price", "periods", "field"),
    [
        (decimals(1, 2, 3, 4), Decimal(1), 20, "closes"),
        ([], Decimal(1), 20, "closes"),
        (decimals(1, 2, 3, 4, 0), Decimal(1), 20, "closes"),
        (decimals(1, 2, 3, 4, "NaN"), Decimal(1), 20, "closes"),
        ([1.0, 2.0, 3.0, 4.0, 5.0], Decimal(1), 20, "closes"),
        (decimals(1, 2, 3, 4, 5), Decimal(0), 20, "price"),
        (decimals(1, 2, 3, 4, 5), 1.5, 20, "price"),
        (decimals(1, 2, 3, 4, 5), Decimal(1), 4, "periods"),
        (decimals(1, 2, 3, 4, 5), Decimal(1), 21, "periods"),
        (decimals(1, 2, 3, 4, 5), Decimal(1), True, "periods"),
    ],
)
def test_what_can_not_be_accepted_is_named(closes: list, price: Decimal, periods: int, field: str) -> None:
    with pytest.raises(InvalidValueError) as refused:
        signal_for(closes, price, periods=periods)
    assert refused.value.field == field
