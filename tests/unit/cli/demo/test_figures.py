"""The demo's last check: each kind of damage to what is stored must be found and named."""

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from shardwise.cli.demo.expectation import ExpectedAccount, ExpectedPosition
from shardwise.cli.demo.figures import compare, wrong
from shardwise.cli.demo.plan import Act
from shardwise.cli.demo.stored import Stored, StoredShard, act_of
from shardwise.finance.ledger.models import LedgerAccount, LedgerTransaction, TransactionType
from shardwise.finance.portfolios.models import PortfolioPosition

EXPECTED = {
    "ann": ExpectedAccount(
        balance=Decimal(70),
        transactions={Act.DEPOSIT: 1, Act.BUY: 1},
        amounts={Act.DEPOSIT: Decimal(100), Act.BUY: Decimal(30)},
        positions={"WTI": ExpectedPosition(quantity=Decimal(3), average_cost=Decimal(10), value=Decimal(30))},
    ),
    "bob": ExpectedAccount(
        balance=Decimal(5), transactions={Act.DEPOSIT: 1}, amounts={Act.DEPOSIT: Decimal(5)}, positions={}
    ),
}


def movement(key: int, kind: TransactionType, amount: int, asset: str | None = None) -> LedgerTransaction:
    return LedgerTransaction(
        account_db_key=key, transaction_type=kind, amount=Decimal(amount), reference_id=asset
    )


def shard(shard_id: int, key: int, balance: int, transactions: list[LedgerTransaction]) -> StoredShard:
    return StoredShard(
        shard_id=shard_id,
        name=f"shard_{shard_id}",
        address="somewhere",
        revision="s0023",
        rows={},
        counted=1,
        accounts={key: LedgerAccount(account_db_key=key, balance=Decimal(balance))},
        transactions=transactions,
        positions=[],
    )


def stored() -> Stored:
    first = shard(
        1,
        1000,
        70,
        [
            movement(1000, TransactionType.DEPOSIT, 100),
            movement(1000, TransactionType.WITHDRAWAL, 30, "WTI"),
        ],
    )
    position = PortfolioPosition(
        account_db_key=1000,
        asset_code="WTI",
        quantity=Decimal(3),
        average_cost=Decimal(10),
        current_value=Decimal(30),
    )
    second = shard(2, 1001, 5, [movement(1001, TransactionType.DEPOSIT, 5)])
    return Stored(
        names={1000: "ann", 1001: "bob"},
        logins={1000: 1, 1001: 0},
        directory={1000: 1, 1001: 2},
        shards={1: replace(first, positions=[position]), 2: second},
    )


def test_undamaged_is_right() -> None:
    figures = compare(EXPECTED, stored())
    assert wrong(figures) == []
    assert len(figures) == 17


def changed(what: Stored, shard_id: int, **facts: Any) -> Stored:
    return replace(what, shards={**what.shards, shard_id: replace(what.shards[shard_id], **facts)})


def lose_account(what: Stored) -> Stored:
    return changed(what, 2, accounts={})


def put_account_on_two_shards(what: Stored) -> Stored:
    both = {**what.shards[1].accounts, **what.shards[2].accounts}
    return changed(what, 1, accounts=both, counted=2)


def misplace_account(what: Stored) -> Stored:
    return replace(what, directory={1000: 2, 1001: 2})


def miscount(what: Stored) -> Stored:
    return changed(what, 1, counted=2)


def lose_transaction(what: Stored) -> Stored:
    return changed(what, 1, transactions=what.shards[1].transactions[:1])


def double_transaction(what: Stored) -> Stored:
    return changed(what, 2, transactions=[*what.shards[2].transactions] * 2)


def give_transaction_to_another(what: Stored) -> Stored:
    given = [movement(1000, TransactionType.DEPOSIT, 5)]
    return changed(what, 2, transactions=given)


def swap_balances(what: Stored) -> Stored:
    one = LedgerAccount(account_db_key=1000, balance=Decimal(5))
    two = LedgerAccount(account_db_key=1001, balance=Decimal(70))
    return changed(changed(what, 1, accounts={1000: one}), 2, accounts={1001: two})


def change_amount(what: Stored) -> Stored:
    return changed(what, 2, transactions=[movement(1001, TransactionType.DEPOSIT, 6)])


def position_with(**facts: object) -> Callable[[Stored], Stored]:
    def damage(what: Stored) -> Stored:
        position = what.shards[1].positions[0]
        for name, value in facts.items():
            setattr(position, name, value)
        return what

    return damage


def lose_position(what: Stored) -> Stored:
    return changed(what, 1, positions=[])


def add_stranger(what: Stored) -> Stored:
    return replace(what, names={**what.names, 1002: "eve"})


@pytest.mark.parametrize(
    ("damage", "names", "words"),
    [
        (lose_account, {"ledger accounts on all shards", "accounts with the right balance"}, "bob"),
        (put_account_on_two_shards, {"ledger accounts on all shards"}, "stored 3"),
        (misplace_account, {"accounts where the directory says"}, "1000"),
        (miscount, {"shards with the number of accounts in the statistics"}, "shard 1"),
        (lose_transaction, {"transactions", "accounts with all their transactions"}, "ann"),
        (double_transaction, {"transactions", "money saved"}, "bob"),
        (give_transaction_to_another, {"accounts with all their transactions"}, "ann"),
        (swap_balances, {"accounts with the right balance"}, "ann"),
        (change_amount, {"money saved"}, "stored 106"),
        (position_with(quantity=Decimal(4)), {"positions with the right quantity"}, "ann WTI"),
        (position_with(average_cost=Decimal("10.01")), {"positions with the right average cost"}, "10.01"),
        (position_with(current_value=Decimal(31)), {"positions with the right value"}, "31"),
        (lose_position, {"positions", "positions with the right quantity"}, "ann WTI"),
        (add_stranger, {"accounts in the global database"}, "stored 3"),
    ],
)
def test_damage_is_found(damage: Callable[[Stored], Stored], names: set[str], words: str) -> None:
    found = wrong(compare(EXPECTED, damage(stored())))
    assert names <= {figure.name for figure in found}
    assert words in " ".join(figure.sentence for figure in found)


@pytest.mark.parametrize(
    ("kind", "asset", "act"),
    [
        (TransactionType.DEPOSIT, None, Act.DEPOSIT),
        (TransactionType.DEPOSIT, "WTI", Act.SELL),
        (TransactionType.WITHDRAWAL, "WTI", Act.BUY),
        (TransactionType.WITHDRAWAL, None, Act.WITHDRAW),
    ],
)
def test_acts_are_told_by_transactions(kind: TransactionType, asset: str | None, act: Act) -> None:
    assert act_of(movement(1, kind, 1, asset)) is act
