"""What a database holds beside the tables: it stays untouched, and may depend on what changes."""

from collections.abc import Iterator
from itertools import groupby

from shardwise.migrations.adoption.checks.look import Look
from shardwise.migrations.adoption.deployment import State
from shardwise.migrations.adoption.findings import Finding, Severity
from shardwise.migrations.adoption.inventory import Facts
from shardwise.migrations.baseline import GLOBAL, SHARD
from shardwise.migrations.branches import Branch
from shardwise.migrations.guard import ADOPTION_TABLE

_SHOWN = 5
_MEANING = {
    "trigger": "they go on firing",
    "view": "they go on reading the tables",
    "procedure": "the new code doesn't call them",
    "function": "the new code doesn't call them",
    "event": "they go on running: stop those that write",
}


def find_objects(look: Look) -> Iterator[Finding]:
    """List procedures, triggers, views, events, tables of others, and tables that can't be transactional."""
    if look.database.state is State.HEAD:
        return
    for kind, found in groupby(look.database.inventory.objects, key=lambda each: each[0]):
        names = [name for _, name in found]
        yield look.finding(
            Severity.ATTENTION,
            "objects",
            f"{len(names)} {kind}{'s' if len(names) > 1 else ''} stay untouched;"
            f" {_MEANING.get(kind, 'nothing uses them')}",
            count=len(names),
            way_out="SHOW and drop them when no old program needs them any more",
            examples=tuple(names[:_SHOWN]),
        )
    yield from _firing(look)
    ours = set((GLOBAL if look.database.target.branch is Branch.GLOBAL else SHARD).tables)
    for facts in look.database.inventory.tables.values():
        if facts.name in ours:
            yield from _storage(look, facts)
        elif facts.name not in ("alembic_version", ADOPTION_TABLE):
            yield from _strangers(look, facts, ours)


def _firing(look: Look) -> Iterator[Finding]:
    for table, trigger in look.database.inventory.update_triggers:
        if table in look.courses:
            yield look.finding(
                Severity.BLOCKS,
                "objects",
                f"the trigger {trigger} fires when old rows are filled or shifted, and may change them",
                table=table,
                way_out=f"SHOW CREATE TRIGGER {trigger}, drop it, and make it again afterwards",
            )


def _storage(look: Look, facts: Facts) -> Iterator[Finding]:
    if facts.engine.lower() != "innodb":
        yield look.finding(
            Severity.BLOCKS,
            "storage",
            f"the table is kept by {facts.engine}, which has no transactions",
            table=facts.name,
            way_out=f"ALTER TABLE {facts.name} ENGINE = InnoDB",
        )
    if facts.special:
        yield look.finding(
            Severity.BLOCKS,
            "storage",
            f"the table is {facts.special}, which forbids the keys of head",
            table=facts.name,
            way_out=f"ALTER TABLE {facts.name}"
            f" {'REMOVE PARTITIONING' if facts.special == 'partitioned' else 'DROP SYSTEM VERSIONING'}",
        )
    if not facts.collation.startswith("utf8mb4"):
        yield look.finding(
            Severity.ATTENTION,
            "storage",
            f"its collation is {facts.collation}: it can't hold every character, and keeps that",
            table=facts.name,
            way_out=f"ALTER TABLE {facts.name} CONVERT TO CHARACTER SET utf8mb4",
        )


def _strangers(look: Look, facts: Facts, ours: set[str]) -> Iterator[Finding]:
    to_ours = sorted({other for _, other, _ in facts.existing.references.values()} & ours)
    if to_ours:
        yield look.finding(
            Severity.BLOCKS,
            "objects",
            f"a table of your own refers by a foreign key to {', '.join(to_ours)}, whose keys change",
            table=facts.name,
            way_out=f"drop the foreign keys of {facts.name}, and make them again afterwards",
        )
