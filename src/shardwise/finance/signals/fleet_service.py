"""What concerns the signals of all accounts: which symbols to watch, whom to tell, what to evaluate."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from shardwise.database import ShardedDatabase
from shardwise.errors import InvalidValueError
from shardwise.finance.signals.alarm_repository import AlarmRepository
from shardwise.finance.signals.due import DueRun, Progress, ShardEvaluation
from shardwise.finance.signals.fleet import FleetAnswer, ask_active_shards
from shardwise.finance.signals.quotes import PriceSource, Quotes
from shardwise.finance.signals.requests import LONGEST_SYMBOL
from shardwise.finance.signals.values import Alarm
from shardwise.finance.validation import check_code
from shardwise.repository.values import check_limit

_LARGEST_BATCH = 500


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class WatchedSymbol:
    """A symbol that somebody has an active alarm for.

    Attributes:
        symbol: as the alarm spells it.
        exchange: empty if the alarm names none.
    """

    symbol: str
    exchange: str = ""


class SignalFleet:
    """Alarms and signals of everybody, over one shard or all active ones side by side.

    A shard that can't be asked is named in `FleetAnswer.failed`, never left out silently.

    Args:
        db: an open database.
    """

    def __init__(self, db: ShardedDatabase) -> None:
        self._db = db

    async def symbols_of_shard(self, shard_id: int) -> Sequence[WatchedSymbol]:
        """Return what accounts of a shard have active alarms for, in order.

        Raises:
            UnknownShardError, ShardUnavailableError, DatabaseError: the shard can't be asked.
        """
        async with self._db.shard_session(shard_id, read_only=True) as session:
            found = await AlarmRepository(session).active_symbols()
        return [WatchedSymbol(symbol=symbol, exchange=exchange or "") for symbol, exchange in found]

    async def symbols(self) -> FleetAnswer[Sequence[WatchedSymbol]]:
        """Return the same of every active shard; `watched` puts them together."""
        return await ask_active_shards(self._db, self.symbols_of_shard)

    async def alarms_of_shard(self, shard_id: int, symbol: str) -> Sequence[Alarm]:
        """Return the active alarms for a symbol, in any case of its letters, on a shard, oldest first.

        Raises:
            InvalidValueError: this can't be a symbol; nothing was asked of the database.
            UnknownShardError, ShardUnavailableError, DatabaseError: the shard can't be asked.
        """
        check_code("symbol", symbol, longest=LONGEST_SYMBOL)
        async with self._db.shard_session(shard_id, read_only=True) as session:
            return [Alarm.of(row) for row in await AlarmRepository(session).active(symbol=symbol)]

    async def alarms(self, symbol: str) -> FleetAnswer[Sequence[Alarm]]:
        """Return the same of every active shard.

        Raises:
            InvalidValueError: this can't be a symbol.
        """
        check_code("symbol", symbol, longest=LONGEST_SYMBOL)
        return await ask_active_shards(self._db, lambda shard_id: self.alarms_of_shard(shard_id, symbol))

    async def evaluate_due(
        self,
        day: date,
        prices: PriceSource,
        *,
        batch_size: int = 200,
        progress: Progress | None = None,
    ) -> FleetAnswer[ShardEvaluation]:
        """Judge every signal that nobody has evaluated, triggered on a day or before, on all active shards.

        Each batch is a transaction. A run that was cut short, or a shard that failed, is gone on with by
        the next call; nothing is judged twice. What has no price stays due, and is listed in `skipped`.

        Args:
            day: the last UTC day whose signals are due: yesterday, once today's prices are known.
            prices: a mapping from symbols to the prices one day later, which all due signals of a symbol
                are judged by, however old they are; or an async function `price(symbol, day)`, which is
                asked for the price of the day after each signal's own, and may return None.
            batch_size: signals a transaction, 1 to 500.
            progress: called after each batch of a shard.

        Raises:
            InvalidValueError: the day or the batch size can't be accepted.
        """
        _check(day, batch_size)
        quotes = Quotes(prices)
        try:
            return await ask_active_shards(
                self._db,
                lambda shard_id: DueRun(
                    self._db, shard_id, day=day, quotes=quotes, batch_size=batch_size, progress=progress
                ).run(),
            )
        finally:
            await quotes.close()

    async def evaluate_shard(
        self,
        shard_id: int,
        day: date,
        prices: PriceSource,
        *,
        batch_size: int = 200,
        progress: Progress | None = None,
    ) -> ShardEvaluation:
        """Do the work of `evaluate_due` on one shard.

        Raises:
            InvalidValueError: the day or the batch size can't be accepted.
            UnknownShardError, ShardUnavailableError, DatabaseError: the shard can't be asked.
        """
        _check(day, batch_size)
        quotes = Quotes(prices)
        run = DueRun(self._db, shard_id, day=day, quotes=quotes, batch_size=batch_size, progress=progress)
        try:
            return await run.run()
        finally:
            await quotes.close()


def watched(answer: FleetAnswer[Sequence[WatchedSymbol]]) -> Sequence[WatchedSymbol]:
    """Return the symbols that any shard named, each once, in order; of several spellings the first."""
    named = sorted(symbol for symbols in answer.by_shard.values() for symbol in symbols)
    each = {(symbol.symbol.upper(), symbol.exchange.upper()): symbol for symbol in reversed(named)}
    return sorted(each.values())


def _check(day: object, batch_size: int) -> None:
    if not isinstance(day, date) or isinstance(day, datetime):
        raise InvalidValueError("day", f"takes a date, not {type(day).__name__}")
    if day == date.max:
        raise InvalidValueError("day", "there is no day after it")
    check_limit("batch_size", batch_size, 1, _LARGEST_BATCH)
