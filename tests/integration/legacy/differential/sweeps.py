"""Calls made from the samples: NULL in each parameter, what doesn't fit it, too few and too many."""

import re
from collections.abc import Iterator
from itertools import count
from typing import Any

from differential.samples import conversations, global_database, markets
from differential.samples.sample import Outcome, Sample
from differential.steps import INVALID, Call, First

_NUMBERS = count(1)
_ANY = First({})
_WIDE = {"u64": -1, "i64": 2**63, "i32": 2**31, "i8": 128, "u8": 256}
_ODD: dict[str, Any] = {
    "bit": 2,
    "JSON": "{",
    "dt": "yesterday",
    "dt6": "2026-13-01",
    "date": "2026-02-30",
}

GLOBAL_SAMPLES = global_database.SAMPLES
SHARD_SAMPLES = (*conversations.SAMPLES, *markets.SAMPLES)


def nulls() -> Iterator[Call]:
    """Pass NULL for each parameter in turn, the others fitting."""
    for shard, sample in _where():
        for position, outcome in enumerate(sample.nulls):
            arguments = list(sample.arguments(next(_NUMBERS)))
            arguments[position] = None
            # The old log couldn't hold NULL, and hid the error behind its own.
            mends = "D1" if outcome.logged else None
            yield _call(shard, sample, arguments, outcome, ("null", sample.parameters[position]), mends)


def misfits() -> Iterator[Call]:
    """Pass what doesn't fit a parameter of each type in turn: it is refused before anything is done."""
    for shard, sample in _where():
        kinds: set[str] = set()
        for position, parameter in enumerate(sample.parameters):
            kind = parameter.partition(":")[2]
            if kind in kinds:
                continue
            kinds.add(kind)
            arguments = list(sample.arguments(next(_NUMBERS)))
            arguments[position] = _misfit(parameter)
            yield _call(shard, sample, arguments, INVALID, ("misfit", parameter), "D3")


def miscounts(lengths: dict[str, set[int]]) -> Iterator[Call]:
    """Pass one argument too few, and one too many.

    Args:
        lengths: how many parameters each procedure takes; several where it has several signatures.
    """
    for shard, sample in _where():
        arguments = list(sample.arguments(next(_NUMBERS)))
        if arguments and len(arguments) - 1 not in lengths[sample.name]:
            yield _call(shard, sample, arguments[:-1], INVALID, ("too few", ""), "D3")
        if len(arguments) + 1 not in lengths[sample.name]:
            yield _call(shard, sample, [*arguments, None], INVALID, ("too many", ""), "D3")


def fits() -> Iterator[Call]:
    """Call every procedure once with arguments that fit, in capitals."""
    for shard, sample in _where():
        arguments = sample.arguments(next(_NUMBERS))
        yield Call(name=sample.name.upper(), params=arguments, shard=shard, expect=_ANY, by=("fits", ""))


def _where() -> Iterator[tuple[int | None, Sample]]:
    for sample in GLOBAL_SAMPLES:
        yield None, sample
    for sample in SHARD_SAMPLES:
        yield 1, sample


def _misfit(parameter: str) -> Any:
    kind = parameter.partition(":")[2]
    if kind in _WIDE:
        return _WIDE[kind]
    if kind in _ODD:
        return _ODD[kind]
    if kind.startswith("enum("):
        return "no such word"
    if found := re.fullmatch(r"text\((\d+)\)", kind):
        return "x" * (int(found[1]) + 1)
    if found := re.fullmatch(r"dec\((\d+),(\d+)\)", kind):
        return 10 ** (int(found[1]) - int(found[2]))
    raise AssertionError(f"no misfit for {parameter}")


def _call(
    shard: int | None,
    sample: Sample,
    arguments: list[Any],
    outcome: Outcome,
    by: tuple[str, str],
    mends: str | None,
) -> Call:
    return Call(name=sample.name, params=tuple(arguments), shard=shard, expect=outcome, by=by, mends=mends)
