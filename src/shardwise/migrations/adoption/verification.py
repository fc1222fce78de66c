"""After the upgrade: every row is still there, and the models find the tables that they expect."""

from collections.abc import Iterator, Sequence
from typing import Any

from shardwise.migrations.adoption.connections import looking
from shardwise.migrations.adoption.deployment import Database, State
from shardwise.migrations.adoption.findings import Finding, Severity
from shardwise.migrations.adoption.inventory import take_inventory
from shardwise.migrations.adoption.marker import Marker
from shardwise.migrations.adoption.survey import count_rows
from shardwise.migrations.guard import ADOPTION_TABLE
from shardwise.migrations.runner import MigrationOptions, differences
from shardwise.migrations.targets import Target

_CHECK = "verification"


async def verify(target: Target, options: MigrationOptions) -> list[Finding]:
    """Compare a database that was adopted with what it was, and with the models.

    Raises:
        MigrationError: it can't be reached.
    """
    async with looking(target) as connection:
        marker = await connection.run_sync(Marker.read)
        inventory = await connection.run_sync(take_inventory)
        database = Database(target=target, state=State.HEAD, marker=marker, inventory=inventory)
        rows = await connection.run_sync(lambda sync: count_rows(sync, database))
    found = [
        Finding(
            severity=Severity.BLOCKS,
            check=_CHECK,
            database=target.name,
            table=table,
            count=abs(number - rows.get(table, 0)),
            message=f"it had {number} rows when the adoption began and has {rows.get(table, 0)} now",
            way_out="were programs still writing? Stop them; if the rows are right as they are now,"
            f" DELETE FROM {ADOPTION_TABLE} WHERE item = 'rows of {table}' and go on",
        )
        for table, number in marker.rows.items()
        if rows.get(table, 0) != number
    ]
    return [*found, *_differences(target, await differences(target, options=options))]


def _differences(target: Target, found: Sequence[Any]) -> Iterator[Finding]:
    for difference in found:
        words = difference[0] if isinstance(difference, list) else difference
        thing = words[1] if len(words) == 2 else ".".join(str(word) for word in words[1:4] if word)
        # Tables and indexes of the operator's own stay.
        own = words[0] in ("remove_table", "remove_index", "remove_constraint")
        yield Finding(
            severity=Severity.ATTENTION if own else Severity.BLOCKS,
            check=_CHECK,
            database=target.name,
            message=f"`alembic check` says {words[0]}: {getattr(thing, 'name', thing)}",
            way_out="put your own into a revision of yours" if own else "compare it with another shard",
        )
