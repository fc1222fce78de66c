"""Run every benchmark and write the figures: `python -m benchmarks --output build/bench.json`."""

import argparse
import asyncio
import importlib
import json
from pathlib import Path

from rich.console import Console
from rich.table import Table

from shardwise.testing.servers import MariaDBServer, why_no_mariadbd

QUESTIONS = ("pinned", "routed", "directory", "create_many", "finance")


async def measure(names: list[str]) -> list[dict[str, object]]:
    """Return the entries of the named benchmarks, from one server and one run."""
    entries: list[dict[str, object]] = []
    with MariaDBServer(fast=True) as server:
        for name in names:
            module = importlib.import_module(f"benchmarks.bench_{name}")
            entries += await module.run(server)
    return entries


def show(entries: list[dict[str, object]]) -> None:
    """Print the entries as a table."""
    table = Table("name", "value", "unit", "bound", "peer", "how", title="benchmarks")
    for line in entries:
        table.add_row(*(str(line[key]) for key in ("name", "value", "unit", "bound", "peer", "how")))
    Console(width=180).print(table)


def main() -> int:
    """Run what was asked for; exit 2 if there is no server to measure on."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("questions", nargs="*", default=QUESTIONS, help=f"of {', '.join(QUESTIONS)}")
    parser.add_argument("--output", type=Path, default=Path("build/bench.json"))
    arguments = parser.parse_args()
    if reason := why_no_mariadbd():
        print(f"no benchmark was run: {reason}")
        return 2
    entries = asyncio.run(measure(list(arguments.questions)))
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    arguments.output.write_text(json.dumps(entries, indent=1, ensure_ascii=False) + "\n")
    show(entries)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
