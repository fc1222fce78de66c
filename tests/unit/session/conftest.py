"""Two shards with an application's own models, on either kind of engine."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import ForeignKeyConstraint, MetaData, String, delete, event, insert, text
from sqlalchemy.engine import make_url
from sqlalchemy.orm import Mapped, foreign, mapped_column, relationship, remote

from shardwise.database import ShardedDatabase
from shardwise.schema.base import ShardBase
from shardwise.schema.columns import account_key_column
from shardwise.schema.control import ErrorLogColumns, ShardConfig, ShardMapping
from shardwise.testing.statements import run
from shardwise.topology.engines import create_engine
from shardwise.topology.loader import address_columns

HOMES = {1: 1, 3: 1, 2: 2, 4: 2}


class Base(ShardBase):
    __abstract__ = True
    metadata = MetaData()


class Order(Base):
    __tablename__ = "orders"
    account_db_key: Mapped[int] = account_key_column()
    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    amount: Mapped[int]
    lines: Mapped[list["OrderLine"]] = relationship(
        back_populates="order", order_by=lambda: OrderLine.id, cascade="all, delete-orphan"
    )
    loose_lines: Mapped[list["OrderLine"]] = relationship(
        primaryjoin=lambda: Order.id == foreign(remote(OrderLine.order_id)), viewonly=True
    )


class OrderLine(Base):
    __tablename__ = "order_lines"
    account_db_key: Mapped[int] = account_key_column()
    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    order_id: Mapped[int]
    note: Mapped[str | None] = mapped_column(String(50))
    order: Mapped[Order] = relationship(back_populates="lines")
    __table_args__ = (
        ForeignKeyConstraint(["account_db_key", "order_id"], ["orders.account_db_key", "orders.id"]),
    )


class Renamed(Base):
    """A model whose attribute for the account has another name."""

    __tablename__ = "renamed"
    owner: Mapped[int] = account_key_column()
    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)


class Profile(Base):
    """One row for each account, with another unique key."""

    __tablename__ = "profiles"
    account_db_key: Mapped[int] = account_key_column()
    email: Mapped[str] = mapped_column(String(50), unique=True)
    name: Mapped[str] = mapped_column(String(50))


class Currency(Base):
    __tablename__ = "currencies"
    __placement__ = "reference"
    code: Mapped[str] = mapped_column(String(3), primary_key=True)
    name: Mapped[str] = mapped_column(String(20))


class Journal(ErrorLogColumns, Base):
    __tablename__ = "journal"
    __placement__ = "local"


class World:
    """An open database with the accounts 1 and 3 on shard 1, 2 and 4 on shard 2; 9 on a shard that isn't."""

    Order, OrderLine, Renamed, Currency, Journal = Order, OrderLine, Renamed, Currency, Journal
    Profile = Profile
    homes = HOMES

    def __init__(self, db: ShardedDatabase) -> None:
        self.db = db
        self.statements: list[tuple[int, str]] = []

    async def fill(self, *keys: int) -> None:
        """Give accounts two orders each, with a line each."""
        for key in keys or HOMES:
            async with self.db.session(key) as session:
                session.add_all(
                    Order(
                        account_db_key=key,
                        id=i,
                        amount=key * 10 + i,
                        lines=[OrderLine(account_db_key=key, id=i, note=f"{key}/{i}")],
                    )
                    for i in (1, 2)
                )

    async def watch(self) -> list[tuple[int, str]]:
        """Note from now on on which shard each statement is executed."""
        for shard_id in (1, 2):
            engine = (await self.db.topology.manager(shard_id)).engine.sync_engine

            def note(
                connection: Any, cursor: Any, statement: str, *rest: Any, shard_id: int = shard_id
            ) -> None:
                if not statement.startswith(("BEGIN", "SELECT CAST", "SELECT @@", "PRAGMA")):
                    self.statements.append((shard_id, statement))

            event.listen(engine, "before_cursor_execute", note)
        return self.statements

    async def held(self, table: str = "orders") -> dict[int, list[tuple[Any, ...]]]:
        """Return what each shard holds, read past all sessions."""
        found = {}
        for shard_id in (1, 2):
            async with (await self.db.topology.manager(shard_id)).engine.connect() as connection:
                rows = await connection.execute(text(f"SELECT * FROM {table} ORDER BY 1, 2"))
                found[shard_id] = [tuple(row) for row in rows]
        return found

    async def configure(self, shard_id: int, **columns: Any) -> None:
        """Change a shard's row and read the configuration again."""
        changes = ", ".join(f"{name} = :{name}" for name in columns)
        async with self.db.global_session() as session:
            statement = text(f"UPDATE table_shard_config SET {changes} WHERE shard_id = :s")
            await session.execute(statement, {**columns, "s": shard_id})
        await self.db.topology.refresh()


@pytest.fixture(scope="session")
def databases(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], str]:
    """The URL of the global database of a made fleet, by kind of engine."""
    made: dict[str, list[str]] = {}

    def url(kind: str) -> str:
        if kind not in made:
            made[kind] = _new_urls(kind, request, tmp_path_factory)
            run(_build(*made[kind]))
        return made[kind][0]

    return url  # the server of a session goes with its databases


def _new_urls(kind: str, request: pytest.FixtureRequest, folders: pytest.TempPathFactory) -> list[str]:
    if kind == "sqlite":
        folder: Path = folders.mktemp("fleet")
        return [f"sqlite+aiosqlite:///{folder / name}.db" for name in ("global", "one", "two")]
    server = request.getfixturevalue("mariadb_server")
    return [server.create_database() for _ in range(3)]


async def _build(global_url: str, *shard_urls: str) -> None:
    control = [
        ShardConfig.metadata.tables[name] for name in ("table_shard_config", "table_user_shard_mapping")
    ]
    engine = create_engine(global_url)
    async with engine.begin() as connection:
        await connection.run_sync(lambda sync: ShardConfig.metadata.create_all(sync, control))
        for shard_id, url in enumerate(shard_urls, start=1):
            row = {"shard_id": shard_id, "shard_name": f"s{shard_id}"}
            address = address_columns(make_url(url), make_url(global_url))
            await connection.execute(insert(ShardConfig).values(**row, **address))
        homes = HOMES | {9: 7}
        rows = [{"account_db_key": key, "shard_id": shard_id} for key, shard_id in homes.items()]
        await connection.execute(insert(ShardMapping), rows)
    await engine.dispose()
    for url in shard_urls:
        engine = create_engine(url)
        async with engine.begin() as connection:
            await connection.run_sync(Base.metadata.create_all)
            await connection.execute(insert(Currency).values(code="eur", name="Euro"))
        await engine.dispose()


@pytest.fixture
async def world(engine_kind: str, databases: Callable[[str], str]) -> AsyncIterator[World]:
    settings = {"topology": {"revision_check": "ignore", "refresh_interval": 0}}
    async with ShardedDatabase.from_url(databases(engine_kind), **settings) as db:
        world = World(db)
        yield world
        async with db.global_session() as session:
            await session.execute(
                text("UPDATE table_shard_config SET status = 'active', pool_size = NULL, weight = 1")
            )
            await session.execute(delete(ShardMapping).where(ShardMapping.account_db_key > 9))
        await db.topology.refresh()
        for shard_id in (1, 2):
            async with db.shard_session(shard_id) as session:
                for model in (OrderLine, Order, Renamed, Profile, Journal):
                    await session.execute(delete(model))
                await session.execute(delete(Currency).where(Currency.code != "eur"))
