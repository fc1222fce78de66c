"""Buying and selling: money, transaction and position change together."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy.ext.asyncio import AsyncSession

from shardwise.database import ShardedDatabase
from shardwise.errors import InsufficientHoldingsError, InvalidValueError
from shardwise.finance.ledger.models import LedgerTransaction
from shardwise.finance.ledger.posting import post
from shardwise.finance.portfolios.models import AssetType, PortfolioPosition
from shardwise.finance.portfolios.orders import CENTS, HIGHEST_VALUE, Order
from shardwise.finance.portfolios.repository import PositionRepository
from shardwise.finance.running import write_for
from shardwise.finance.validation import EXACT, to_scale

_HIGHEST_QUANTITY = Decimal(10**15 - 1).scaleb(-6)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trade:
    """What came of an order.

    Attributes:
        transaction: the movement of money.
        position: what is held of the asset now.
        repeated: the transaction was there before, so nothing was traded now.
    """

    transaction: LedgerTransaction
    position: PortfolioPosition
    repeated: bool


class PortfolioService:
    """What accounts hold, each on its account's shard.

    Args:
        db: an open database.
    """

    def __init__(self, db: ShardedDatabase) -> None:
        self._db = db

    async def buy(
        self,
        account_db_key: int,
        asset_code: str,
        quantity: Decimal,
        price: Decimal,
        *,
        transaction_id: str | None = None,
        asset_type: AssetType = AssetType.STOCK,
    ) -> Trade:
        """Pay for an asset and add it to the position, once for each transaction id.

        What is paid is rounded up to the cent, and what a sale pays out is rounded down.

        The average cost becomes the mean of what is held and what is bought, weighted by quantity,
        rounded half up to cents; the current value is that of the whole position at this price.

        Args:
            account_db_key: for whom.
            asset_code: 1 to 10 of A-Z, 0-9 and . ^ = / _ -.
            quantity: above zero, at most 6 digits after the point.
            price: of one, above zero, at most 6 digits after the point.
            transaction_id: 1 to 32 visible ASCII characters; give one to be able to repeat the call.
            asset_type: what kind of thing it is, kept from the first purchase.

        Raises:
            InvalidValueError: an argument can't be accepted; nothing was written.
            InsufficientFundsError: the balance is smaller than the price of all.
            LedgerAccountError: there is no ledger account, or it is suspended or closed.
            TransactionConflictError: the id was used before for something else.
        """
        order = Order(
            account_db_key=account_db_key,
            asset_code=asset_code,
            quantity=quantity,
            price=price,
            transaction_id=transaction_id,
            asset_type=asset_type,
        )
        return await write_for(self._db, account_db_key, lambda session: _buy(session, order))

    async def sell(
        self,
        account_db_key: int,
        asset_code: str,
        quantity: Decimal,
        price: Decimal,
        *,
        transaction_id: str | None = None,
    ) -> Trade:
        """Take an asset out of the position and be paid for it; arguments as `buy`.

        The average cost of what is left stays; a position that is sold whole stays as a row of zeros.

        Raises:
            InsufficientHoldingsError: less than the quantity is held.
            InvalidValueError: an argument can't be accepted; nothing was written.
            LedgerAccountError: there is no ledger account, or it is suspended or closed.
            TransactionConflictError: the id was used before for something else.
        """
        order = Order(
            account_db_key=account_db_key,
            asset_code=asset_code,
            quantity=quantity,
            price=price,
            transaction_id=transaction_id,
        )
        return await write_for(self._db, account_db_key, lambda session: _sell(session, order))

    async def positions(self, account_db_key: int) -> Sequence[PortfolioPosition]:
        """Return what an account holds, by asset code.

        Raises:
            UnknownAccountError: the account has no shard.
        """
        async with self._db.session(account_db_key, read_only=True) as session:
            return await PositionRepository(session).held(account_db_key)


async def _buy(session: AsyncSession, order: Order) -> Trade:
    posted = await post(session, order.purchase())
    # The ledger account is locked, so nobody else changes this account's positions meanwhile.
    position = await PositionRepository(session).find(order.account_db_key, order.asset_code)
    if position is None:
        position = PortfolioPosition(
            account_db_key=order.account_db_key,
            asset_code=order.asset_code,
            asset_type=order.asset_type,
            quantity=Decimal(0),
            average_cost=Decimal(0),
        )
        session.add(position)
    if not posted.repeated:
        _add(position, order)
    return Trade(transaction=posted.transaction, position=position, repeated=posted.repeated)


async def _sell(session: AsyncSession, order: Order) -> Trade:
    posted = await post(session, order.sale())
    position = await PositionRepository(session).find(order.account_db_key, order.asset_code)
    if position is None or (position.quantity < order.quantity and not posted.repeated):
        held = Decimal(0) if position is None else position.quantity
        raise InsufficientHoldingsError(
            f"account {order.account_db_key} holds {held} {order.asset_code}, fewer than {order.quantity}"
        )
    if not posted.repeated:
        _remove(position, order)
    return Trade(transaction=posted.transaction, position=position, repeated=posted.repeated)


def _add(position: PortfolioPosition, order: Order) -> None:
    quantity = EXACT.add(position.quantity, order.quantity)
    before = EXACT.multiply(position.quantity, position.average_cost)
    paid = EXACT.multiply(order.quantity, order.price)
    _check_room(quantity, order.price)
    position.average_cost = to_scale(EXACT.divide(EXACT.add(before, paid), quantity), CENTS)
    position.quantity = quantity
    position.current_value = to_scale(EXACT.multiply(quantity, order.price), CENTS)


def _remove(position: PortfolioPosition, order: Order) -> None:
    quantity = EXACT.subtract(position.quantity, order.quantity)
    _check_room(quantity, order.price)
    position.quantity = quantity
    position.current_value = to_scale(EXACT.multiply(quantity, order.price), CENTS)
    if not quantity:
        position.average_cost = to_scale(Decimal(0), CENTS)


def _check_room(quantity: Decimal, price: Decimal) -> None:
    if quantity > _HIGHEST_QUANTITY or EXACT.multiply(quantity, price) > HIGHEST_VALUE:
        raise InvalidValueError(
            "quantity", f"the position would be {quantity}, too large at the price {price}"
        )
