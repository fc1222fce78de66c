"""What somebody wants to buy or sell, and the money that it moves."""

import re
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from shardwise.errors import InvalidValueError
from shardwise.finance.ledger.models import TransactionType
from shardwise.finance.ledger.posting import Entry
from shardwise.finance.portfolios.models import AssetType
from shardwise.finance.validation import EXACT, check_code, check_decimal, to_scale

CENTS = 2
HIGHEST_VALUE = Decimal(10**15 - 1).scaleb(-CENTS)

_ASSET_CODE = re.compile(r"[A-Z0-9][A-Z0-9.^=/_-]{0,9}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What is to be bought or sold; checked when it is made.

    Args:
        account_db_key: for whom.
        asset_code: 1 to 10 of A-Z, 0-9 and . ^ = / _ -, not beginning with a sign.
        quantity: above zero, at most 6 digits after the point, below 10**9.
        price: of one, above zero, at most 6 digits after the point, below 10**13.
        transaction_id: 1 to 32 visible ASCII characters; None for a new one.
        asset_type: what kind of thing it is, kept from the first purchase.

    Raises:
        InvalidValueError: one of them can't be accepted, or the value is too large.
    """

    account_db_key: int
    asset_code: str
    quantity: Decimal
    price: Decimal
    transaction_id: str | None = None
    asset_type: AssetType = AssetType.STOCK

    def __post_init__(self) -> None:
        check_code("asset_code", self.asset_code, longest=10)
        if not _ASSET_CODE.fullmatch(self.asset_code):
            raise InvalidValueError("asset_code", "A-Z, 0-9 and . ^ = / _ - are accepted, not a sign first")
        object.__setattr__(self, "quantity", check_decimal("quantity", self.quantity, precision=15, scale=6))
        object.__setattr__(self, "price", check_decimal("price", self.price, precision=19, scale=6))
        if to_scale(self.price, CENTS) > HIGHEST_VALUE:  # the average cost may become that
            raise InvalidValueError("price", f"{self.price} in cents is above {HIGHEST_VALUE}")
        if self._value(ROUND_CEILING) > HIGHEST_VALUE:
            raise InvalidValueError("quantity", f"its value at this price is above {HIGHEST_VALUE}")

    def purchase(self) -> Entry:
        """Return the withdrawal that pays for it: quantity times price, rounded up to the cent."""
        return self._entry(TransactionType.WITHDRAWAL, "BUY", self._value(ROUND_CEILING))

    def sale(self) -> Entry:
        """Return the deposit that pays it out: quantity times price, rounded down to the cent.

        Rounding against the investor both ways: were it to the nearest cent, buying in small parts and
        selling at once would make money out of nothing.

        Raises:
            InvalidValueError: it is worth less than a cent.
        """
        value = self._value(ROUND_FLOOR)
        if not value:
            raise InvalidValueError("quantity", "at this price it is worth less than 0.01: nothing is paid")
        return self._entry(TransactionType.DEPOSIT, "SELL", value)

    def _value(self, rounding: str) -> Decimal:
        exact = EXACT.multiply(self.quantity, self.price)
        return exact.quantize(Decimal(1).scaleb(-CENTS), rounding=rounding, context=EXACT)

    def _entry(self, transaction_type: TransactionType, verb: str, amount: Decimal) -> Entry:
        price = self.price.normalize(EXACT)
        if price.as_tuple().exponent > -CENTS:  # type: ignore[operator]  # finite
            price = to_scale(price, CENTS)
        return Entry(
            account_db_key=self.account_db_key,
            transaction_type=transaction_type,
            amount=amount,
            transaction_id=self.transaction_id,
            description=f"{verb} {self.quantity:f} {self.asset_code} @ {price:f}",
            reference_id=self.asset_code,
        )
