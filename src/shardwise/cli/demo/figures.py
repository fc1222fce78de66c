"""Compares what is stored with what the plan says must be, figure by figure."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from shardwise.cli.demo.expectation import ExpectedAccount, total
from shardwise.cli.demo.plan import Act
from shardwise.cli.demo.stored import Stored, act_of

_SUMS = {
    Act.DEPOSIT: "money saved",
    Act.BUY: "money paid for purchases",
    Act.SELL: "money from sales",
    Act.WITHDRAW: "money taken out",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One figure, or how many of many are right.

    Attributes:
        name: what it counts.
        expected: what the plan says.
        stored: what the databases say.
        first_difference: of many, the first that isn't right; None if all are.
    """

    name: str
    expected: int | Decimal
    stored: int | Decimal
    first_difference: str | None = None

    @property
    def right(self) -> bool:
        """Return whether both are the same."""
        return self.expected == self.stored and self.first_difference is None

    @property
    def sentence(self) -> str:
        """Return what is wrong."""
        what = f"{self.name}: expected {self.expected}, stored {self.stored}"
        return f"{what}; {self.first_difference}" if self.first_difference else what


def compare(expected: Mapping[str, ExpectedAccount], stored: Stored) -> list[Figure]:
    """Return every figure of the demo.

    Args:
        expected: what must be stored, by the name of the account.
        stored: what is.
    """
    return [*_placement(expected, stored), *_money(expected, stored), *_holdings(expected, stored)]


def wrong(figures: Iterable[Figure]) -> list[Figure]:
    """Return the figures that differ."""
    return [figure for figure in figures if not figure.right]


def _placement(expected: Mapping[str, ExpectedAccount], stored: Stored) -> list[Figure]:
    homes = {key: shard_id for shard_id, shard in stored.shards.items() for key in shard.accounts}
    count = sum(len(shard.accounts) for shard in stored.shards.values())
    known = sum(name in expected for name in stored.names.values())
    counted = {shard_id: shard.counted for shard_id, shard in stored.shards.items()}
    there = {shard_id: len(shard.accounts) for shard_id, shard in stored.shards.items()}
    return [
        Figure(name="accounts signed up", expected=len(expected), stored=known),
        Figure(name="accounts in the global database", expected=len(expected), stored=len(stored.names)),
        Figure(name="ledger accounts on all shards", expected=len(expected), stored=count),
        each("accounts where the directory says", homes, stored.directory, "shard of account"),
        each("shards with the number of accounts in the statistics", there, counted, "accounts of shard"),
    ]


def _money(expected: Mapping[str, ExpectedAccount], stored: Stored) -> list[Figure]:
    moved: defaultdict[Act, Decimal] = defaultdict(Decimal)
    rows: Counter[str] = Counter()
    balances: dict[str, Decimal] = {}
    for shard in stored.shards.values():
        for transaction in shard.transactions:
            moved[act_of(transaction)] += transaction.amount
            rows[name_of(stored, transaction.account_db_key)] += 1
        balances |= {name_of(stored, key): account.balance for key, account in shard.accounts.items()}
    right_rows = {name: sum(account.transactions.values()) for name, account in expected.items()}
    right_balances = {name: account.balance for name, account in expected.items()}
    sums = [Figure(name=_SUMS[act], expected=total(expected.values(), act), stored=moved[act]) for act in Act]
    return [
        Figure(name="transactions", expected=sum(right_rows.values()), stored=rows.total()),
        each("accounts with all their transactions", right_rows, rows, "transactions of"),
        *sums,
        Figure(name="balances together", expected=_sum(right_balances), stored=_sum(balances)),
        each("accounts with the right balance", right_balances, balances, "balance of"),
    ]


def _holdings(expected: Mapping[str, ExpectedAccount], stored: Stored) -> list[Figure]:
    right = {
        f"{name} {asset}": position
        for name, account in expected.items()
        for asset, position in account.positions.items()
    }
    found = {
        f"{name_of(stored, position.account_db_key)} {position.asset_code}": position
        for shard in stored.shards.values()
        for position in shard.positions
    }
    count = sum(len(shard.positions) for shard in stored.shards.values())
    return [
        Figure(name="positions", expected=len(right), stored=count),
        each(
            "positions with the right quantity",
            {name: position.quantity for name, position in right.items()},
            {name: position.quantity for name, position in found.items()},
            "quantity of",
        ),
        each(
            "positions with the right average cost",
            {name: position.average_cost for name, position in right.items()},
            {name: position.average_cost for name, position in found.items()},
            "average cost of",
        ),
        each(
            "positions with the right value",
            {name: position.value for name, position in right.items()},
            {name: position.current_value for name, position in found.items()},
            "value of",
        ),
    ]


def each(name: str, right: Mapping[Any, object], found: Mapping[Any, object], what: str) -> Figure:
    """Return how many entries are right, and the first that isn't; one too many is wrong too."""
    keys = sorted({*right, *found})
    different = [key for key in keys if right.get(key) != found.get(key)]
    first = None
    if different:
        key = different[0]
        first = f"{what} {key}: expected {right.get(key)}, stored {found.get(key)}"
    return Figure(name=name, expected=len(right), stored=len(keys) - len(different), first_difference=first)


def name_of(stored: Stored, account_db_key: int) -> str:
    """Return the name of an account, or what to call one that has none."""
    return stored.names.get(account_db_key, f"account {account_db_key}")


def _sum(values: Mapping[str, Decimal]) -> Decimal:
    return sum(values.values(), Decimal(0))
