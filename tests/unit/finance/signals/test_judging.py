from decimal import Decimal, localcontext

import pytest

from shardwise.finance.signals.judging import Verdict, judge


@pytest.mark.parametrize(
    ("word", "before", "after", "rate", "win"),
    [
        ("BUY", "100", "101", "1.000000", True),
        ("BUY", "100", "100.999999", "0.999999", False),
        ("BUY", "100", "99", "-1.000000", False),
        ("BUY", "100", "50", "-50.000000", False),
        ("STRONG_BUY", "100", "110", "10.000000", True),
        ("SELL", "100", "99", "1.000000", True),
        ("SELL", "100", "99.000001", "0.999999", False),
        ("SELL", "100", "101", "-1.000000", False),
        ("STRONG_SELL", "100", "50", "50.000000", True),
        ("SELL", "100", "100", "0.000000", False),
        ("buy", "3", "3.03", "1.000000", True),
        ("BUY", "3", "3.1", "3.333333", True),
        ("BUY", "0.000003", "0.000005", "66.666667", True),
        ("BUY", "0.000001", "9999999999999.999999", "999999999999999999800.000000", True),
        # 0.99999997 % is shown as 1 and is none.
        ("BUY", "1000000000000.000000", "1009999999999.700000", "1.000000", False),
        ("SELL", "1000000000000.000000", "990000000000.300000", "1.000000", False),
        ("BUY", "8", "8.0000001", "0.000001", False),  # half up: 0.00000125 is 0.000001
        ("BUY", "2", "2.00000001", "0.000001", False),  # 0.0000005 rounds away from zero
        ("SELL", "2", "2.00000001", "-0.000001", False),
    ],
)
def test_the_rule(word: str, before: str, after: str, rate: str, win: bool) -> None:
    verdict = judge(word, Decimal(before), Decimal(after))
    assert verdict == Verdict(profit_rate=Decimal(rate), is_win=win)
    assert verdict is not None
    assert verdict.profit_rate.as_tuple().exponent == -6


@pytest.mark.parametrize(
    ("word", "before", "after"),
    [("HOLD", "1", "2"), ("", "1", "2"), ("BUY", "0", "2"), ("BUY", "1", "0"), ("BUY", "-1", "2")],
)
def test_what_can_not_be_judged(word: str, before: str, after: str) -> None:
    assert judge(word, Decimal(before), Decimal(after)) is None


def test_missing_prices_can_not_be_judged() -> None:
    assert judge("BUY", None, Decimal(1)) is None
    assert judge("BUY", Decimal(1), None) is None


def test_the_callers_context_changes_nothing() -> None:
    with localcontext() as context:
        context.prec = 2
        verdict = judge("BUY", Decimal("1000"), Decimal("1009.999"))
    assert verdict == Verdict(profit_rate=Decimal("0.999900"), is_win=False)
