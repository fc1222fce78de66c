"""Judging stored signals by the price one day later."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from shardwise.errors import EntityNotFoundError, SignalEvaluationError
from shardwise.finance.signals.judging import Verdict, judge
from shardwise.finance.signals.models import Signal
from shardwise.finance.signals.signal_repository import SignalRepository, judged_row
from shardwise.finance.signals.values import RecordedSignal
from shardwise.kit.clock import utc_now

SignalKey = tuple[int, str]
"""An account and a signal id."""


async def evaluate_signal(
    session: AsyncSession, account_db_key: int, signal_id: str, price: Decimal, *, again: bool = False
) -> RecordedSignal:
    """Judge one signal and store how it turned out.

    Args:
        session: of the account's shard.
        account_db_key: whose signal.
        signal_id: the signal.
        price: the price one day after it, above zero.
        again: also if it was evaluated before, which is overwritten.

    Raises:
        EntityNotFoundError: the account has no such signal.
        SignalEvaluationError: it was evaluated before, or it can't be judged: it has no price above zero,
            or its word says neither to buy nor to sell.
    """
    signals = SignalRepository(session)
    found = await signals.lock([(account_db_key, signal_id)])
    if not found:
        raise EntityNotFoundError(Signal.__name__, (account_db_key, signal_id))
    (signal,) = found
    if signal.evaluated_at is not None and not again:
        raise SignalEvaluationError(
            f"the signal {signal_id} was evaluated before; say again=True to overwrite"
        )
    verdict = judge(signal.signal_type, signal.signal_price, price)
    if verdict is None:
        raise SignalEvaluationError(f"the signal {signal_id} can't be judged: {why_not(signal)}")
    await signals.store(signal, _judged(verdict, price))
    return RecordedSignal.of(signal)


async def evaluate_batch(session: AsyncSession, prices: Mapping[SignalKey, Decimal]) -> Sequence[Verdict]:
    """Judge many signals of one shard, in two statements.

    Those that somebody else has evaluated or deleted meanwhile are left alone.

    Args:
        session: of the shard.
        prices: the price one day after each signal, above zero.

    Returns:
        A verdict for each signal that was judged now.
    """
    signals = SignalRepository(session)
    verdicts, rows = [], []
    for signal in await signals.lock(prices):
        price = prices[signal.account_db_key, signal.signal_id]
        verdict = judge(signal.signal_type, signal.signal_price, price)
        if signal.evaluated_at is None and verdict is not None:
            verdicts.append(verdict)
            rows.append(judged_row(signal, _judged(verdict, price)))
    if rows:
        await signals.store_judged(rows)
    return verdicts


def why_not(signal: Signal) -> str | None:
    """Return why a signal can't be judged whatever the price becomes, None if it can."""
    if judge(signal.signal_type, Decimal(1), Decimal(1)) is None:
        return f"{signal.signal_type!r} says neither to buy nor to sell"
    if not signal.signal_price or signal.signal_price < 0:
        return "it has no price above zero"
    return None


def _judged(verdict: Verdict, price: Decimal) -> dict[str, Any]:
    now = utc_now()
    return {
        "price_after_1d": price,
        "profit_rate": verdict.profit_rate,
        "is_win": verdict.is_win,
        "evaluated_at": now,
        "updated_at": now,
    }
