from pathlib import Path

import pytest


def test_a_type_checker_knows_the_model() -> None:
    """`assert_type` and `warn_unused_ignores`: wrong types are refused, right ones are exact."""
    mypy_api = pytest.importorskip("mypy.api")
    cases = Path(__file__).with_name("typing_cases.py")
    output, errors, _ = mypy_api.run(["--no-error-summary", str(cases)])
    assert output + errors == ""
