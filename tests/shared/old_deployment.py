"""A deployment as the SQL scripts of the first installations made it: to rehearse an adoption."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from sqlalchemy import text
from sqlalchemy.engine import make_url
from sqlalchemy.pool import NullPool

from shardwise.migrations.branches import Branch
from shardwise.migrations.runner import upgrade
from shardwise.migrations.targets import Target
from shardwise.testing.servers import MariaDBServer
from shardwise.testing.statements import Rows, run
from shardwise.topology.engines import create_engine

MISSING_ON_SHARD_1 = "table_transactions"
_DRIFT = (
    "ALTER TABLE table_chat_messages ADD CONSTRAINT fk_chat_room FOREIGN KEY (room_id)"
    " REFERENCES table_chat_rooms (room_id) ON DELETE CASCADE"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class OldDeployment:
    """A global database and its shards on a private server.

    Attributes:
        server: where they are.
        names: the databases, `global` first, then `shard 1` and so on, by what adoption calls them.
    """

    server: MariaDBServer
    names: dict[str, str] = field(default_factory=dict)

    @property
    def url(self) -> str:
        """Return the address of the global database, password included."""
        return self.server.url(self.names["global"])

    def execute(self, database: str, *statements: str) -> Rows:
        """Run statements in a database, in autocommit, and return the last one's rows."""
        return self.server.execute(*statements, database=self.names[database])

    def rows(self, database: str) -> dict[str, int]:
        """Return the number of rows of each table but those that hold revisions and notes."""
        each = [f"SELECT '{table}', COUNT(*) FROM `{table}`" for table in self.tables(database)]
        return {table: int(number) for table, number in self.execute(database, " UNION ALL ".join(each))}

    def tables(self, database: str) -> list[str]:
        """Return the tables but those that hold revisions and notes."""
        found = self.execute(database, "SHOW FULL TABLES WHERE table_type = 'BASE TABLE'")
        return [row[0] for row in found if row[0] not in ("alembic_version", "shardwise_adoption")]

    def drop(self) -> None:
        """Delete all databases."""
        for name in self.names.values():
            self.server.drop_database(name)


@contextmanager
def old_deployment(server: MariaDBServer, *, shards: int = 2, drift: bool = True) -> Iterator[OldDeployment]:
    """Make the databases, empty but for the shards' configuration; delete them at the end of the block.

    Args:
        server: where.
        shards: how many, numbered from 1.
        drift: shard 1 lacks a table and shard 2 has a foreign key that the others don't, as in reality.
    """
    deployment = OldDeployment(server=server)
    try:
        for database in ("global", *(f"shard {number}" for number in range(1, shards + 1))):
            deployment.names[database] = make_url(server.create_database()).database or ""
            branch = Branch.GLOBAL if database == "global" else Branch.SHARD
            deployment.execute(database, "SET foreign_key_checks = 0", *_definitions(server, branch))
        if drift:
            deployment.execute("shard 1", f"DROP TABLE {MISSING_ON_SHARD_1}")
            deployment.execute("shard 2", _DRIFT)
        deployment.execute("global", *(_configured(deployment, number) for number in range(1, shards + 1)))
        yield deployment
    finally:
        deployment.drop()


def _configured(deployment: OldDeployment, number: int) -> str:
    server, name = deployment.server, deployment.names[f"shard {number}"]
    return (
        "INSERT INTO table_shard_config (shard_id, shard_name, host, port, database_name, username, password)"
        f" VALUES ({number}, 'shard_{number}', '{server.host}', {server.port}, '{name}',"
        f" '{server.user}', '{server.password}')"
    )


_known: dict[Branch, list[str]] = {}


def _definitions(server: MariaDBServer, branch: Branch) -> list[str]:
    """Return the statements that make a branch's tables, as the first revision leaves them."""
    if branch not in _known:
        url = make_url(server.create_database())
        _known[branch] = run(_written(Target(name="template", url=url, branch=branch)))
        server.drop_database(url.database or "")
    return _known[branch]


async def _written(target: Target) -> list[str]:
    await upgrade(target, f"{target.branch[0]}0001")
    engine = create_engine(target.url, poolclass=NullPool)
    try:
        async with engine.connect() as connection:
            names = (await connection.execute(text("SHOW TABLES"))).scalars()
            return [
                (await connection.execute(text(f"SHOW CREATE TABLE `{name}`"))).one()[1]
                for name in names
                if name != "alembic_version"
            ]
    finally:
        await engine.dispose()
