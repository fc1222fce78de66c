"""What commands print: tables or JSON on standard output, everything else on standard error."""

import json
import sys
from collections.abc import Iterable, Sequence
from dataclasses import asdict, is_dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

_PIPE_WIDTH = 240  # rows stay on one line where a program or grep reads them

STATUS_COLOURS = {
    "up": "green",
    "active": "green",
    "done": "green",
    "right": "green",
    "maintenance": "yellow",
    "provisioning": "yellow",
    "disabled": "bright_black",
    "unchanged": "bright_black",
    "down": "red",
    "failed": "red",
    "WRONG": "red",
    "blocks": "red",
    "attention": "yellow",
}


def console() -> Console:
    """Return the console for standard output, as it is now."""
    return Console(width=None if sys.stdout.isatty() else _PIPE_WIDTH, highlight=False)


def error_console() -> Console:
    """Return the console for standard error, as it is now."""
    return Console(stderr=True, highlight=False, soft_wrap=True)


def say(line: str) -> None:
    """Print a line of the story."""
    console().print(escape(line), soft_wrap=True)


def say_error(line: str) -> None:
    """Print one line to standard error."""
    error_console().print(f"[red]shardwise:[/] {escape(line)}")


def print_json(value: Any) -> None:
    """Print a value, dataclasses included, as JSON."""
    typer.echo(json.dumps(value, default=_plain, indent=2, ensure_ascii=False))


def print_table(
    columns: Sequence[str], rows: Iterable[Sequence[object]], *, title: str | None = None
) -> None:
    """Print rows under their column names; numbers on the right, None as a dash."""
    shown = [list(row) for row in rows]
    table = Table(title=title, title_justify="left", title_style="bold", header_style="bold")
    for place, name in enumerate(columns):
        numbers = any(isinstance(row[place], (int, float, Decimal)) for row in shown)
        table.add_column(name, justify="right" if numbers else "left", overflow="fold")
    for row in shown:
        table.add_row(*(_cell(value) for value in row))
    console().print(table)


def _cell(value: object) -> str:
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, Decimal):
        return f"{value:,.2f}"
    text = escape(str(value))
    colour = STATUS_COLOURS.get(str(value))
    return f"[{colour}]{text}[/]" if colour else text


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, (Decimal, Path)):
        return str(value)
    raise TypeError(f"{type(value).__name__} has no form in JSON")
