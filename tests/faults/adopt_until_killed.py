"""Forks processes that adopt a deployment; each kills itself at a named point, or is killed at a moment.

Run by the fault test with its orders as JSON on stdin. Modules are imported once, before forking. Writes a
line for every process: how it ended.
"""

import asyncio
import json
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable
from typing import Any, NoReturn

from sqlalchemy.engine import make_url

from shardwise.migrations.adoption import run, shift
from shardwise.migrations.adoption.clock import Clock
from shardwise.migrations.adoption.run import AdoptionPlan, SilentAdoption, adopt
from shardwise.migrations.alter import Alteration


def die(*_: Any) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def dies(module: Any, name: str, *, before: bool, call: int = 1) -> None:
    """Let a function end the process when it is called for the nth time, before or after its work."""
    work: Callable[..., Any] = getattr(module, name)
    calls = 0

    def deadly(*arguments: Any, **options: Any) -> Any:
        nonlocal calls
        calls += 1
        if before and calls == call:
            die()
        result = work(*arguments, **options)
        if not before and calls == call:
            die()
        return result

    setattr(module, name, deadly)


POINTS: dict[str, Callable[[], None]] = {
    "notes made, nothing in them": lambda: dies(shift, "create_marker", before=False),
    "notes written, not committed": lambda: dies(shift, "begin", before=False),
    "shift marked, not done": lambda: dies(shift, "mark_shifted", before=False, call=5),
    "a table shifted": lambda: dies(shift, "_shift", before=False, call=12),
    "a clock right": lambda: dies(shift, "mark_clock_right", before=False, call=2),
    "global database upgraded": lambda: dies(shift, "advisory_lock", before=True, call=2),
    "a table about to be rebuilt": lambda: dies(Alteration, "statements", before=True, call=14),
    "statements of a rebuild known": lambda: dies(Alteration, "statements", before=False, call=20),
    "everything upgraded": lambda: dies(run, "verify", before=True),
    "everything checked": lambda: dies(run, "mark_finishing", before=False),
    "first notes dropped": lambda: dies(run, "_drop", before=False, call=1),
    "last notes about to be dropped": lambda: dies(run, "_drop", before=True, call=2),
    "none": lambda: None,
}


class Telling(SilentAdoption):
    """Says when it begins to look."""

    def __init__(self, ready: int) -> None:
        self._ready = ready

    def doing(self, what: str) -> None:
        if what.startswith("looking"):
            os.write(self._ready, b"!")


async def adopt_once(url: str, clock: str, workers: int, ready: int) -> int:
    plan = AdoptionPlan(clock=Clock.parse(clock), workers=workers)
    return 0 if (await adopt(make_url(url), plan=plan, progress=Telling(ready))).finished else 1


def run_child(orders: dict[str, Any], step: dict[str, Any], ready: int) -> NoReturn:
    try:
        POINTS[step["point"]]()
        code = asyncio.run(adopt_once(orders["url"], orders["clock"], step["workers"], ready))
    except BaseException:
        traceback.print_exc()
        code = 2
    os._exit(code)


def end_of(orders: dict[str, Any], step: dict[str, Any]) -> int:
    """Run one process; return its exit code, -9 if it was killed."""
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        os.close(reading)
        run_child(orders, step, writing)
    os.close(writing)
    os.read(reading, 1)  # it looks now, or has ended
    if step["life"] is not None:
        time.sleep(step["life"])
        os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    os.close(reading)
    return os.waitstatus_to_exitcode(status)


def main() -> None:
    orders: dict[str, Any] = json.load(sys.stdin)
    for step in orders["steps"]:
        os.write(1, f"{end_of(orders, step)}\n".encode())


if __name__ == "__main__":
    main()
