"""Use cases of an account are run again, whole, after what the database gave up; also those with money."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from shardwise.database import ShardedDatabase
from shardwise.errors import CommitOutcomeUnknownError, TransientDatabaseError
from shardwise.finance.ledger import service as ledger_service
from shardwise.finance.ledger.service import LedgerService
from shardwise.finance.portfolios import service as portfolio_service
from shardwise.finance.portfolios.service import PortfolioService

Fail = Callable[[Any, str, Exception], list[None]]


@pytest.fixture
def fail_once(monkeypatch: pytest.MonkeyPatch) -> Fail:
    """Makes a use case fail after its work the first time; returns a list with an entry a call."""

    def patch(module: Any, name: str, error: Exception) -> list[None]:
        work, calls = getattr(module, name), list[None]()

        async def run(*arguments: Any) -> Any:
            calls.append(None)
            done = await work(*arguments)
            if len(calls) == 1:
                raise error
            return done

        monkeypatch.setattr(module, name, run)
        return calls

    return patch


async def test_a_deposit_is_run_again_and_stored_once(
    db: ShardedDatabase, account: int, fail_once: Fail
) -> None:
    ledger = LedgerService(db)
    calls = fail_once(ledger_service, "post", TransientDatabaseError("a deadlock"))
    await ledger.deposit(account, Decimal(10))
    assert len(calls) == 2
    assert (await ledger.get_account(account)).balance == Decimal(10)
    assert len((await ledger.history(account)).items) == 1


@pytest.mark.parametrize("name", ["_buy", "_sell"])
async def test_a_trade_is_run_again_and_stored_once(
    db: ShardedDatabase, account: int, fail_once: Fail, name: str
) -> None:
    ledger, portfolios = LedgerService(db), PortfolioService(db)
    await ledger.deposit(account, Decimal(100))
    await portfolios.buy(account, "WTI", Decimal(2), Decimal(10))
    calls = fail_once(portfolio_service, name, TransientDatabaseError("a deadlock"))
    trade = portfolios.buy if name == "_buy" else portfolios.sell
    await trade(account, "WTI", Decimal(1), Decimal(10))
    assert len(calls) == 2
    [position] = await portfolios.positions(account)
    assert position.quantity == (3 if name == "_buy" else 1)
    assert (await ledger.get_account(account)).balance == (70 if name == "_buy" else 90)


async def test_an_unknown_outcome_is_never_run_again(
    db: ShardedDatabase, account: int, fail_once: Fail
) -> None:
    ledger = LedgerService(db)
    calls = fail_once(ledger_service, "post", CommitOutcomeUnknownError())
    with pytest.raises(CommitOutcomeUnknownError):
        await ledger.deposit(account, Decimal(10))
    assert len(calls) == 1
