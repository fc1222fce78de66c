"""Tables for people, JSON for programs."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from shardwise.cli import output


@dataclass
class Point:
    x: int
    y: Decimal


def test_json_keeps_exact_numbers_and_any_script(capsys: pytest.CaptureFixture[str]) -> None:
    moment = datetime(2024, 2, 3, tzinfo=UTC)
    output.print_json({"p": Point(1, Decimal("0.10")), "when": moment, "file": Path("a"), "name": "한글 🙂"})
    printed = capsys.readouterr().out
    assert json.loads(printed) == {
        "p": {"x": 1, "y": "0.10"},
        "when": "2024-02-03T00:00:00+00:00",
        "file": "a",
        "name": "한글 🙂",
    }
    assert "한글" in printed


def test_value_without_a_form_is_refused() -> None:
    with pytest.raises(TypeError, match="object has no form in JSON"):
        output.print_json({"x": object()})


def test_table_shows_none_numbers_and_markup(capsys: pytest.CaptureFixture[str]) -> None:
    rows = [(1234567, None, True, "[red]x[/]"), (7, Decimal("1234.5"), False, "down")]
    output.print_table(("count", "money", "well", "words"), rows)
    printed = capsys.readouterr().out
    for text in ("1,234,567", "1,234.50", "–", "yes", "no", "[red]x[/]", "down"):
        assert text in printed


def test_row_stays_on_one_line_in_a_pipe(capsys: pytest.CaptureFixture[str]) -> None:
    output.print_table(("a", "b"), [("x" * 100, "y" * 100)])
    assert any("x" * 100 in line and "y" * 100 in line for line in capsys.readouterr().out.splitlines())


def test_lines_are_not_wrapped(capsys: pytest.CaptureFixture[str]) -> None:
    output.say("word " * 100 + "[0]")
    output.say_error("word " * 100)
    out, err = capsys.readouterr()
    assert out == "word " * 100 + "[0]\n"
    assert err.count("\n") == 1
