"""The clock that wrote the old rows: a fixed distance from UTC, as servers without daylight saving have."""

import re
from dataclasses import dataclass
from typing import Self

from sqlalchemy import Connection

from shardwise.errors import InvalidValueError

_FURTHEST = 14 * 60  # minutes; Kiribati
_FORM = re.compile(r"([+-])(\d{1,2}):([0-5]\d)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Clock:
    """A clock by its distance from UTC.

    Attributes:
        minutes: east of UTC, -840 to 840; Seoul has 540.
    """

    minutes: int

    @classmethod
    def parse(cls, words: str) -> Self:
        """Return the clock that `UTC`, `+09:00` or `-05:30` names.

        Raises:
            InvalidValueError: it is none of these, or further than 14 hours from UTC.
        """
        if words.strip().upper() in ("UTC", "Z"):
            return cls(minutes=0)
        found = _FORM.fullmatch(words.strip())
        minutes = int(found[2]) * 60 + int(found[3]) if found else _FURTHEST + 1
        if found is None or minutes > _FURTHEST:
            raise InvalidValueError("clock", "it must be UTC or an offset such as +09:00, at most 14 hours")
        return cls(minutes=-minutes if found[1] == "-" else minutes)

    @property
    def is_utc(self) -> bool:
        """Return whether there is nothing to shift."""
        return self.minutes == 0

    def __str__(self) -> str:
        hours, minutes = divmod(abs(self.minutes), 60)
        return f"{'-' if self.minutes < 0 else '+'}{hours:02}:{minutes:02}"


def server_clock(connection: Connection) -> Clock:
    """Return the clock that a session of the server has by itself now; its daylight saving included."""
    connection.exec_driver_sql("SET time_zone = @@global.time_zone")
    seconds = connection.exec_driver_sql("SELECT TIMESTAMPDIFF(SECOND, UTC_TIMESTAMP(), NOW())").scalar_one()
    connection.exec_driver_sql("SET time_zone = '+00:00'")
    return Clock(minutes=round(int(seconds) / 60))
