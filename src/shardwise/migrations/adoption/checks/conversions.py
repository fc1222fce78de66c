"""Which column types another one takes over, value by value, without guessing and without rounding."""

import re

_INTEGERS = frozenset({"bit", "bool", "tinyint", "smallint", "mediumint", "int", "integer", "bigint"})
_STRINGS = frozenset({"char", "varchar", "tinytext", "text", "mediumtext", "longtext", "enum", "json"})
_MOMENTS = frozenset({"datetime", "timestamp", "date"})
_FAMILIES = (_INTEGERS, _STRINGS, _MOMENTS)  # texts that are too long, or no JSON, are counted in the rows
_DECIMAL = re.compile(r"(?:decimal|numeric)\((\d+),\s*(\d+)\)")


def converts(found: str, wanted: str) -> bool:
    """Return whether a column of one type can become another one, both as SQL says them."""
    kinds = {re.split(r"\W", declared.lower(), maxsplit=1)[0] for declared in (found, wanted)}
    old, new = _DECIMAL.match(found.lower()), _DECIMAL.match(wanted.lower())
    if old is not None and new is not None:
        return _fits(old, new)
    return len(kinds) == 1 or any(kinds <= family for family in _FAMILIES)


def _fits(old: re.Match[str], new: re.Match[str]) -> bool:
    (digits, decimals), (more_digits, more_decimals) = (map(int, each.groups()) for each in (old, new))
    return decimals <= more_decimals and digits - decimals <= more_digits - more_decimals
