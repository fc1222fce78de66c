"""Which accounts a statement is held to; and that one shard then answers as one database with all rows would.

Every statement that is accepted is executed both ways: on the shard that it is routed to, and on a single
database that holds everything.
"""

from collections.abc import Iterator
from typing import Any, ClassVar

import pytest
from sqlalchemy import (
    Column,
    ForeignKeyConstraint,
    Integer,
    MetaData,
    String,
    Table,
    alias,
    and_,
    bindparam,
    case,
    cast,
    column,
    create_engine,
    delete,
    exists,
    false,
    func,
    insert,
    inspect,
    intersect,
    join,
    lambda_stmt,
    literal,
    literal_column,
    not_,
    or_,
    select,
    table,
    text,
    true,
    tuple_,
    type_coerce,
    union,
    union_all,
    update,
)
from sqlalchemy.dialects import mysql, sqlite
from sqlalchemy.engine import Engine
from sqlalchemy.orm import (
    Bundle,
    Mapped,
    Session,
    aliased,
    column_property,
    contains_eager,
    foreign,
    joinedload,
    load_only,
    mapped_column,
    query_expression,
    relationship,
    remote,
    selectinload,
    with_expression,
    with_loader_criteria,
    with_polymorphic,
)
from sqlalchemy.pool import StaticPool
from sqlalchemy.sql.dml import Insert
from sqlalchemy.sql.selectable import SelectBase

from shardwise.errors import MissingShardKeyError, ShardKeyChangedError, UnroutableStatementError
from shardwise.routing.keys import statement_keys
from shardwise.schema.base import ShardBase
from shardwise.schema.columns import account_key_column
from shardwise.schema.control import ErrorLog, ShardMapping, ShardStats

METADATA = MetaData()
Missing, Unroutable = MissingShardKeyError, UnroutableStatementError


class Base(ShardBase):
    __abstract__ = True
    metadata = METADATA  # apart from the project's own tables


class Order(Base):
    __tablename__ = "orders"
    account_db_key: Mapped[int] = account_key_column()
    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    amount: Mapped[int]
    other_key: Mapped[int]
    lines: Mapped[list["Line"]] = relationship(back_populates="order")
    loose_lines: Mapped[list["Line"]] = relationship(
        primaryjoin=lambda: Order.id == foreign(remote(Line.order_id)), viewonly=True
    )


class Line(Base):
    __tablename__ = "lines"
    account_db_key: Mapped[int] = account_key_column()
    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    order_id: Mapped[int]
    currency: Mapped[str] = mapped_column(String(3))
    order: Mapped[Order] = relationship(back_populates="lines")
    __table_args__ = (
        ForeignKeyConstraint(["account_db_key", "order_id"], ["orders.account_db_key", "orders.id"]),
    )


class Currency(Base):
    __tablename__ = "currencies"
    __placement__ = "reference"
    code: Mapped[str] = mapped_column(String(3), primary_key=True)
    name: Mapped[str] = mapped_column(String(20))


class Asset(Base):
    __tablename__ = "assets"
    account_db_key: Mapped[int] = account_key_column()
    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    kind: Mapped[str] = mapped_column(String(10))
    __mapper_args__: ClassVar = {"polymorphic_on": "kind", "polymorphic_identity": "asset"}


class Bond(Asset):
    __tablename__ = "bonds"
    account_db_key: Mapped[int] = account_key_column()
    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    rate: Mapped[int]
    __table_args__ = (ForeignKeyConstraint(["account_db_key", "id"], ["assets.account_db_key", "assets.id"]),)
    __mapper_args__: ClassVar = {"polymorphic_identity": "bond"}


class Share(Asset):
    """In its parent's table."""

    __mapper_args__: ClassVar = {"polymorphic_identity": "share"}


class Summary(Base):
    """The table of orders, with expressions behind its attributes."""

    __table__ = Order.__table__
    total = column_property(
        select(func.count(Line.id)).where(Line.order_id == Order.__table__.c.id).scalar_subquery()
    )


class Extended(Base):
    """The table of orders, with an attribute whose expression each query gives."""

    __table__ = Order.__table__
    extra: Mapped[int] = query_expression()


class Eager(Base):
    """The table of orders, with a relationship that is always joined."""

    __table__ = Order.__table__
    lines = relationship(
        Line,
        primaryjoin=lambda: Order.__table__.c.id == foreign(remote(Line.order_id)),
        lazy="joined",
        viewonly=True,
    )


O, L, C = Order, Line, Currency  # noqa: E741  # short, as in SQL
ORDERS, LINES = Order.__table__, Line.__table__
LINKS = Table("links", METADATA, Column("account_db_key", Integer, primary_key=True), Column("x", Integer))

# One world in two forms

SHARD_OF = {1: 1, 3: 1, 2: 2, 4: 2}


def rows_of(key: int) -> list[Any]:
    """Rows whose ids, order ids and amounts coincide between accounts, so that a wrong row shows."""
    orders = [
        Order(account_db_key=key, id=i, amount=i * 10 + key % 2, other_key=1 + (key + i) % 4)
        for i in (1, 2, 3)
    ]
    lines = [
        Line(account_db_key=key, id=i, order_id=1 + i % 2, currency="eur" if (key + i) % 2 else "usd")
        for i in (1, 2, 3)
    ]
    assets = [
        Bond(account_db_key=key, id=1, rate=5 + key),
        Share(account_db_key=key, id=2),
        Asset(account_db_key=key, id=3),
    ]
    return [*orders, *lines, *assets]


def a_database(*accounts: int) -> Engine:
    engine = create_engine("sqlite://", poolclass=StaticPool, connect_args={"check_same_thread": False})
    METADATA.create_all(engine)
    with Session(engine) as session:
        session.add_all([Currency(code="eur", name="Euro"), Currency(code="usd", name="Dollar")])
        for key in accounts:
            session.add_all(rows_of(key))
        session.commit()
    return engine


class World:
    def __init__(self) -> None:
        self.whole = a_database(*SHARD_OF)
        self.shards = {shard: a_database(*(k for k in SHARD_OF if SHARD_OF[k] == shard)) for shard in (1, 2)}

    def close(self) -> None:
        for engine in (self.whole, *self.shards.values()):
            engine.dispose()

    def check(self, statement: Any, parameters: Any = None) -> Any:
        """Return the keys of a statement, after comparing the answer of its shard with the whole's."""
        keys = statement_keys(statement, parameters)
        if keys is None or len(keys) <= 1:
            where = [SHARD_OF.get(key, 1) for key in keys] if keys else list(self.shards)
            expected = outcome(self.whole, statement, parameters)
            for shard in where:
                found = outcome(self.shards[shard], statement, parameters)
                held = [row for row in expected["orders"] + expected["lines"] if SHARD_OF[row[0]] == shard]
                assert found["result"] == expected["result"], f"shard {shard} answers something else"
                assert found["orders"] + found["lines"] == held, f"shard {shard} holds something else"
        return keys


def plain_value(value: Any) -> Any:
    state = inspect(value, raiseerr=False)
    return (type(value).__name__, state.identity) if hasattr(state, "identity") else value


def outcome(engine: Engine, statement: Any, parameters: Any) -> dict[str, Any]:
    """Execute a statement and undo it; return its rows and what the tables held then."""
    with Session(engine) as session:
        result = session.execute(statement, parameters)
        rows: Any
        if isinstance(statement, SelectBase):
            rows = sorted(repr([plain_value(value) for value in row]) for row in result.unique())
        else:
            rows = None if isinstance(statement, Insert) else result.rowcount
        connection = session.connection()
        held = {
            name: [tuple(r) for r in connection.exec_driver_sql(f"SELECT * FROM {name} ORDER BY 1, 2")]
            for name in ("orders", "lines")
        }
        session.rollback()
    return {"result": rows, **held}


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    world = World()
    yield world
    world.close()


# SELECT: accepted

o2, l2 = aliased(Order), aliased(Line)
x, everything = alias(ORDERS, "x"), with_polymorphic(Asset, "*")
A1 = O.account_db_key == 1
Z1, Z2, CALLED_LINES = ORDERS.alias("z"), LINES.alias("Z"), ORDERS.alias("lines")
sub1 = select(O).where(A1).subquery()
cte1 = select(O.id, O.amount).where(A1).cte("mine")
lines_of_order = exists(select(L).where(L.account_db_key == O.account_db_key, L.order_id == O.id))

ACCEPTED: dict[str, tuple[Any, set[int]]] = {
    "entity": (select(O).where(A1), {1}),
    "columns": (select(O.id, O.amount).where(A1), {1}),
    "core table": (select(ORDERS).where(ORDERS.c.account_db_key == 2), {2}),
    "core columns": (select(ORDERS.c.id).where(ORDERS.c.account_db_key == 2), {2}),
    "an unknown account": (select(O).where(O.account_db_key == 99), {99}),
    "the value first": (select(O).where(literal(1) == O.account_db_key), {1}),
    "a whole primary key": (select(O).where(A1, O.id == 2), {1}),
    "an IN of one": (select(O).where(O.account_db_key.in_([1])), {1}),
    "an IN of several": (select(O).where(O.account_db_key.in_([1, 2, 2])), {1, 2}),
    "an IN of none": (select(O).where(O.account_db_key.in_([])), set()),
    "a contradiction": (select(O).where(A1, O.account_db_key == 2), set()),
    "a contradiction of INs": (
        select(func.count()).select_from(O).where(O.account_db_key.in_([1, 2]), O.account_db_key.in_([3])),
        set(),
    ),
    "an intersection": (select(O).where(O.account_db_key.in_([1, 2]), O.account_db_key.in_([2, 3])), {2}),
    "an OR of keys": (select(O).where(or_(A1, O.account_db_key == 3)), {1, 3}),
    "an OR of the same key": (
        select(O).where(or_(and_(A1, O.id == 1), and_(O.amount > 15, A1), O.account_db_key.in_([1]))),
        {1},
    ),
    "an OR beside the key": (select(O).where(A1, or_(O.id == 1, O.account_db_key == 2)), {1}),
    "nested ANDs": (select(O).where(and_(and_(O.id > 0, and_(A1, O.amount > 0)), O.amount > 11)), {1}),
    "a NOT beside the key": (select(O).where(A1, not_(O.id == 2), ~O.id.in_([1])), {1}),
    "ordered and limited": (select(O).where(A1).order_by(O.amount.desc(), O.id).limit(2).offset(1), {1}),
    "locked": (select(O).where(A1).with_for_update(), {1}),
    "distinct": (select(O.amount).where(A1).distinct(), {1}),
    "grouped": (
        select(O.amount, func.count())
        .where(A1)
        .group_by(O.amount)
        .having(func.count() > 0)
        .order_by(func.count()),
        {1},
    ),
    "a window": (select(O.id, func.sum(O.amount).over(order_by=O.id)).where(A1), {1}),
    "an aggregate": (select(func.count(), func.sum(O.amount)).select_from(O).where(A1), {1}),
    "a bundle": (select(Bundle("b", O.id, O.amount)).where(A1), {1}),
    "a label": (select(O.account_db_key.label("k")).where(O.account_db_key.label("k") == 1), {1}),
    "filter_by": (select(O).filter_by(account_db_key=1, id=1), {1}),
    "with_only_columns": (select(O).where(A1).with_only_columns(O.id), {1}),
    "with_only_columns of another table": (
        select(O).join(O.lines).where(A1).with_only_columns(L.id, maintain_column_froms=True),
        {1},
    ),
    "an alias": (select(o2).where(o2.account_db_key == 1), {1}),
    "a core alias": (select(x).where(x.c.account_db_key == 1), {1}),
    "load_only": (select(O).where(A1).options(load_only(O.id)), {1}),
    "a comparison of two columns beside the key": (select(O).where(A1, O.id < O.amount), {1}),
    # joins
    "a relationship joined": (select(O, L).join(O.lines).where(A1), {1}),
    "a relationship joined, key of the other": (select(O).join(O.lines).where(L.account_db_key == 1), {1}),
    "a relationship outer joined": (select(O, L).outerjoin(O.lines).where(A1), {1}),
    "an alias joined": (select(O, l2).join(O.lines.of_type(l2)).where(A1), {1}),
    "a join on the key": (select(O.id, L.id).join(L, L.account_db_key == O.account_db_key).where(A1), {1}),
    "a join with the key in ON": (
        select(O.id, L.id).join(L, and_(L.account_db_key == O.account_db_key, A1, L.order_id == O.id)),
        {1},
    ),
    "a join with both keys by value": (
        select(O.id, L.id).join(L, L.order_id == O.id).where(A1, L.account_db_key == 1),
        {1},
    ),
    "an outer join whose right side is held in ON": (
        select(O.id, L.id).outerjoin(L, and_(L.account_db_key == 1, L.order_id == O.id)).where(A1),
        {1},
    ),
    "a chain of joins": (
        select(O.id, L.id, o2.id)
        .join(L, L.account_db_key == O.account_db_key)
        .join(o2, o2.account_db_key == L.account_db_key)
        .where(A1),
        {1},
    ),
    "a chain of outer joins": (
        select(O.id, L.id, o2.id)
        .outerjoin(L, and_(L.account_db_key == O.account_db_key, L.order_id == O.id))
        .outerjoin(o2, and_(o2.account_db_key == L.account_db_key, o2.id == L.id))
        .where(A1),
        {1},
    ),
    "a comma join on the key": (select(O.id, L.id).where(A1, O.account_db_key == L.account_db_key), {1}),
    "keys that meet": (
        select(O.id, L.id).where(
            O.account_db_key.in_([1, 2]), L.account_db_key.in_([2, 3]), O.account_db_key == L.account_db_key
        ),
        {2},
    ),
    "two accounts": (select(O.id, L.id).where(A1, L.account_db_key == 3), {1, 3}),
    "a core join": (
        select(ORDERS.c.id, LINES.c.id)
        .select_from(join(ORDERS, LINES, ORDERS.c.account_db_key == LINES.c.account_db_key))
        .where(LINES.c.account_db_key == 3),
        {3},
    ),
    "a nested join on the right": (
        select(O.id, L.id, o2.id)
        .select_from(
            join(
                O,
                join(L, o2, L.account_db_key == o2.account_db_key),
                and_(O.account_db_key == L.account_db_key, O.id == L.order_id),
                isouter=True,
            )
        )
        .where(A1),
        {1},
    ),
    "a full join held in WHERE": (
        select(O.id, L.id).join(L, L.order_id == O.id, full=True).where(A1, L.account_db_key == 1),
        {1},
    ),
    "a reference table joined": (
        select(L.id, C.name).join(C, C.code == L.currency).where(L.account_db_key == 1),
        {1},
    ),
    "a reference table outer joined": (
        select(C.name, L.id).outerjoin(L, and_(L.currency == C.code, L.account_db_key == 1)),
        {1},
    ),
    "a reference table alone": (select(C), None),
    "no table": (select(literal(1)), None),
    # nested
    "a derived table": (select(sub1.c.id).where(sub1.c.amount > 11), {1}),
    "an entity of a derived table": (select(aliased(O, sub1)), {1}),
    "a common table expression": (select(cte1.c.id).join(O, and_(O.id == cte1.c.id, A1)), {1}),
    "a scalar subquery": (
        select(O.id, select(func.max(L.id)).where(L.account_db_key == 1).scalar_subquery()).where(A1),
        {1},
    ),
    "an IN of a subquery": (
        select(O).where(A1, O.id.in_(select(L.order_id).where(L.account_db_key == 1))),
        {1},
    ),
    "a correlated EXISTS": (select(O).where(A1, lines_of_order), {1}),
    "a correlated NOT EXISTS": (select(O).where(A1, ~lines_of_order), {1}),
    "relationship.any()": (select(O).where(A1, O.lines.any(L.id > 1)), {1}),
    "not relationship.any()": (select(O).where(A1, ~O.lines.any()), {1}),
    "relationship.has()": (select(L).where(L.account_db_key == 1, L.order.has(O.amount > 11)), {1}),
    "a correlated scalar subquery": (
        select(
            O.id,
            select(func.count(L.id))
            .where(L.account_db_key == O.account_db_key, L.order_id == O.id)
            .scalar_subquery(),
        ).where(A1),
        {1},
    ),
    "a correlated subquery in ORDER BY": (
        select(O.id)
        .where(A1)
        .order_by(select(func.max(L.id)).where(L.account_db_key == O.account_db_key).scalar_subquery()),
        {1},
    ),
    "explicitly correlated": (
        select(O.id).where(
            A1, select(L.id).where(L.account_db_key == O.account_db_key).correlate(O).exists()
        ),
        {1},
    ),
    "a reference table in a subquery": (
        select(L).where(L.account_db_key == 1, L.currency.in_(select(C.code).where(C.name == "Euro"))),
        {1},
    ),
    "a union": (union(select(O.id).where(A1), select(L.id).where(L.account_db_key == 1)), {1}),
    "a union of two accounts": (
        union_all(select(O.id).where(A1), select(O.id).where(O.account_db_key == 2)),
        {1, 2},
    ),
    "a union with a contradiction": (
        union_all(select(O.id).where(A1), select(L.id).where(L.account_db_key.in_([]))),
        {1},
    ),
    "an intersection of selects": (
        intersect(select(O.id).where(A1), select(L.id).where(L.account_db_key == 1)),
        {1},
    ),
    "a union as a derived table": (
        select(func.count()).select_from(
            union_all(select(O.id).where(A1), select(L.id).where(L.account_db_key == 1)).subquery()
        ),
        {1},
    ),
    "a recursive common table expression": (
        select(
            (base := select(O.id.label("n")).where(A1, O.id == 1).cte("walk", recursive=True))
            .union_all(select(o2.id).where(o2.account_db_key == 1, o2.id == base.c.n + 1))
            .c.n
        ),
        {1},
    ),
    "an expression given to a query": (
        select(Extended)
        .where(Extended.account_db_key == 1)
        .options(with_expression(Extended.extra, Extended.amount + 1)),
        {1},
    ),
    "case and cast": (select(case((O.id > 1, cast(O.amount, String)), else_="x")).where(A1), {1}),
    # inheritance
    "a joined child": (select(Bond).where(Bond.account_db_key == 1), {1}),
    "a joined parent": (select(Asset).where(Asset.account_db_key == 1), {1}),
    "all children": (select(everything).where(everything.account_db_key == 1), {1}),
    "a child in its parent's table": (select(Share).where(Share.account_db_key == 1), {1}),
    # options
    "selectinload": (select(O).where(A1).options(selectinload(O.lines)), {1}),
    "joinedload": (select(O).where(A1).options(joinedload(O.lines)), {1}),
    "contains_eager": (select(O).join(O.lines).where(A1).options(contains_eager(O.lines)), {1}),
    "loader criteria": (select(O).where(A1).options(with_loader_criteria(O, O.id > 1)), {1}),
    "loader criteria that contradict": (
        select(O).where(A1).options(with_loader_criteria(O, O.account_db_key == 2)),
        set(),
    ),
    "loader criteria that hold": (
        select(O).options(with_loader_criteria(O, lambda cls: cls.account_db_key == 1)),
        {1},
    ),
}


@pytest.mark.parametrize("name", ACCEPTED)
def test_a_select_that_names_its_accounts(world: World, name: str) -> None:
    statement, expected = ACCEPTED[name]
    assert world.check(statement) == expected


# SELECT: refused

unkeyed_lines = select(func.count(L.id)).scalar_subquery()
REFUSED: dict[str, tuple[Any, type[Exception]]] = {
    "no condition": (select(O), Missing),
    "another column": (select(O).where(O.id == 1), Missing),
    "another key": (select(O).where(O.other_key == 1), Missing),
    "not the key": (select(O).where(O.account_db_key != 1), Missing),
    "a negation": (select(O).where(~(O.account_db_key == 1)), Missing),
    "not_()": (select(O).where(not_(A1)), Missing),
    "a negated AND": (select(O).where(~and_(A1, O.id == 1)), Missing),
    "a negated OR": (select(O).where(~or_(O.account_db_key != 1, O.id == 1)), Missing),
    "NOT IN": (select(O).where(O.account_db_key.not_in([1])), Missing),
    "a negated IN": (select(O).where(~O.account_db_key.in_([1])), Missing),
    "greater": (select(O).where(O.account_db_key > 1), Missing),
    "between": (select(O).where(O.account_db_key.between(1, 1)), Missing),
    "is": (select(O).where(O.account_db_key.is_(None)), Missing),
    "distinct from": (select(O).where(O.account_db_key.is_not_distinct_from(1)), Missing),
    "an OR without the key on one side": (select(O).where(or_(A1, O.id == 1)), Missing),
    "an OR with a negated key": (select(O).where(or_(A1, O.account_db_key != 2)), Missing),
    "an OR with true": (select(O).where(or_(A1, literal(True))), Missing),
    "compared with another column": (select(O).where(O.account_db_key == O.other_key), Missing),
    "compared with itself": (select(O).where(O.account_db_key == O.account_db_key), Missing),
    "a function of the key": (select(O).where(func.abs(O.account_db_key) == 1), Missing),
    "arithmetic on the key": (select(O).where(O.account_db_key + 0 == 1), Missing),
    "a cast of the key": (select(O).where(cast(O.account_db_key, Integer) == 1), Missing),
    "a function of a value": (select(O).where(O.account_db_key == func.abs(1)), Missing),
    "text instead of a number": (select(O).where(O.account_db_key == "1"), Missing),
    "a boolean": (select(O).where(O.account_db_key == literal(True)), Missing),
    "none": (select(O).where(O.account_db_key == None), Missing),  # noqa: E711
    "a number with a fraction": (select(O).where(O.account_db_key == 1.0), Missing),
    "an IN with text": (select(O).where(O.account_db_key.in_([1, "2"])), Missing),
    "an IN of a subquery": (
        select(O).where(O.account_db_key.in_(select(L.account_db_key).where(L.account_db_key == 1))),
        Missing,
    ),
    "a tuple": (select(O).where(tuple_(O.account_db_key, O.id).in_([(1, 1)])), Missing),
    "a scalar subquery as value": (
        select(O).where(O.account_db_key == select(literal(1)).scalar_subquery()),
        Missing,
    ),
    "a case": (select(O).where(case((O.id == 1, A1), else_=true())), Missing),
    "only in HAVING": (select(O.account_db_key).group_by(O.account_db_key).having(A1), Missing),
    "only in ORDER BY": (select(O).order_by(A1), Missing),
    "a column of that name without a table": (select(O).where(column("account_db_key") == 1), Missing),
    "the key of an alias for the table": (select(O).where(o2.account_db_key == 1), Missing),
    "the table for an alias": (select(o2.id).where(A1), Missing),
    "false": (select(O).where(false()), Missing),
    # joins
    "the other table without a key": (select(O.id, L.id).where(A1, O.id == L.order_id), Missing),
    "another table before": (select(L.id, O.id).where(A1), Missing),
    "another table behind": (select(O.id, L.id).where(A1), Missing),
    "a join without the key": (select(O.id, L.id).join(L, L.order_id == O.id).where(A1), Missing),
    "a self join": (select(O.id, o2.id).join(o2, o2.id == O.id).where(A1), Missing),
    "joined by an OR": (
        select(O.id, L.id).join(L, or_(L.account_db_key == O.account_db_key, L.id == O.id)).where(A1),
        Missing,
    ),
    "joined by an unequal key": (
        select(O.id, L.id).join(L, L.account_db_key != O.account_db_key).where(A1),
        Missing,
    ),
    "joined by another column": (
        select(O.id, L.id).join(L, L.account_db_key == O.other_key).where(A1),
        Missing,
    ),
    "an outer join whose ON holds the left side": (
        select(O.id, L.id).outerjoin(L, and_(A1, L.account_db_key == 1)),
        Missing,
    ),
    "an outer join held on its right side": (
        select(O.id, L.id).outerjoin(L, L.account_db_key == O.account_db_key).where(L.account_db_key == 1),
        Missing,
    ),
    "an outer join that holds its right side alone": (
        select(O.id, L.id).outerjoin(L, and_(L.account_db_key == 1, L.order_id == O.id)),
        Missing,
    ),
    "keys of the left side in the ON of an outer join": (
        select(O.id, o2.id, L.id)
        .join(o2, o2.id == O.id)
        .outerjoin(L, and_(L.account_db_key == O.account_db_key, o2.account_db_key == O.account_db_key))
        .where(A1),
        Missing,
    ),
    "a full join": (
        select(O.id, L.id).join(L, L.account_db_key == O.account_db_key, full=True).where(A1),
        Missing,
    ),
    "a full join held in ON": (
        select(O.id, L.id).join(L, and_(A1, L.account_db_key == 1), full=True),
        Missing,
    ),
    "a full join of a held join": (
        select(O.id, o2.id, L.id).select_from(
            join(
                join(O, o2, and_(A1, o2.account_db_key == 1)),
                L,
                L.account_db_key == O.account_db_key,
                full=True,
            )
        ),
        Missing,
    ),
    "a reference table with an outer joined sharded one": (
        select(C.name, L.id).outerjoin(L, L.currency == C.code),
        Missing,
    ),
    # hidden
    "an unkeyed subquery in SELECT": (select(O.id, unkeyed_lines).where(A1), Missing),
    "an unkeyed subquery in WHERE": (select(O).where(A1, O.id < unkeyed_lines), Missing),
    "an unkeyed subquery in ORDER BY": (select(O).where(A1).order_by(unkeyed_lines), Missing),
    "an unkeyed subquery in GROUP BY": (select(func.count()).where(A1).group_by(unkeyed_lines), Missing),
    "an unkeyed subquery in HAVING": (
        select(O.amount).where(A1).group_by(O.amount).having(func.count() < unkeyed_lines),
        Missing,
    ),
    "an unkeyed subquery in GROUP BY beside a column": (
        select(O.amount).where(A1).group_by(O.amount, unkeyed_lines),
        Missing,
    ),
    "an unkeyed subquery in HAVING without GROUP BY": (
        select(O.amount).where(A1).having(unkeyed_lines > 1),
        Missing,
    ),
    "an unkeyed subquery in LIMIT": (select(O).where(A1).order_by(O.id).limit(unkeyed_lines), Missing),
    "an unkeyed subquery in ON": (
        select(O.id, L.id)
        .join(
            L, and_(L.account_db_key == O.account_db_key, L.id < select(func.count(o2.id)).scalar_subquery())
        )
        .where(A1),
        Missing,
    ),
    "an unkeyed subquery in CASE": (select(case((O.id > 1, unkeyed_lines), else_=0)).where(A1), Missing),
    "an unkeyed subquery in a function": (select(func.coalesce(None, unkeyed_lines)).where(A1), Missing),
    "an unkeyed subquery in a window": (
        select(func.sum(O.id).over(order_by=unkeyed_lines)).where(A1),
        Missing,
    ),
    "an unkeyed EXISTS": (select(O).where(A1, exists(select(L).where(L.order_id == O.id))), Missing),
    "an unkeyed IN": (select(O).where(A1, O.id.in_(select(L.order_id))), Missing),
    "an unkeyed derived table": (select(O.id).join(select(L.order_id).subquery(), true()).where(A1), Missing),
    "a derived table keyed from outside": (
        (every := select(O.account_db_key, O.id).subquery()) is not None
        and select(every.c.id).where(every.c.account_db_key == 1),
        Missing,
    ),
    "an unkeyed common table expression": (
        select(O.id).where(A1, O.id.in_(select(select(L.id).cte("all_lines").c.id))),
        Missing,
    ),
    "an unused common table expression": (
        select(O.id).where(A1).add_cte(select(L.id).cte("unused")),
        Missing,
    ),
    "an unkeyed part of a union": (union(select(O.id).where(A1), select(L.id)), Missing),
    "correlated over two levels, which SQLAlchemy doesn't do": (
        select(O).where(
            A1,
            exists(
                select(L).where(
                    L.account_db_key == O.account_db_key,
                    exists(select(o2).where(o2.account_db_key == L.account_db_key, o2.id == O.id)),
                )
            ),
        ),
        Missing,
    ),
    "a subquery told not to correlate": (
        select(O.id).where(A1, exists(select(L).where(L.account_db_key == O.account_db_key).correlate(None))),
        Missing,
    ),
    "a correlated derived table": (
        select(O.id)
        .where(A1)
        .join(select(L.id).where(L.account_db_key == O.account_db_key).subquery(), true()),
        Missing,
    ),
    "lateral": (
        select(O.id).join(select(L.id).where(L.order_id == O.id).lateral(), true()).where(A1),
        (Missing, Unroutable),
    ),
    "any() by a loose relationship": (select(O).where(A1, O.loose_lines.any()), Missing),
    "a loose relationship joined": (select(O).join(O.loose_lines).where(A1), Missing),
    "joinedload by a loose relationship": (select(O).where(A1).options(joinedload(O.loose_lines)), Missing),
    "joinedload with a limit": (select(O).where(A1).limit(2).options(joinedload(O.lines)), Missing),
    "a relationship that is always joined": (select(Eager).where(Eager.account_db_key == 1), Missing),
    "an expression behind an attribute": (select(Summary).where(Summary.account_db_key == 1), Missing),
    "an expression given to a query": (
        select(Extended)
        .where(Extended.account_db_key == 1)
        .options(with_expression(Extended.extra, unkeyed_lines)),
        Missing,
    ),
    "a type coerced": (select(O).where(type_coerce(O.account_db_key, String) == "1"), Missing),
    "loader criteria with a subquery": (
        select(O).where(A1).options(with_loader_criteria(O, O.id.in_(select(L.id)))),
        Missing,
    ),
    "loader criteria with a subquery in a lambda": (
        select(O).where(A1).options(with_loader_criteria(O, lambda cls: cls.id.in_(select(L.id)))),
        Missing,
    ),
    "with_only_columns after a join": (
        select(O).join(L, L.order_id == O.id).where(A1).with_only_columns(O.id),
        Missing,
    ),
    "core with_only_columns after a join": (
        select(ORDERS)
        .join(LINES, LINES.c.order_id == ORDERS.c.id)
        .where(ORDERS.c.account_db_key == 1)
        .with_only_columns(ORDERS.c.id),
        Missing,
    ),
    "select_from another table": (select(O.id).select_from(L).where(A1), Missing),
    "FOR UPDATE OF another table": (
        select(O.id).where(A1, L.account_db_key == O.other_key).with_for_update(of=L),
        Missing,
    ),
    "a lambda with a subquery": (select(O).where(A1).where(lambda: exists(select(L.id))), Missing),
    # text
    "a text condition": (select(O).where(A1, text("1 = 1")), Unroutable),
    "a text key": (select(O).where(text("account_db_key = 1")), Unroutable),
    "a text column": (select(text("(SELECT count(*) FROM lines)")).where(A1), Unroutable),
    "a text order": (select(O).where(A1).order_by(text("(SELECT count(*) FROM lines)")), Unroutable),
    "a text table": (select(O.id).select_from(text("lines")).where(A1), Unroutable),
    "a literal column": (select(literal_column("(SELECT count(*) FROM lines)")).where(A1), Unroutable),
    "a literal condition": (select(O).where(A1, literal_column("1 OR 1")), Unroutable),
    "a text operator": (select(O).where(A1, O.id.op("IN (SELECT id FROM lines) OR 0 <")(1)), Unroutable),
    "an operator with a precedence of its own": (
        select(O).where(A1, O.id.op("OR", precedence=20)(1)),
        Unroutable,
    ),
    "a prefix": (select(O.id).prefix_with("SQL_NO_CACHE").where(A1), Unroutable),
    "a suffix": (select(O.id).where(A1).suffix_with("UNION SELECT id FROM lines"), Unroutable),
    "a hint": (select(O.id).where(A1).with_hint(O, ", lines"), Unroutable),
    "a statement hint": (select(O.id).where(A1).with_statement_hint("x"), Unroutable),
    "a textual select": (text("SELECT 1").columns(column("a")), Unroutable),
    "a textual derived table": (
        select(text("SELECT id FROM lines").columns(column("id")).subquery().c.id),
        Unroutable,
    ),
    "entities from text": (select(O).from_statement(text("SELECT * FROM orders")), Unroutable),
    "text": (text("SELECT 1"), Unroutable),
    "a lambda": (lambda_stmt(lambda: select(O).where(O.account_db_key == 1)), Unroutable),
    # tables that aren't where they are looked for
    "a lightweight table": (select(column("id")).select_from(table("lines")), Unroutable),
    "an alias of a lightweight table": (
        select(column("id")).select_from(table("lines", column("id")).alias()),
        Unroutable,
    ),
    "a sample of a table": (select(func.count()).select_from(ORDERS.tablesample(10)), Unroutable),
    "a table without a placement": (select(LINKS).where(LINKS.c.account_db_key == 1), Unroutable),
    "a column of a table without a placement": (
        select(LINKS.c.x).where(LINKS.c.account_db_key == 1),
        Unroutable,
    ),
    "a global table with a key": (
        select(ShardMapping.shard_id).where(ShardMapping.account_db_key == 1),
        Unroutable,
    ),
    "a global table": (select(ShardStats), Unroutable),
    "a global table joined": (
        select(O.id).join(ShardStats, ShardStats.shard_id == O.id).where(A1),
        Unroutable,
    ),
    "a local table": (select(ErrorLog), Unroutable),
    "a global table in a subquery": (select(O).where(A1, O.id.in_(select(ShardStats.shard_id))), Unroutable),
    "an INSERT in a common table expression": (
        select(insert(L).values(account_db_key=1, id=9, order_id=1, currency="eur").returning(L.id).cte()),
        Unroutable,
    ),
    "an alias called as the one around it": (
        select(Z1.c.id).where(
            Z1.c.account_db_key == 1,
            exists(select(Z2.c.id).where(Z2.c.account_db_key == Z1.c.account_db_key).correlate(Z1)),
        ),
        Unroutable,
    ),
    "an alias called as a table": (
        select(CALLED_LINES.c.id).where(
            CALLED_LINES.c.account_db_key == 1,
            exists(select(LINES.c.id).where(LINES.c.account_db_key == CALLED_LINES.c.account_db_key)),
        ),
        Unroutable,
    ),
    "a DELETE in a common table expression": (
        select(O.id).where(A1).add_cte(delete(L).where(L.account_db_key == 1).returning(L.id).cte()),
        Unroutable,
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_select_that_could_need_other_shards(name: str) -> None:
    statement, kind = REFUSED[name]
    with pytest.raises(kind):
        statement_keys(statement)


def test_what_errors_say() -> None:
    with pytest.raises(
        Missing, match=r"reads lines without an account_db_key; add `.where\(Model.account_db_key"
    ):
        statement_keys(select(O.id).where(A1, O.id.in_(select(L.id))))
    with pytest.raises(Unroutable, match=r"text\(\) can't be analysed .* db.session\(account_db_key\)"):
        statement_keys(text("SELECT 1"))
    with pytest.raises(Unroutable, match=r"table_shard_stats is a global table; use db.global_session"):
        statement_keys(select(ShardStats))
    with pytest.raises(
        Unroutable, match=r"table_errorlog is a local table; use db.shard_session\(shard_id\)"
    ):
        statement_keys(select(ErrorLog))
    with pytest.raises(Unroutable, match=r"text\(\) fragment hides which rows"):
        statement_keys(select(O).where(A1, text("1 = 1")))


# Parameters

given = select(O).where(O.account_db_key == bindparam("key"))
defaulted = select(O).where(O.account_db_key == bindparam("key", 1))
listed = select(O).where(O.account_db_key.in_(bindparam("keys", expanding=True)))


@pytest.mark.parametrize(
    ("statement", "parameters", "expected"),
    [
        (given, {"key": 2}, {2}),
        (given, [{"key": 2}], {2}),
        (given.params(key=3), None, {3}),
        (defaulted, None, {1}),
        (defaulted, {"key": 2}, {2}),
        (listed, {"keys": [3]}, {3}),
        (listed, {"keys": [1, 2]}, {1, 2}),
        (listed, {"keys": []}, set()),
        (given.where(O.id == bindparam("id")), {"key": 2, "id": 1}, {2}),
        (select(O, L).join(O.lines).where(L.account_db_key == bindparam("key")), {"key": 2}, {2}),
        (select(O).where(A1, O.id == bindparam("id")), {"id": 2}, {1}),
        (given.where(O.account_db_key == 1), {"key": 2}, set()),
        (
            select(O.id, L.id).where(
                O.account_db_key == (k := bindparam("k")), L.account_db_key == k, O.id == L.id
            ),
            {"k": 3},
            {3},
        ),
        (defaulted.params(key=2), None, {2}),
        (defaulted.params(key=2), {"key": 3}, {3}),
        (select(O, L).join(O.lines).where(L.account_db_key == bindparam("key", 1)).params(key=2), None, {2}),
        (select(func.count()).select_from(defaulted.params(key=2).subquery()), None, {2}),
    ],
)
def test_parameters(world: World, statement: Any, parameters: Any, expected: set[int]) -> None:
    assert world.check(statement, parameters) == expected


@pytest.mark.parametrize(
    ("statement", "parameters", "kind"),
    [
        (given, None, Missing),
        (given, {}, Missing),
        (given, {"key": "2"}, Missing),
        (given, {"key": None}, Missing),
        (given, {"key": True}, Missing),
        (given, {"key": [1]}, Missing),
        (given, {"other": 2}, Missing),
        (given, [{"key": 2}, {"key": 3}], Unroutable),
        (listed, {"keys": 1}, Missing),
        (listed, {"keys": [1, None]}, Missing),
        (select(O).where(O.account_db_key == bindparam("key", callable_=lambda: 1)), None, Missing),
        (select(O).where(A1), {"account_db_key_1": 2}, Missing),
        (select(O).where(A1, O.id.in_([1])), {"account_db_key_1": 2}, Missing),
        (select(O, L).join(O.lines).where(A1), {"account_db_key_1": 2}, Missing),
    ],
)
def test_parameters_that_name_no_account(statement: Any, parameters: Any, kind: type[Exception]) -> None:
    with pytest.raises(kind):
        statement_keys(statement, parameters)


# UPDATE and DELETE

WRITES: dict[str, tuple[Any, Any, set[int]]] = {
    "update": (update(O).where(A1).values(amount=5), None, {1}),
    "update by primary key": (update(O).where(A1, O.id == 1).values(amount=O.amount + 1), None, {1}),
    "core update": (update(ORDERS).where(ORDERS.c.account_db_key == 2).values(amount=5), None, {2}),
    "update by a parameter": (
        update(O).where(O.account_db_key == bindparam("key")).values(amount=5),
        {"key": 3},
        {3},
    ),
    "update of several": (update(O).where(O.account_db_key.in_([1, 2])).values(amount=5), None, {1, 2}),
    "update of nothing": (update(O).where(A1, O.account_db_key == 2).values(amount=5), None, set()),
    "update by a correlated subquery": (
        update(O)
        .where(A1)
        .values(
            amount=select(func.coalesce(func.max(L.id), 0))
            .where(L.account_db_key == O.account_db_key, L.order_id == O.id)
            .scalar_subquery()
        )
        .execution_options(synchronize_session=False),
        None,
        {1},
    ),
    "update by an EXISTS": (update(O).where(A1, lines_of_order).values(amount=5), None, {1}),
    "update from another table": (
        update(O)
        .where(A1, L.account_db_key == O.account_db_key, L.order_id == O.id)
        .values(amount=O.amount + L.id)
        .execution_options(synchronize_session=False),
        None,
        {1},
    ),
    "delete": (delete(L).where(L.account_db_key == 1), None, {1}),
    "delete by a subquery": (
        delete(L)
        .where(L.account_db_key == 1, L.order_id.in_(select(O.id).where(A1, O.amount > 11)))
        .execution_options(synchronize_session=False),
        None,
        {1},
    ),
    "delete by an IN": (delete(L).where(L.account_db_key.in_([1]), L.id.in_([1, 2])), None, {1}),
    "core delete": (delete(LINES).where(LINES.c.account_db_key == 4), None, {4}),
}


@pytest.mark.parametrize("name", WRITES)
def test_a_write_that_names_its_accounts(world: World, name: str) -> None:
    statement, parameters, expected = WRITES[name]
    assert world.check(statement, parameters) == expected


REFUSED_WRITES: dict[str, tuple[Any, Any, Any]] = {
    "update without a condition": (update(O).values(amount=5), None, Missing),
    "update by another column": (update(O).where(O.id == 1).values(amount=5), None, Missing),
    "update by a negated key": (update(O).where(~(O.account_db_key == 1)).values(amount=5), None, Missing),
    "update by an unkeyed subquery": (
        update(O).where(A1, O.id.in_(select(L.id))).values(amount=5),
        None,
        Missing,
    ),
    "update with an unkeyed subquery": (update(O).where(A1).values(amount=unkeyed_lines), None, Missing),
    "update from an unkeyed table": (
        update(O).where(A1, L.order_id == O.id).values(amount=L.id),
        None,
        Missing,
    ),
    "update keyed on the other table": (
        update(O).where(L.account_db_key == 1, L.id == O.id).values(amount=1),
        None,
        Missing,
    ),
    "update by primary keys": (
        update(O),
        [{"account_db_key": 1, "id": 1, "amount": 5}],
        (Missing, ShardKeyChangedError),
    ),
    "update with a list of parameters": (
        update(O).where(O.account_db_key == bindparam("key")).values(amount=5),
        [{"key": 1}, {"key": 2}],
        Unroutable,
    ),
    "update of the key": (update(O).where(A1).values(account_db_key=2), None, ShardKeyChangedError),
    "update of the key by attribute": (
        update(O).where(A1).values({O.account_db_key: 2}),
        None,
        ShardKeyChangedError,
    ),
    "core update of the key": (
        update(ORDERS).where(ORDERS.c.account_db_key == 1).values({ORDERS.c.account_db_key: 2}),
        None,
        ShardKeyChangedError,
    ),
    "ordered update of the key": (
        update(ORDERS).where(ORDERS.c.account_db_key == 1).ordered_values((ORDERS.c.account_db_key, 2)),
        None,
        ShardKeyChangedError,
    ),
    "update of the key by a parameter": (update(O).where(A1), {"account_db_key": 2}, ShardKeyChangedError),
    "update with text": (update(O).where(A1).values(amount=text("(SELECT 1)")), None, Unroutable),
    "update with a hint": (update(O).where(A1).values(amount=5).with_hint("x"), None, Unroutable),
    "update of a reference table": (update(C).values(name="x"), None, Unroutable),
    "update of a global table": (update(ShardStats).values(user_count=0), None, Unroutable),
    "update of a local table": (update(ErrorLog).values(param="x"), None, Unroutable),
    "update of a table without a placement": (
        update(LINKS).where(LINKS.c.account_db_key == 1),
        None,
        Unroutable,
    ),
    "update with unkeyed loader criteria": (
        update(O).where(A1).values(amount=5).options(with_loader_criteria(O, O.id.in_(select(L.id)))),
        None,
        Missing,
    ),
    "delete without a condition": (delete(L), None, Missing),
    "delete by an OR": (delete(L).where(or_(L.account_db_key == 1, L.id == 1)), None, Missing),
    "delete using an unkeyed table": (
        delete(L).where(L.account_db_key == 1, L.order_id == O.id),
        None,
        Missing,
    ),
    "delete by an unkeyed subquery": (
        delete(L).where(L.account_db_key == 1, L.id.in_(select(O.id))),
        None,
        Missing,
    ),
    "delete of a reference table": (delete(C), None, Unroutable),
    "delete with an unkeyed common table expression": (
        delete(L).where(L.account_db_key == 1, L.id.in_(select(select(O.id).cte().c.id))),
        None,
        Missing,
    ),
}


@pytest.mark.parametrize("name", REFUSED_WRITES)
def test_a_write_that_could_need_other_shards(name: str) -> None:
    statement, parameters, kind = REFUSED_WRITES[name]
    with pytest.raises(kind):
        statement_keys(statement, parameters)


# INSERT


def line(key: Any, number: int = 50, **more: Any) -> dict[str, Any]:
    return {"account_db_key": key, "id": number, "order_id": 1, "currency": "eur", **more}


INSERTS: dict[str, tuple[Any, Any, set[int]]] = {
    "values": (insert(L).values(line(1)), None, {1}),
    "values by attribute": (
        insert(L).values({L.account_db_key: 2, L.id: 50, L.order_id: 1, L.currency: "e"}),
        None,
        {2},
    ),
    "core values": (insert(LINES).values(line(3)), None, {3}),
    "several values": (insert(L).values([line(1), line(1, 51)]), None, {1}),
    "several values of several accounts": (insert(L).values([line(1), line(2, 51)]), None, {1, 2}),
    "core values in order": (insert(LINES).values([(1, 50, 1, "eur"), (1, 51, 1, "eur")]), None, {1}),
    "a parameter": (insert(L), line(1), {1}),
    "parameters": (insert(L), [line(1), line(1, 51)], {1}),
    "parameters of several accounts": (insert(L), [line(1), line(4, 51)], {1, 4}),
    "core parameters": (insert(LINES), [line(2)], {2}),
    "a fixed key and parameters": (
        insert(LINES).values(account_db_key=1),
        [{"id": 50, "order_id": 1, "currency": "e"}, {"id": 51, "order_id": 1, "currency": "e"}],
        {1},
    ),
    "a named parameter": (insert(LINES).values(line(bindparam("key"))), [{"key": 2}], {2}),
    "a named parameter with a default": (insert(LINES).values(line(bindparam("key", 1))), None, {1}),
    "a named parameter in place of its default": (
        insert(LINES).values(line(bindparam("key", 1))),
        [{"key": 2}],
        {2},
    ),
    "a function beside the key": (insert(LINES).values(line(1, currency=func.lower("EUR"))), None, {1}),
    "an upsert": (
        sqlite.insert(L).values(line(1, 1)).on_conflict_do_update(set_={"currency": "usd"}),
        None,
        {1},
    ),
    "an upsert of every column": (
        (up := sqlite.insert(L).values(line(1, 1))).on_conflict_do_update(
            set_={"account_db_key": up.excluded.account_db_key, "currency": up.excluded.currency}
        ),
        None,
        {1},
    ),
}


@pytest.mark.parametrize("name", INSERTS)
def test_an_insert_names_its_accounts(world: World, name: str) -> None:
    statement, parameters, expected = INSERTS[name]
    assert world.check(statement, parameters) == expected


def test_mysql_upserts() -> None:
    given = mysql.insert(L).values(line(1))
    assert statement_keys(given.on_duplicate_key_update(currency="usd")) == {1}
    assert statement_keys(given.on_duplicate_key_update(account_db_key=given.inserted.account_db_key)) == {1}
    with pytest.raises(ShardKeyChangedError):
        statement_keys(given.on_duplicate_key_update(account_db_key=2))
    with pytest.raises(Unroutable):
        statement_keys(given.on_duplicate_key_update(order_id=unkeyed_lines))
    with pytest.raises(Unroutable):
        statement_keys(given.on_duplicate_key_update(order_id=text("(SELECT 1)")))


REFUSED_INSERTS: dict[str, tuple[Any, Any, Any]] = {
    "no values": (insert(L), None, Missing),
    "no key": (insert(L).values(id=1), None, Missing),
    "a key of text": (insert(L).values(line("1")), None, Missing),
    "a key of true": (insert(L).values(line(True)), None, Missing),
    "no number": (insert(L).values(line(None)), None, Missing),
    "a parameter without a key": (insert(L), [line(1), {"id": 51}], Missing),
    "a missing named parameter": (insert(LINES).values(line(bindparam("key"))), None, Missing),
    "two keys": (insert(LINES).values(account_db_key=1), [line(2)], Missing),
    "a key from a function": (insert(LINES).values(line(func.abs(-1))), None, Missing),
    "a key from a callable": (
        insert(LINES).values(line(bindparam("key", callable_=lambda: 1))),
        None,
        Missing,
    ),
    "a key from a subquery": (
        insert(L).values(line(select(O.id).scalar_subquery())),
        None,
        (Missing, Unroutable),
    ),
    "a value from an unkeyed subquery": (insert(L).values(line(1, order_id=unkeyed_lines)), None, Unroutable),
    "a value from text": (insert(L).values(line(1, order_id=text("(SELECT 1)"))), None, Unroutable),
    "a value from literal SQL": (
        insert(L).values(line(1, order_id=literal_column("(SELECT 1)"))),
        None,
        Unroutable,
    ),
    "from a select": (
        insert(L).from_select(["account_db_key", "id"], select(O.account_db_key, O.id).where(A1)),
        None,
        Unroutable,
    ),
    "several values with parameters": (
        insert(LINES).values([line(1), line(1, 51)]),
        {"account_db_key_m0": 2},
        Unroutable,
    ),
    "a reference table": (insert(C).values(code="gbp", name="Pound"), None, Unroutable),
    "a global table": (insert(ShardStats).values(shard_id=1), None, Unroutable),
    "a local table": (insert(ErrorLog).values(param="x"), None, Unroutable),
    "a table without a placement": (insert(LINKS).values(account_db_key=1), None, Unroutable),
    "a lightweight table": (insert(table("lines", column("id"))).values(id=1), None, Unroutable),
    "an upsert that changes the key": (
        sqlite.insert(L).values(line(1)).on_conflict_do_update(set_={"account_db_key": 2}),
        None,
        ShardKeyChangedError,
    ),
    "an upsert with a subquery": (
        sqlite.insert(L).values(line(1)).on_conflict_do_update(set_={"order_id": unkeyed_lines}),
        None,
        Unroutable,
    ),
    "an upsert with an unkeyed condition": (
        sqlite.insert(L)
        .values(line(1))
        .on_conflict_do_update(set_={"order_id": 2}, where=L.id.in_(select(O.id))),
        None,
        Unroutable,
    ),
    "a returned subquery": (insert(L).values(line(1)).returning(unkeyed_lines), None, Unroutable),
    "an unkeyed common table expression": (
        insert(L).values(line(1)).add_cte(select(O.id).cte()),
        None,
        Unroutable,
    ),
    "a prefix": (insert(L).values(line(1)).prefix_with("OR REPLACE"), None, Unroutable),
}


@pytest.mark.parametrize("name", REFUSED_INSERTS)
def test_an_insert_that_names_no_account(name: str) -> None:
    statement, parameters, kind = REFUSED_INSERTS[name]
    with pytest.raises(kind):
        statement_keys(statement, parameters)
