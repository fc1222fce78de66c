"""Evaluating all signals of a shard whose day is over."""

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from shardwise.database import ShardedDatabase
from shardwise.finance.signals.evaluation import evaluate_batch, why_not
from shardwise.finance.signals.judging import Verdict
from shardwise.finance.signals.models import Signal
from shardwise.finance.signals.quotes import Quote, Quotes
from shardwise.finance.signals.signal_repository import Position, SignalRepository

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Skipped:
    """Signals that stay due.

    Attributes:
        symbol: their symbol.
        problem: why they could not be judged.
        signals: how many there are.
    """

    symbol: str
    problem: str
    signals: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ShardEvaluation:
    """How far the evaluation of a shard has got.

    Attributes:
        shard_id: the shard.
        evaluated: signals judged by this run.
        won: those of them that won.
        skipped: what stays due, by symbol.
        done: whether the run is through.
    """

    shard_id: int
    evaluated: int
    won: int
    skipped: tuple[Skipped, ...]
    done: bool


Progress = Callable[[ShardEvaluation], None]


class DueRun:
    """One run over the due signals of one shard, batch by batch, each in a transaction of its own.

    A run that ends early is resumed by another one: what was judged is no longer due.

    Args:
        db: an open database.
        shard_id: the shard.
        day: the last UTC day whose signals are due.
        quotes: the prices.
        batch_size: signals a transaction.
        progress: called after each batch, and at the end.
    """

    def __init__(
        self,
        db: ShardedDatabase,
        shard_id: int,
        *,
        day: date,
        quotes: Quotes,
        batch_size: int,
        progress: Progress | None,
    ) -> None:
        self._db = db
        self._shard_id = shard_id
        self._until = datetime.combine(day + _DAY, time(), tzinfo=UTC)
        self._quotes = quotes
        self._batch_size = batch_size
        self._progress = progress
        self._evaluated = self._won = 0
        self._skipped: Counter[tuple[str, str]] = Counter()

    async def run(self) -> ShardEvaluation:
        """Evaluate everything that is due and has a price."""
        behind: Position | None = None
        while batch := await self._next(behind):
            last = batch[-1]
            behind = (_moment(last), last.account_db_key, last.signal_id)
            for verdict in await self._judge(batch):
                self._evaluated += 1
                self._won += verdict.is_win
            if len(batch) < self._batch_size:
                break
            self._tell(done=False)
        return self._tell(done=True)

    async def _next(self, behind: Position | None) -> Sequence[Signal]:
        @self._db.with_retry
        async def read() -> Sequence[Signal]:
            async with self._db.shard_session(self._shard_id, read_only=True) as session:
                return await SignalRepository(session).waiting(
                    until=self._until, behind=behind, limit=self._batch_size
                )

        return await read()

    async def _judge(self, batch: Sequence[Signal]) -> Sequence[Verdict]:
        """Ask for the prices, outside of any transaction, and judge what has one."""
        prices = {}
        quotes = await asyncio.gather(*map(self._quote, batch))
        for signal, quote in zip(batch, quotes, strict=True):
            if quote.price is None:
                self._skipped[signal.symbol.upper(), quote.problem or ""] += 1
            else:
                prices[signal.account_db_key, signal.signal_id] = quote.price
        if not prices:
            return []

        @self._db.with_retry
        async def write() -> Sequence[Verdict]:
            async with self._db.shard_session(self._shard_id) as session:
                return await evaluate_batch(session, prices)

        return await write()

    async def _quote(self, signal: Signal) -> Quote:
        if (problem := why_not(signal)) is not None:
            return Quote(problem=problem)
        return await self._quotes.of(signal.symbol, _moment(signal).date() + _DAY)

    def _tell(self, *, done: bool) -> ShardEvaluation:
        state = ShardEvaluation(
            shard_id=self._shard_id,
            evaluated=self._evaluated,
            won=self._won,
            skipped=tuple(
                Skipped(symbol=symbol, problem=problem, signals=signals)
                for (symbol, problem), signals in sorted(self._skipped.items())
            ),
            done=done,
        )
        if self._progress is not None:
            self._progress(state)
        return state


def _moment(signal: Signal) -> datetime:
    assert signal.triggered_at is not None  # noqa: S101  # the query finds no others
    return signal.triggered_at.astimezone(UTC)
