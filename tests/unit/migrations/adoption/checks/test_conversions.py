"""Which types another one takes over."""

import pytest

from shardwise.migrations.adoption.checks.conversions import converts


@pytest.mark.parametrize(
    ("found", "wanted", "fits"),
    [
        ("timestamp", "DATETIME(6)", True),
        ("datetime(6)", "DATETIME(6)", True),
        ("varchar(40)", "DATETIME(6)", False),
        ("bigint(20)", "DATETIME(6)", False),
        ("bit(1)", "BOOL", True),
        ("int(11) unsigned", "BIGINT UNSIGNED", True),
        ("varchar(3)", "BOOL", False),
        ("text", "VARCHAR(2048)", True),
        ("longtext", "JSON", True),
        ("decimal(10,6)", "NUMERIC(27, 6)", True),
        ("decimal(30,10)", "NUMERIC(27, 6)", False),
        ("decimal(27,2)", "NUMERIC(27, 6)", False),
        ("double", "NUMERIC(27, 6)", False),
        ("double", "DOUBLE", True),
    ],
)
def test_types(found: str, wanted: str, fits: bool) -> None:
    assert converts(found, wanted) is fits
