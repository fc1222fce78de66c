"""What a look at an old deployment finds, in words for whoever has to decide."""

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """What a finding means for the adoption."""

    BLOCKS = "blocks"
    ATTENTION = "attention"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something that doesn't fit, or that an operator should know.

    Attributes:
        severity: `blocks`: the upgrade would stop, or something would be lost, so nothing is begun.
            `attention`: it is kept as it is.
        check: what looked, one word.
        database: where.
        table: in which table, None if it is about the whole database.
        count: how many rows or things.
        message: what it is and what follows from it.
        way_out: what to do about it.
        examples: keys of some of the rows; never a personal or a secret value.
    """

    severity: Severity
    check: str
    database: str
    table: str | None = None
    count: int = 1
    message: str
    way_out: str = ""
    examples: tuple[str, ...] = ()

    @property
    def blocks(self) -> bool:
        """Return whether the adoption can't begin."""
        return self.severity is Severity.BLOCKS
