"""What is going to happen to each table of a database, and roughly how long it takes."""

from dataclasses import dataclass

from shardwise.migrations.adoption.changes import courses, pending_changes
from shardwise.migrations.adoption.survey import Surveyed
from shardwise.migrations.baseline import GLOBAL, SHARD
from shardwise.migrations.branches import Branch

# Half of what MariaDB did with its data in memory on two busy cores, as disks are slower.
_BYTES_A_SECOND = 3_000_000
_SECONDS_AT_LEAST = 0.05  # an ALTER of an empty table

LOCKING = (
    "Each revision rebuilds one table by copying it: readers go on, writers of that table wait until the copy"
    " is done. A lock that isn't free within 30 s stops the upgrade, which goes on when run again. The copy"
    " needs as much disk as the table. Times are guesses from sizes: rehearse on a copy."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """What is going to happen to a table.

    Attributes:
        table: its name.
        rows: exactly.
        size: bytes, as the server estimates them.
        revisions: those that rebuild it.
        what: in words; empty if it stays as it is.
        seconds: a guess.
    """

    table: str
    rows: int
    size: int
    revisions: tuple[str, ...]
    what: str
    seconds: float


def forecast(seen: Surveyed) -> list[Forecast]:
    """Return what happens to each table of the first installations, also those that are missing."""
    database = seen.database
    changes = pending_changes(database.target.branch, database.revision)
    ways = courses(changes)
    old = GLOBAL if database.target.branch is Branch.GLOBAL else SHARD
    summaries = {change.revision: change.summary.partition(": ")[2].rstrip(".") for change in changes}
    lines = []
    for table in sorted(old.tables):
        facts = database.inventory.tables.get(table)
        revisions = ways[table].revisions if table in ways else ()
        what = "; ".join(f"{revision} {summaries[revision]}" for revision in revisions)
        size = facts.size if facts else 0
        lines.append(
            Forecast(
                table=table,
                rows=seen.rows.get(table, 0),
                size=size,
                revisions=revisions,
                what=what if facts or not what else f"made; {what}",
                seconds=sum(_SECONDS_AT_LEAST + size / _BYTES_A_SECOND for _ in revisions),
            )
        )
    return lines
