"""What signals say to do."""

from enum import StrEnum


class SignalType(StrEnum):
    """What a signal says to do."""

    BUY = "BUY"
    SELL = "SELL"
    STRONG_BUY = "STRONG_BUY"
    STRONG_SELL = "STRONG_SELL"


BUYING = frozenset({SignalType.BUY, SignalType.STRONG_BUY})
SELLING = frozenset({SignalType.SELL, SignalType.STRONG_SELL})
