"""Statements made at random: whatever is accepted answers on its shard as on one database with all rows."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import (
    Column,
    Engine,
    Integer,
    MetaData,
    Table,
    and_,
    create_engine,
    exists,
    func,
    insert,
    join,
    literal,
    not_,
    or_,
    select,
    union,
    union_all,
)
from sqlalchemy.exc import InvalidRequestError, OperationalError
from sqlalchemy.pool import StaticPool

from shardwise.errors import RoutingError
from shardwise.routing.keys import statement_keys
from shardwise.schema.base import SHARD_KEY, TablePlacement

METADATA = MetaData()
SHARD_OF = {1: 1, 2: 2, 3: 1}


def a_table(name: str, placement: TablePlacement) -> Table:
    keys = [Column(SHARD_KEY, Integer, primary_key=True)] if placement is TablePlacement.SHARDED else []
    made = Table(name, METADATA, *keys, Column("id", Integer, primary_key=True), Column("x", Integer))
    made.info["placement"] = placement
    return made


A, B = (a_table(name, TablePlacement.SHARDED) for name in ("a", "b"))
R = a_table("r", TablePlacement.REFERENCE)


def a_database(*accounts: int) -> Engine:
    engine = create_engine("sqlite://", poolclass=StaticPool, connect_args={"check_same_thread": False})
    METADATA.create_all(engine)
    with engine.begin() as connection:
        for table, shift in ((A, 0), (B, 1)):
            for key in accounts:
                rows = [{SHARD_KEY: key, "id": i, "x": (key + i + shift) % 4} for i in (1, 2)]
                connection.execute(insert(table), rows)
        connection.execute(insert(R), [{"id": i, "x": i % 2} for i in (1, 2, 3)])
    return engine


WHOLE = a_database(*SHARD_OF)
SHARDS = {shard: a_database(*(key for key in SHARD_OF if SHARD_OF[key] == shard)) for shard in (1, 2)}


@st.composite
def conditions(draw: st.DrawFn, sources: list[Any], outer: list[Any], depth: int = 2) -> Any:
    """A condition over columns of the sources, mostly about their keys."""
    keyed = [source for source in sources if SHARD_KEY in source.c]
    kind = draw(
        st.sampled_from(["key", "key", "key", "pair", "pair", "x", "in", "not", "and", "or", "exists"])
    )
    if kind in ("and", "or", "not") and depth:
        parts = [draw(conditions(sources, outer, depth - 1)) for _ in range(1 if kind == "not" else 2)]
        return not_(parts[0]) if kind == "not" else (and_ if kind == "and" else or_)(*parts)
    if kind == "exists" and depth:
        inner = draw(st.sampled_from([A, B, R])).alias()
        around = draw(st.sampled_from([[inner], [inner, *sources], [inner, *sources, *outer]]))
        wanted = [draw(conditions(around, [], 1)) for _ in range(draw(st.integers(1, 2)))]
        return exists(select(inner.c.id).where(*wanted))
    if kind == "pair" and keyed:
        left, right = draw(st.sampled_from(keyed)), draw(st.sampled_from(sources))
        return left.c[SHARD_KEY] == right.c[draw(st.sampled_from([c.key for c in right.c]))]
    if kind == "in" and keyed:
        values = draw(st.lists(st.sampled_from([1, 2, 3]), max_size=2))
        return draw(st.sampled_from(keyed)).c[SHARD_KEY].in_(values)
    if kind == "key" and keyed:
        return draw(st.sampled_from(keyed)).c[SHARD_KEY] == draw(st.sampled_from([1, 1, 1, 2, 3]))
    return draw(st.sampled_from(sources)).c.x == draw(st.integers(0, 3))


@st.composite
def selects(draw: st.DrawFn, depth: int = 1) -> Any:
    """A SELECT over up to three tables, joined at random, possibly over derived tables."""
    sources: list[Any] = []
    for _ in range(draw(st.integers(1, 3))):
        if depth and draw(st.integers(0, 5)) == 0:
            sources.append(draw(selects(depth - 1)).subquery())
        else:
            sources.append(draw(st.sampled_from([A, A, B, B, R])).alias())
    tree, joined = sources[0], [sources[0]]
    for source in sources[1:]:
        joined.append(source)
        how = draw(st.sampled_from(["inner", "inner", "left", "full"]))
        on = and_(*(draw(conditions(joined, [], 1)) for _ in range(draw(st.integers(1, 2)))))
        sides = (tree, source) if draw(st.booleans()) else (source, tree)
        tree = join(*sides, on, isouter=how == "left", full=how == "full")
    where = [draw(conditions(sources, [])) for _ in range(draw(st.integers(0, 3)))]
    columns = [source.c[draw(st.sampled_from([c.key for c in source.c]))] for source in sources][:2]
    columns += [literal(0)] * (2 - len(columns))
    return (
        select(*(column.label(name) for column, name in zip(columns, ("id", "x"), strict=True)))
        .select_from(tree)
        .where(*where)
    )


@st.composite
def statements(draw: st.DrawFn) -> Any:
    first = draw(selects())
    match draw(st.sampled_from(["select", "select", "select", "count", "union", "scalar", "cte"])):
        case "count":
            return select(func.count(), func.sum(literal(1))).select_from(first.subquery())
        case "union":
            return draw(st.sampled_from([union, union_all]))(first, draw(selects()))
        case "scalar":
            inner = draw(selects()).with_only_columns(func.count(), maintain_column_froms=True)
            return first.add_columns(inner.scalar_subquery())
        case "cte":
            named = first.cte()
            return select(named.c.id).where(named.c.x == draw(st.integers(0, 3)))
    return first


def answer(engine: Engine, statement: Any) -> list[str]:
    with engine.connect() as connection:
        return sorted(repr(tuple(row)) for row in connection.execute(statement))


@pytest.mark.filterwarnings("ignore:SELECT statement has a cartesian product")
def test_a_routed_answer_is_the_whole_answer() -> None:
    accepted = 0

    @settings(
        max_examples=400,
        deadline=None,
        derandomize=True,
        suppress_health_check=[
            HealthCheck.too_slow,
            HealthCheck.filter_too_much,
            HealthCheck.data_too_large,
        ],
    )
    @given(statements())
    def check(statement: Any) -> None:
        nonlocal accepted
        try:
            keys = statement_keys(statement)
        except (RoutingError, InvalidRequestError):
            return
        if keys is not None and len(keys) > 1:
            return
        try:
            whole = answer(WHOLE, statement)
        except (OperationalError, InvalidRequestError):
            return  # SQLite doesn't take it
        accepted += 1
        for shard in [SHARD_OF[key] for key in keys] if keys else SHARDS:
            assert answer(SHARDS[shard], statement) == whole, f"held to {keys}: {statement}"

    check()
    assert accepted > 80, "too few for the test to mean anything"
