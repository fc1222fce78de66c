"""The prices by which signals are judged, each asked for once."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import TypeAlias

from shardwise.errors import InvalidValueError
from shardwise.finance.signals.requests import check_price

AskPrice: TypeAlias = Callable[[str, date], Awaitable[Decimal | None]]
PriceSource: TypeAlias = Mapping[str, Decimal] | AskPrice
"""Prices by symbol, or a function that is asked for a symbol's price on a day."""

_AT_ONCE = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """A price above zero, or the reason why there is none."""

    price: Decimal | None = None
    problem: str | None = None


class Quotes:
    """What a source says of symbols, in any case of their letters.

    A function is asked once for each symbol and day, for at most 8 at the same time; an error that it
    raises is the reason why there is no price.

    Args:
        source: a mapping, whose prices are taken for every day, or an async function.
    """

    def __init__(self, source: PriceSource) -> None:
        self._asked: dict[tuple[str, date], asyncio.Task[Quote]] = {}
        self._turns = asyncio.Semaphore(_AT_ONCE)
        self._ask: AskPrice = _looking_up(source) if isinstance(source, Mapping) else source

    async def of(self, symbol: str, day: date) -> Quote:
        """Return what there is for a symbol on a day."""
        key = symbol.upper(), day
        if key not in self._asked:
            self._asked[key] = asyncio.create_task(self._quote(symbol, day))
        return await asyncio.shield(self._asked[key])  # another shard may wait for it too

    async def close(self) -> None:
        """Give up what is still being asked for."""
        for task in self._asked.values():
            task.cancel()
        await asyncio.gather(*self._asked.values(), return_exceptions=True)

    async def _quote(self, symbol: str, day: date) -> Quote:
        async with self._turns:
            try:
                price = await self._ask(symbol, day)
                if not price:
                    return Quote(problem="there is no price")
                return Quote(price=check_price("price", price))
            except InvalidValueError as error:
                return Quote(problem=str(error))
            except Exception as error:  # noqa: BLE001  # one symbol's trouble is reported, the others go on
                return Quote(problem=f"{type(error).__name__}: {error}")


def _looking_up(prices: Mapping[str, Decimal]) -> AskPrice:
    folded = {symbol.upper(): price for symbol, price in prices.items()}

    async def ask(symbol: str, day: date) -> Decimal | None:
        return folded.get(symbol.upper())

    return ask
