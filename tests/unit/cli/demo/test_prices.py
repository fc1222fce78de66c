"""The demo's input."""

import gzip
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from shardwise.cli.demo import prices
from shardwise.cli.demo.prices import Close, prices_file, read_closes
from shardwise.errors import ConfigurationError


def test_shipped_closes_are_all_there() -> None:
    closes = read_closes(prices_file())
    counts = {asset: len(days) for asset, days in closes.items()}
    assert counts == {"NASDAQ": 5031, "SP500": 5031, "VIX": 1259, "WTI": 8321}
    assert closes["WTI"][0] == Close(day=date(1986, 1, 2), price=Decimal("25.5600"))
    assert all(close.price > 0 for days in closes.values() for close in days)
    for days in closes.values():
        assert [close.day for close in days] == sorted({close.day for close in days})


def test_shipped_closes_come_with_their_note() -> None:
    note = (prices_file().parent / "README.md").read_text()
    assert "19,642 real daily closes" in note
    assert "NCSA licence" in note


@pytest.mark.parametrize("line", ["2001-01-32,A,1.0,", "2001-01-01,A,much,", "2001-01-01"])
def test_line_that_cannot_be_read_is_named(tmp_path: Path, line: str) -> None:
    file = tmp_path / "bad.csv.gz"
    with gzip.open(file, "wt") as out:
        out.write(f"date,symbol,close,volume\n2001-01-01,A,1.0,\n{line}\n")
    with pytest.raises(ConfigurationError, match=r"bad\.csv\.gz, line 3"):
        read_closes(file)


def test_incomplete_installation_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prices, "FILE", "not_shipped.csv.gz")
    with pytest.raises(ConfigurationError, match=r"not_shipped\.csv\.gz is missing"):
        prices_file()
