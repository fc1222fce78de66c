"""Measures variants of the same work in turns, so that noise meets all of them alike."""

import asyncio
import gc
import statistics
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

Work = Callable[[], Awaitable[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """What one variant cost.

    Attributes:
        cpu_us: median client CPU time a call, in microseconds.
        per_second: median calls a second of wall time, of all tasks together.
    """

    cpu_us: float
    per_second: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """The samples of all variants, and each one's CPU and calls a second relative to the first."""

    samples: Mapping[str, Sample]
    cpu_ratio: Mapping[str, float]
    speed_ratio: Mapping[str, float]


async def compare(variants: Mapping[str, Work], *, calls: int, rounds: int, tasks: int = 1) -> Comparison:
    """Run each variant `calls` times a round, all of them in every round, and compare them.

    Args:
        variants: the reference first.
        calls: calls of one variant in a round.
        rounds: rounds; a ratio is the median of the rounds' own ratios, each pair measured back to back.
        tasks: how many make the calls at the same time.
    """
    cpu: dict[str, list[float]] = {name: [] for name in variants}
    wall: dict[str, list[float]] = {name: [] for name in variants}
    for work in variants.values():
        for _ in range(max(calls // 4, 20)):
            await work()
    names = list(variants)
    for number in range(rounds):
        for name in names if number % 2 else reversed(names):
            work = variants[name]
            gc.collect()
            start_wall, start_cpu = time.perf_counter(), time.process_time()
            if tasks == 1:
                for _ in range(calls):
                    await work()
            else:
                await _share(work, calls, tasks)
            cpu[name].append((time.process_time() - start_cpu) / calls)
            wall[name].append((time.perf_counter() - start_wall) / calls)
    first = names[0]
    return Comparison(
        samples={
            name: Sample(
                cpu_us=statistics.median(cpu[name]) * 1e6, per_second=1 / statistics.median(wall[name])
            )
            for name in names
        },
        cpu_ratio={
            name: statistics.median(a / b for a, b in zip(cpu[name], cpu[first], strict=True))
            for name in names
        },
        speed_ratio={
            name: statistics.median(b / a for a, b in zip(wall[name], wall[first], strict=True))
            for name in names
        },
    )


async def _share(work: Work, calls: int, tasks: int) -> None:
    """Make calls from several tasks, each as soon as it is done with the one before."""
    left = iter(range(calls))

    async def go_on() -> None:
        for _ in left:
            await work()

    await asyncio.gather(*(go_on() for _ in range(tasks)))


def entry(name: str, value: float, unit: str, *, bound: str, peer: str, how: str) -> dict[str, object]:
    """Return one line of build/bench.json."""
    return {"name": name, "value": round(value, 4), "unit": unit, "bound": bound, "peer": peer, "how": how}
