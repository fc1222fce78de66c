import random

import pytest

from shardwise.errors import InvalidValueError
from shardwise.finance.ledger.numbers import account_key_of, account_number

EDGES = [0, 1, 999, 1000, 2**32 - 1, 2**32, 2**63 - 1, 2**63, 2**64 - 1]


RECORDED = [
    "02143226712438267848",
    "15336836649234431174",
    "15456662332085715837",
    "12145031444001045417",
]


def test_a_number_never_changes() -> None:
    assert [account_number(key) for key in (0, 1000, 1001, 2**64 - 1)] == RECORDED


@pytest.mark.parametrize("key", [*EDGES, *(random.Random(n).getrandbits(64) for n in range(50))])
def test_a_number_leads_back_to_its_account(key: int) -> None:
    number = account_number(key)
    assert len(number) == 20
    assert number.isdigit()
    assert account_key_of(number) == key


def test_neighbours_do_not_look_alike() -> None:
    numbers = [account_number(key) for key in range(1000, 101_000)]
    assert len(set(numbers)) == len(numbers)
    assert not any(str(key) in number for key, number in zip(range(1000, 1100), numbers, strict=False))
    leading = {number[:6] for number in numbers[:1000]}
    assert len(leading) > 900


@pytest.mark.parametrize("key", [-1, 2**64])
def test_a_key_out_of_range_has_no_number(key: int) -> None:
    with pytest.raises(InvalidValueError, match="account_db_key"):
        account_number(key)


@pytest.mark.parametrize("number", ["", "117951965290000", "9" * 20, "x" * 20, "1" * 21, "\u0661" * 20])
def test_what_is_no_number_of_ours_is_refused(number: str) -> None:
    with pytest.raises(InvalidValueError, match="account_number"):
        account_key_of(number)
