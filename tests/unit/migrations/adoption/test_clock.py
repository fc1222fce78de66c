"""How a clock is named."""

import pytest

from shardwise.errors import InvalidValueError
from shardwise.migrations.adoption.clock import Clock


@pytest.mark.parametrize(
    ("words", "minutes", "shown"),
    [
        ("UTC", 0, "+00:00"),
        ("utc", 0, "+00:00"),
        ("Z", 0, "+00:00"),
        ("+00:00", 0, "+00:00"),
        ("-00:00", 0, "+00:00"),
        ("+09:00", 540, "+09:00"),
        ("+9:00", 540, "+09:00"),
        ("-05:30", -330, "-05:30"),
        ("+14:00", 840, "+14:00"),
    ],
)
def test_clocks_by_name(words: str, minutes: int, shown: str) -> None:
    clock = Clock.parse(words)
    assert (clock.minutes, str(clock), clock.is_utc) == (minutes, shown, minutes == 0)


@pytest.mark.parametrize("words", ["", "9", "+9", "09:00", "+14:01", "+09:60", "Asia/Seoul", "+09:00:00"])
def test_other_words_are_refused(words: str) -> None:
    with pytest.raises(InvalidValueError, match="clock: it must be UTC or an offset such as"):
        Clock.parse(words)
