"""What callers ask for about alarms and signals; checked before any of it reaches a database."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from shardwise.errors import InvalidValueError
from shardwise.finance.signals.types import SignalType
from shardwise.finance.validation import check_code, check_decimal, check_moment, check_text

PRICE_PRECISION, PRICE_SCALE = 19, 6
LONGEST_ID, LONGEST_SYMBOL = 128, 50
_TEXTS = {"company_name": 200, "exchange": 50, "currency": 10}
_LONGEST_NOTE = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class NewAlarm:
    """A symbol that an account wants to hear about.

    Args:
        account_db_key: whose alarm.
        symbol: 1 to 50 visible ASCII characters; taken in any case of its letters.
        company_name: up to 200 characters.
        current_price: the price now, above zero, at most 6 digits after the point, below 10**13.
        exchange: up to 50 characters.
        currency: up to 10 characters.
        note: up to 500 characters, on as many lines as you like.
        alarm_id: 1 to 128 visible ASCII characters; None for a new one.
    """

    account_db_key: int
    symbol: str
    company_name: str | None = None
    current_price: Decimal | None = None
    exchange: str | None = None
    currency: str | None = None
    note: str | None = None
    alarm_id: str | None = None

    def check(self) -> None:
        """Check every value but the account.

        Raises:
            InvalidValueError: one can't be accepted; it is named.
        """
        check_code("symbol", self.symbol, longest=LONGEST_SYMBOL)
        if self.alarm_id is not None:
            check_code("alarm_id", self.alarm_id, longest=LONGEST_ID)
        if self.current_price is not None:
            check_price("current_price", self.current_price)
        for name, longest in _TEXTS.items():
            if (value := getattr(self, name)) is not None:
                check_text(name, value, longest=longest)
        _check_note(self.note)


def check_price(field: str, price: Decimal) -> Decimal:
    """Return a price with 6 digits after the point.

    Raises:
        InvalidValueError: it is no `Decimal` above zero, or doesn't fit DECIMAL(19,6) exactly.
    """
    return check_decimal(field, price, precision=PRICE_PRECISION, scale=PRICE_SCALE)


def _check_note(note: object) -> None:
    if note is not None and not isinstance(note, str):
        raise InvalidValueError("note", f"it must be text, not {type(note).__name__}")
    if isinstance(note, str) and len(note) > _LONGEST_NOTE:
        raise InvalidValueError(
            "note", f"it has {len(note)} characters; at most {_LONGEST_NOTE} are accepted"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class NewSignal:
    """A signal of an alarm.

    Args:
        account_db_key: whose alarm.
        alarm_id: the alarm.
        signal_type: what the signal says.
        signal_price: the price at that moment, above zero, at most 6 digits after the point, below 10**13.
        volume: what was traded, 0 or more.
        symbol: by default the alarm's.
        triggered_at: the moment, aware; by default now.
        signal_id: 1 to 128 visible ASCII characters; None for a new one.
    """

    account_db_key: int
    alarm_id: str
    signal_type: str
    signal_price: Decimal | None
    volume: int | None = 0
    symbol: str | None = None
    triggered_at: datetime | None = None
    signal_id: str | None = None

    def check(self) -> None:
        """Check every value but the account and the alarm, which the database knows.

        Raises:
            InvalidValueError: one can't be accepted; it is named.
        """
        check_signal_type(self.signal_type)
        if self.signal_price is not None:
            check_price("signal_price", self.signal_price)
        if self.volume is not None and (type(self.volume) is not int or not 0 <= self.volume < 1 << 63):
            raise InvalidValueError("volume", f"takes a whole number, 0 or more, not {self.volume!r}")
        if self.symbol is not None:
            check_code("symbol", self.symbol, longest=LONGEST_SYMBOL)
        if self.signal_id is not None:
            check_code("signal_id", self.signal_id, longest=LONGEST_ID)
        if self.triggered_at is not None:
            check_moment("triggered_at", self.triggered_at)


def check_signal_type(word: object) -> SignalType:
    """Return the signal type of this word.

    Raises:
        InvalidValueError: there is none.
    """
    try:
        return SignalType(word)  # type: ignore[arg-type]  # anything may be asked
    except ValueError:
        raise InvalidValueError("signal_type", f"it must be one of {', '.join(SignalType)}") from None


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalFilter:
    """Which signals of an account are meant; None = any. Words match in any case of their letters."""

    alarm_id: str | None = None
    symbol: str | None = None
    signal_type: str | None = None
