"""Rows of shards against the directory: whose account doesn't exist, or lives elsewhere.

The databases may be on different servers, so keys are compared in pages, not row by row.
"""

from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, field

from sqlalchemy import bindparam, text
from sqlalchemy.ext.asyncio import AsyncConnection

from shardwise.migrations.adoption.deployment import Database, State
from shardwise.migrations.adoption.findings import Finding, Severity
from shardwise.migrations.adoption.inventory import Facts
from shardwise.migrations.baseline import SHARD

_CHECK = "homes"
_PAGE = 5_000  # accounts compared at once
_SHOWN = 3
_LEDGER = "table_user_accounts"
_HOMES = text(
    "SELECT account_db_key, shard_id FROM table_user_shard_mapping WHERE account_db_key IN :keys"
).bindparams(bindparam("keys", expanding=True))
_ACCOUNTS = text("SELECT account_db_key FROM table_accountid WHERE account_db_key IN :keys").bindparams(
    bindparam("keys", expanding=True)
)
_LIVING = text("SELECT COUNT(*) FROM table_user_shard_mapping WHERE shard_id = :shard_id")


@dataclass(slots=True)
class _Tally:
    """What was counted in one table: rows and a few account keys, by what is wrong with them."""

    rows: Counter[str] = field(default_factory=Counter)
    examples: dict[str, list[str]] = field(default_factory=dict)
    at_home: int = 0

    def add(self, wrong: str, key: int, rows: int) -> None:
        self.rows[wrong] += rows
        shown = self.examples.setdefault(wrong, [])
        if len(shown) < _SHOWN:
            shown.append(str(key))


async def find_strays(
    shard: Database, connection: AsyncConnection, directory: AsyncConnection
) -> AsyncIterator[Finding]:
    """Count a shard's rows of accounts that don't exist, have no home, or have it on another shard.

    Args:
        shard: the shard.
        connection: to it.
        directory: a connection to the global database.
    """
    shard_id = shard.target.shard_id or 0
    living = int(await directory.scalar(_LIVING, {"shard_id": shard_id}) or 0)
    if shard.state is State.EMPTY:
        yield _empty(shard, living)
        return
    for table in SHARD.sorted_tables:
        facts = shard.inventory.tables.get(table.name)
        # Outbox and sagas got the column later, with 0 for rows of no account.
        if facts is None or "account_db_key" not in table.columns or not _has_keys(facts):
            continue
        tally = _Tally()
        async for page in _pages(connection, table.name):
            await _compare(page, directory, shard_id, tally)
        for finding in _findings(shard, table.name, tally):
            yield finding
        if table.name == _LEDGER and living > tally.at_home:
            yield _without_ledger(shard, living - tally.at_home)


def _has_keys(facts: Facts) -> bool:
    column = facts.columns.get("account_db_key")
    return column is not None and column.kind.endswith("int")  # another type blocks already


async def _pages(connection: AsyncConnection, table: str) -> AsyncIterator[Sequence[tuple[int, int]]]:
    after, condition = 0, " WHERE account_db_key IS NOT NULL"
    while True:
        query = text(
            f"SELECT account_db_key, COUNT(*) FROM {table}{condition}"
            f" GROUP BY account_db_key ORDER BY account_db_key LIMIT {_PAGE}"
        )
        found = await connection.execute(query, {"after": after} if ":" in condition else {})
        page = [(int(key), int(rows)) for key, rows in found]
        if page:
            yield page
        if len(page) < _PAGE:
            return
        after, condition = page[-1][0], " WHERE account_db_key > :after"


async def _compare(
    page: Sequence[tuple[int, int]], directory: AsyncConnection, shard_id: int, tally: _Tally
) -> None:
    keys = {"keys": [key for key, _ in page]}
    homes = {int(key): int(home) for key, home in await directory.execute(_HOMES, keys)}
    accounts = {int(key) for key in (await directory.execute(_ACCOUNTS, keys)).scalars()}
    for key, rows in page:
        if homes.get(key) == shard_id:
            tally.at_home += 1
        if key not in accounts:
            tally.add("of accounts that don't exist", key, rows)
        elif key not in homes:
            tally.add("of accounts that have no home", key, rows)
        elif homes[key] != shard_id:
            tally.add(f"of accounts whose home is shard {homes[key]}", key, rows)


def _findings(shard: Database, table: str, tally: _Tally) -> Iterator[Finding]:
    for wrong, rows in sorted(tally.rows.items()):
        yield Finding(
            severity=Severity.ATTENTION,
            check=_CHECK,
            database=shard.target.name,
            table=table,
            count=rows,
            message=f"rows {wrong}; they are kept here, where nobody looks for them",
            way_out=(
                f"move them there, or give the account its home here: UPDATE table_user_shard_mapping"
                f" SET shard_id = {shard.target.shard_id}"
                if "whose home" in wrong
                else "give the accounts their home here, or delete the rows"
            ),
            examples=tuple(tally.examples[wrong]),
        )


def _without_ledger(shard: Database, count: int) -> Finding:
    return Finding(
        severity=Severity.ATTENTION,
        check=_CHECK,
        database=shard.target.name,
        table=_LEDGER,
        count=count,
        message="accounts live here and have no ledger account; they can log in, but book nothing",
        way_out=f"INSERT INTO {_LEDGER} one for each",
    )


def _empty(shard: Database, living: int) -> Finding:
    if not living:
        message, way_out = "it holds no tables, and nobody lives here; a new shard is made of it", ""
    else:
        message = "it holds no tables, but accounts live here: its database is lost or elsewhere"
        way_out = "correct its address in table_shard_config, or restore it"
    return Finding(
        severity=Severity.BLOCKS if living else Severity.ATTENTION,
        check=_CHECK,
        database=shard.target.name,
        count=living,
        message=message,
        way_out=way_out,
    )
