"""The old procedures of the tutorials."""

from typing import Any

import pytest

from shardwise.database import ShardedDatabase
from shardwise.errors import InvalidValueError, UnknownAccountError
from shardwise.legacy.calling import call_registered
from shardwise.legacy.procedure import Rows
from shardwise.legacy.registry import find_procedure

KEY = 1000
DONE = [{"result": "SUCCESS", "message": "Tutorial step completed"}]


@pytest.fixture(autouse=True)
async def shard_id(db: ShardedDatabase) -> int:
    """The shard of the account that the calls are for."""
    return (await db.place_account(KEY)).shard_id


async def call(db: ShardedDatabase, name: str, *given: Any) -> Rows:
    procedure = find_procedure(name)
    assert procedure is not None
    return await call_registered(db, procedure, given, shard_id=(await db.where(KEY)).shard_id)


async def test_the_furthest_step_counts_and_the_time_is_the_last_calls(db: ShardedDatabase) -> None:
    times = []
    for step, furthest in ((3, 3), (5, 5), (2, 5), (5, 5)):
        assert await call(db, "fp_tutorial_complete_step", KEY, "SIGNALS", step) == DONE
        (row,) = await call(db, "fp_tutorial_get_progress", KEY)
        assert [*row] == ["tutorial_type", "completed_step", "updated_at"]
        assert (row["tutorial_type"], row["completed_step"]) == ("SIGNALS", furthest)
        times.append(row["updated_at"])
    assert times == sorted(set(times))


async def test_any_name_and_any_number_is_taken(db: ShardedDatabase) -> None:
    for kind, step in (("x" * 50, -(1 << 31)), ("OVERVIEW", (1 << 31) - 1), ("", 0), ("a b", -1)):
        assert await call(db, "fp_tutorial_complete_step", KEY, kind, step) == DONE
    rows = await call(db, "fp_tutorial_get_progress", KEY)
    assert {row["tutorial_type"]: row["completed_step"] for row in rows} == {
        "x" * 50: -(1 << 31),
        "OVERVIEW": (1 << 31) - 1,
        "": 0,
        "a b": -1,
    }
    assert await call(db, "fp_tutorial_complete_step", KEY, "a b", -5) == DONE
    assert rows == [
        row | {"updated_at": before["updated_at"]}
        for row, before in zip(await call(db, "fp_tutorial_get_progress", KEY), rows, strict=True)
    ]


async def test_a_tutorial_is_one_in_any_case_of_its_letters(db: ShardedDatabase) -> None:
    for kind, step in (("Intro", 1), ("INTRO", 3), ("intro", 2)):
        assert await call(db, "fp_tutorial_complete_step", KEY, kind, step) == DONE
    (row,) = await call(db, "fp_tutorial_get_progress", KEY)
    assert (row["tutorial_type"], row["completed_step"]) == ("Intro", 3)


async def test_types_come_in_order(db: ShardedDatabase) -> None:
    for kind in ("SIGNALS", "CHAT", "OVERVIEW"):
        await call(db, "fp_tutorial_complete_step", KEY, kind, 1)
    rows = await call(db, "fp_tutorial_get_progress", KEY)
    assert [row["tutorial_type"] for row in rows] == ["CHAT", "OVERVIEW", "SIGNALS"]


async def test_what_is_missing_or_of_no_type_is_refused(db: ShardedDatabase) -> None:
    for field, given in (
        ("p_tutorial_type", (KEY, None, 1)),
        ("p_step_number", (KEY, "CHAT", None)),
        ("p_step_number", (KEY, "CHAT", 1 << 31)),
        ("p_step_number", (KEY, "CHAT", "one")),
        ("p_tutorial_type", (KEY, "x" * 51, 1)),
    ):
        with pytest.raises(InvalidValueError, match=f"^{field}: "):
            await call(db, "fp_tutorial_complete_step", *given)
    assert await call(db, "fp_tutorial_get_progress", KEY) == []
    with pytest.raises(UnknownAccountError):
        await call(db, "fp_tutorial_complete_step", 4710, "CHAT", 1)
    assert await call(db, "fp_tutorial_get_progress", 4710) == []
