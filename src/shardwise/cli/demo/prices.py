"""The demo's input: real daily closes."""

import csv
import gzip
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from pathlib import Path

from shardwise.errors import ConfigurationError

FILE = "daily_prices.csv.gz"


@dataclass(frozen=True, slots=True, kw_only=True)
class Close:
    """What one unit of an asset cost at the end of a day."""

    day: date
    price: Decimal


def prices_file() -> Path:
    """Return the file of closes: in the installed package, or in the checkout.

    Raises:
        ConfigurationError: there is neither.
    """
    here = Path(__file__).resolve()
    for folder in (here.parents[1] / "data", here.parents[4] / "examples" / "data"):
        if (folder / FILE).is_file():
            return folder / FILE
    raise ConfigurationError(f"{FILE} is missing: this installation is not complete")


def read_closes(file: Path) -> Mapping[str, tuple[Close, ...]]:
    """Return the closes of each asset in order of time.

    Args:
        file: a compressed CSV with the columns `date`, `symbol` and `close`.

    Raises:
        ConfigurationError: a line can't be understood; it is named.
    """
    closes: dict[str, list[Close]] = {}
    with gzip.open(file, mode="rt", encoding="utf-8", newline="") as lines:
        for number, row in enumerate(csv.DictReader(lines), start=2):
            try:
                close = Close(day=date.fromisoformat(row["date"]), price=Decimal(row["close"]))
                closes.setdefault(row["symbol"], []).append(close)
            except (KeyError, TypeError, ValueError, InvalidOperation):
                raise ConfigurationError(
                    f"{file.name}, line {number}: not a day, a symbol and a close"
                ) from None
    return {asset: tuple(sorted(days, key=lambda close: close.day)) for asset, days in sorted(closes.items())}
