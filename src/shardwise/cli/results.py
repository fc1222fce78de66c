"""What became of each database, as a table and for programs."""

from collections.abc import Iterable
from typing import Any

from shardwise.cli.command import one_line
from shardwise.cli.output import print_table
from shardwise.migrations.runner import MigrationResult


def print_results(results: Iterable[MigrationResult], *, title: str | None = None) -> None:
    """Print a row for each database."""
    print_table(
        ("database", "result", "before", "after", "seconds"),
        [(r.name, r.outcome, r.before, r.after, f"{r.seconds:.2f}") for r in results],
        title=title,
    )


def facts_of(result: MigrationResult) -> dict[str, Any]:
    """Return what `--json` says of one database."""
    return {
        "name": result.name,
        "shard_id": result.shard_id,
        "result": result.outcome,
        "before": result.before,
        "after": result.after,
        "seconds": round(result.seconds, 3),
        "error": None if result.error is None else one_line(result.error),
    }
