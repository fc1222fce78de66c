"""Rates in percent, exact and rounded once."""

from decimal import Decimal

from shardwise.finance.signals.values import Performance
from shardwise.finance.validation import EXACT, to_scale

_SHOWN_SCALE = 2
_HUNDRED = Decimal(100)


def performance_of(*, evaluated: int, won: int, judged: int, profit: Decimal | None) -> Performance:
    """Return how signals turned out.

    Args:
        evaluated: signals that won or lost.
        won: those that won.
        judged: those of the evaluated ones that have a profit rate.
        profit: the sum of the profit rates, None if there are none.
    """
    return Performance(
        evaluated_signals=evaluated,
        won_signals=won,
        win_rate=_share(EXACT.multiply(_HUNDRED, Decimal(won)), evaluated),
        profit_rate=_share(profit or Decimal(0), judged),
    )


def _share(total: Decimal, parts: int) -> Decimal:
    return to_scale(EXACT.divide(total, Decimal(parts)) if parts else Decimal(0), _SHOWN_SCALE)
