"""Processes that migrate databases side by side: Alembic's context is global to a process.

A worker reads one database a line from standard input, as JSON, and answers with one line. Addresses go
that way because a process list would show them, with their passwords. A worker is a fresh interpreter that
imports nothing of the program that started it.
"""

import asyncio
import contextlib
import json
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from sqlalchemy.engine import make_url

from shardwise.errors import MigrationError, MigrationLockedError, ShardwiseError
from shardwise.migrations.branches import Branch
from shardwise.migrations.runner import HEAD, MigrationOptions, MigrationResult, result_of, upgrade
from shardwise.migrations.targets import Target

_LINE_LIMIT = 1 << 20
_PARENT_PATH = "SHARDWISE_WORKER_PATH"


async def upgrade_in_processes(
    targets: Sequence[Target],
    *,
    workers: int,
    options: MigrationOptions,
    finished: Callable[[MigrationResult], None],
) -> None:
    """Upgrade databases in several processes.

    Args:
        targets: the databases.
        workers: how many processes.
        options: where the revisions are, how long to wait for locks.
        finished: called with each result as it comes.
    """
    waiting = deque(targets)
    async with asyncio.TaskGroup() as group:
        for _ in range(workers):
            group.create_task(_serve(waiting, options, finished))


async def _serve(
    waiting: deque[Target], options: MigrationOptions, finished: Callable[[MigrationResult], None]
) -> None:
    """Feed one worker until nothing waits; start another one in its place if it dies."""
    worker: Process | None = None
    try:
        while waiting:
            target = waiting.popleft()
            if worker is None or worker.returncode is not None:
                worker = await _start()
            finished(await _ask(worker, target, options))
    finally:
        if worker is not None:
            await _stop(worker)


async def _start() -> Process:
    environment = {**os.environ, _PARENT_PATH: json.dumps(sys.path)}
    arguments = (sys.executable, "-c", _WORKER)
    # A session of its own: Ctrl-C ends the parent, and the worker once its database is done.
    return await asyncio.create_subprocess_exec(
        *arguments, stdin=PIPE, stdout=PIPE, env=environment, limit=_LINE_LIMIT, start_new_session=True
    )


_WORKER = f"""
import json, os, sys
sys.path[:] = json.loads(os.environ.pop("{_PARENT_PATH}"))
from shardwise.migrations.workers import work
work()
"""


async def _ask(worker: Process, target: Target, options: MigrationOptions) -> MigrationResult:
    assert worker.stdin is not None  # noqa: S101  # both are pipes
    assert worker.stdout is not None  # noqa: S101
    answer = b""
    with contextlib.suppress(ConnectionError):
        worker.stdin.write(_job(target, options))
        await worker.stdin.drain()
        answer = await worker.stdout.readline()
    if not answer:
        code = await worker.wait()
        error = MigrationError(
            f"{target.name}: the process that migrated it ended (exit code {code}); run the command again,"
            " it goes on where this one stopped"
        )
        return result_of(target, error=error)
    return _result(target, json.loads(answer))


async def _stop(worker: Process) -> None:
    if worker.stdin is not None:
        worker.stdin.close()
    if worker.returncode is None:
        await worker.wait()


def _job(target: Target, options: MigrationOptions) -> bytes:
    location = options.script_location
    job = {
        "name": target.name,
        "url": target.url.render_as_string(hide_password=False),
        "branch": target.branch,
        "shard_id": target.shard_id,
        "script_location": None if location is None else str(location),
        "lock_timeout": options.lock_timeout,
    }
    return json.dumps(job).encode() + b"\n"


def _result(target: Target, answer: dict[str, Any]) -> MigrationResult:
    message, locked = answer.pop("error"), answer.pop("locked")
    kind = MigrationLockedError if locked else MigrationError
    return result_of(target, error=None if message is None else kind(message), **answer)


# Inside a worker


def work() -> None:
    """Migrate what standard input asks for until it ends."""
    answers = os.dup(sys.stdout.fileno())
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # whatever a revision prints is no answer
    with contextlib.suppress(BrokenPipeError):  # whoever asked was killed
        for line in sys.stdin:
            os.write(answers, json.dumps(asyncio.run(_migrate(json.loads(line)))).encode() + b"\n")


async def _migrate(job: dict[str, Any]) -> dict[str, Any]:
    location = job["script_location"]
    options = MigrationOptions(
        script_location=None if location is None else Path(location), lock_timeout=job["lock_timeout"]
    )
    target = Target(
        name=job["name"], url=make_url(job["url"]), branch=Branch(job["branch"]), shard_id=job["shard_id"]
    )
    try:
        result = await upgrade(target, HEAD, options=options)
    except ShardwiseError as error:
        return {"error": str(error), "locked": isinstance(error, MigrationLockedError)}
    except Exception as error:  # noqa: BLE001  # a worker must answer for each database
        return {"error": f"{target.name}: {type(error).__name__}: {error}", "locked": False}
    return {
        "error": None,
        "locked": False,
        "before": result.before,
        "after": result.after,
        "seconds": result.seconds,
    }
