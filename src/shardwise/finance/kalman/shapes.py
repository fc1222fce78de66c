"""The shapes of a filter's state: five numbers, and five by five. Errors name the cell."""

import math
from collections.abc import Sequence
from typing import Any

from shardwise.errors import InvalidValueError

STATE = ("trend", "momentum", "volatility", "macro_signal", "tech_signal")
"""What the numbers of a state vector are, in their order."""

SIZE = len(STATE)

Vector = tuple[float, ...]
Matrix = tuple[Vector, ...]

_ASYMMETRY = 1e-6  # of the product of the two standard deviations: rounding, not another matrix


def check_vector(field: str, value: object) -> Sequence[float]:
    """Return five finite numbers as they were given.

    Raises:
        InvalidValueError: it is no list or tuple of five, or a cell (`field[2]`) holds something else.
    """
    cells = _five(field, value)
    for number, cell in enumerate(cells):
        _check_cell(f"{field}[{number}]", cell)
    return cells


def check_matrix(field: str, value: object) -> Sequence[Sequence[float]]:
    """Return five rows of five finite numbers as they were given.

    Raises:
        InvalidValueError: it has another shape, or a cell (`field[2][3]`) holds something else.
    """
    rows = _five(field, value)
    for number, row in enumerate(rows):
        check_vector(f"{field}[{number}]", row)
    return rows


def check_covariance(field: str, value: object) -> Sequence[Sequence[float]]:
    """Return a covariance matrix as it was given.

    Raises:
        InvalidValueError: as `check_matrix`; or a variance, on the diagonal, is negative; or two mirrored
            cells differ by more than a millionth of the product of their standard deviations.
    """
    rows = check_matrix(field, value)
    for i in range(SIZE):
        if rows[i][i] < 0:
            raise InvalidValueError(f"{field}[{i}][{i}]", f"{rows[i][i]} is negative; a variance isn't")
    for i in range(SIZE):
        for j in range(i):
            scale = math.sqrt(rows[i][i]) * math.sqrt(rows[j][j])
            if not math.isclose(rows[i][j], rows[j][i], rel_tol=_ASYMMETRY, abs_tol=_ASYMMETRY * scale):
                raise InvalidValueError(
                    f"{field}[{i}][{j}]", f"{rows[i][j]} differs from {rows[j][i]} in [{j}][{i}]"
                )
    return rows


def to_vector(value: Sequence[Any]) -> Vector:
    """Return checked numbers as floats."""
    return tuple(map(float, value))


def to_matrix(value: Sequence[Sequence[Any]]) -> Matrix:
    """Return checked rows as floats."""
    return tuple(map(to_vector, value))


def _five(field: str, value: object) -> Sequence[Any]:
    if not isinstance(value, (list, tuple)):
        raise InvalidValueError(field, f"it must be a list of {SIZE}, not {type(value).__name__}")
    if len(value) != SIZE:
        raise InvalidValueError(field, f"it has {len(value)} elements; {SIZE} are accepted")
    return value


def _check_cell(place: str, cell: object) -> None:
    if isinstance(cell, bool) or not isinstance(cell, (int, float)):
        raise InvalidValueError(place, f"it must be a number, not {type(cell).__name__}")
    try:
        same = float(cell) == cell and math.isfinite(cell)
    except OverflowError:
        same = False
    if not same:
        raise InvalidValueError(place, f"{cell} is not a finite number that a float can hold")
