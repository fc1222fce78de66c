import math
from typing import Any

import pytest

from shardwise.errors import InvalidValueError
from shardwise.finance.kalman.shapes import check_covariance, check_matrix, check_vector

VECTOR = [0.1, -2, 1e300, 5e-324, 0]


def matrix(**cells: Any) -> list[list[Any]]:
    """Return a covariance matrix with other values in some cells: `r1c2=...`."""
    rows: list[list[Any]] = [[4.0 if i == j else 0.5 for j in range(5)] for i in range(5)]
    for name, value in cells.items():
        rows[int(name[1])][int(name[3])] = value
    return rows


def test_right_shapes_are_returned_as_they_are() -> None:
    right = matrix()
    assert check_vector("x", VECTOR) is VECTOR
    assert check_matrix("p", right) is check_covariance("p", right) is right
    assert check_covariance("p", [[0] * 5] * 5) == [[0] * 5] * 5
    assert check_vector("x", (1, 2, 3, 4, 5)) == (1, 2, 3, 4, 5)


@pytest.mark.parametrize("cell", [math.nan, math.inf, -math.inf, "1", None, True, [1], 2**53 + 1, 10**400])
def test_cells_that_are_no_numbers_are_named(cell: object) -> None:
    with pytest.raises(InvalidValueError, match=r"^x\[2\]: ") as refused:
        check_vector("x", [1, 2, cell, 4, 5])
    assert refused.value.field == "x[2]"
    for check in (check_matrix, check_covariance):
        with pytest.raises(InvalidValueError, match=r"^p\[1\]\[3\]: "):
            check("p", matrix(r1c3=cell))


@pytest.mark.parametrize("shape", [[], [1] * 4, [1] * 6, "12345", None, {"a": 1}, 5])
def test_other_shapes_are_refused(shape: object) -> None:
    with pytest.raises(InvalidValueError, match=r"^x: it (has|must be)"):
        check_vector("x", shape)
    with pytest.raises(InvalidValueError, match=r"^p: it (has|must be)"):
        check_matrix("p", shape)
    with pytest.raises(InvalidValueError, match=r"^p\[4\]: it (has|must be)"):
        check_matrix("p", [*matrix()[:4], shape])


def test_a_variance_is_not_negative() -> None:
    wrong = matrix(r3c3=-1e-9)
    assert check_matrix("p", wrong) is wrong
    with pytest.raises(InvalidValueError, match=r"^p\[3\]\[3\]: -1e-09 is negative"):
        check_covariance("p", wrong)


def test_mirrored_cells_agree_up_to_rounding() -> None:
    check_covariance("p", matrix(r3c1=0.5 + 1e-9))
    wrong = matrix(r3c1=0.51)
    assert check_matrix("p", wrong) is wrong
    with pytest.raises(InvalidValueError, match=r"^p\[3\]\[1\]: 0\.51 differs from 0\.5 in \[1\]\[3\]"):
        check_covariance("p", wrong)
    tiny = [[cell * 1e-12 for cell in row] for row in wrong]  # the same matrix in another unit
    with pytest.raises(InvalidValueError, match=r"^p\[3\]\[1\]: "):
        check_covariance("p", tiny)
