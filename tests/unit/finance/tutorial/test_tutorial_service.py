import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from shardwise.database import ShardedDatabase
from shardwise.errors import InvalidValueError, UnknownAccountError
from shardwise.finance.tutorial.service import TutorialService
from shardwise.finance.tutorial.values import TutorialType
from shardwise.testing.counting import count_statements


@pytest.fixture
def tutorial(db: ShardedDatabase) -> TutorialService:
    return TutorialService(db)


async def steps(tutorial: TutorialService, account: int) -> dict[str, int]:
    return {each.tutorial_type: each.completed_step for each in await tutorial.progress(account)}


async def test_a_step_never_goes_back(tutorial: TutorialService, account: int) -> None:
    assert await steps(tutorial, account) == {}
    for step, furthest in ((0, 0), (3, 3), (2, 3), (3, 3), (1000, 1000), (0, 1000)):
        await tutorial.complete_step(account, TutorialType.CHAT, step)
        assert await steps(tutorial, account) == {"CHAT": furthest}


async def test_each_tutorial_has_its_own_step(
    db: ShardedDatabase, tutorial: TutorialService, account: int
) -> None:
    await db.place_account(account + 2)
    for step, kind in enumerate(TutorialType):
        await tutorial.complete_step(account, kind, step)
        await tutorial.complete_step(account + 2, kind, 9)
    found = await steps(tutorial, account)
    assert found == {kind.value: step for step, kind in enumerate(TutorialType)}
    assert [*found] == sorted(found)


async def test_the_time_is_that_of_the_last_step_be_it_further_back(
    tutorial: TutorialService, account: int
) -> None:
    times = []
    for step in (2, 1, 1):
        await tutorial.complete_step(account, TutorialType.SIGNALS, step)
        (progress,) = await tutorial.progress(account)
        times.append(progress.updated_at)
    assert times == sorted(set(times))
    assert datetime.now(UTC) - times[-1] < timedelta(minutes=1)


async def test_each_takes_one_statement(db: ShardedDatabase, tutorial: TutorialService, account: int) -> None:
    for _ in range(2):
        with count_statements(db) as seen:
            await tutorial.complete_step(account, TutorialType.OVERVIEW, 1)
        assert len(seen) == 1
    with count_statements(db) as seen:
        await tutorial.progress(account)
    assert len(seen) == 1


async def test_steps_that_are_none_are_refused(
    db: ShardedDatabase, tutorial: TutorialService, account: int
) -> None:
    given: list[tuple[str, Any, Any]] = [
        ("tutorial_type", "CHAT", 1),
        ("tutorial_type", None, 1),
        *(("step", TutorialType.CHAT, step) for step in (-1, 1001, 1.0, "1", True, None)),
    ]
    with count_statements(db) as seen:
        for field, kind, step in given:
            with pytest.raises(InvalidValueError, match=f"^{field}: "):
                await tutorial.complete_step(account, kind, step)
    assert not seen
    with pytest.raises(InvalidValueError, match="must be a TutorialType: "):
        await tutorial.complete_step(account, "CHAT", 1)  # type: ignore[arg-type]  # on purpose
    with pytest.raises(UnknownAccountError):
        await tutorial.complete_step(4711, TutorialType.CHAT, 1)


@pytest.mark.parametrize("engine_kind", ["mariadb"], indirect=True)
async def test_of_many_at_once_the_furthest_wins(tutorial: TutorialService, account: int) -> None:
    order = [(number * 13) % 32 for number in range(32)]
    await asyncio.gather(*(tutorial.complete_step(account, TutorialType.CHAT, step) for step in order))
    await asyncio.gather(
        *(tutorial.complete_step(account, kind, step) for step in order for kind in [*TutorialType][:3])
    )
    assert await steps(tutorial, account) == {"CHAT": 31, "OVERVIEW": 31, "PORTFOLIO": 31, "SIGNALS": 31}
