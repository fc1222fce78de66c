"""The command line as a process: signals and pipes."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from sqlalchemy.engine import URL, make_url

from shardwise.migrations.runner import upgrade
from shardwise.migrations.targets import Target
from shardwise.topology.manager import DatabaseManager
from shardwise.topology.registry import NewShard, add_shard

_START = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"  # a runner may ignore it
_MAIN = "from shardwise.cli.app import main; main()"


def start(*arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", f"{_START}; {_MAIN}", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def wait_for(file: Path) -> None:
    deadline = time.monotonic() + 30
    while not file.exists():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.parametrize("file", ["global.db", "shard_1.db", "shard_3.db"])
def test_interrupt_ends_with_one_line_and_130(tmp_path: Path, file: str) -> None:
    with start("demo", "--accounts", "20", "--folder", str(tmp_path)) as process:
        wait_for(tmp_path / file)
        os.killpg(process.pid, signal.SIGINT)
        _, said = process.communicate(timeout=30)
    assert process.returncode == 130
    assert said.strip() == "shardwise: interrupted"


async def make_stale_fleet(folder: Path, shards: int) -> URL:
    """Make a migrated global database and shards without any table."""
    url = make_url(f"sqlite+aiosqlite:///{folder / 'global.db'}")
    await upgrade(Target.global_database(url))
    manager = DatabaseManager(url)
    for shard_id in range(1, shards + 1):
        shard = NewShard(
            shard_id=shard_id, name=f"s{shard_id}", url=url.set(database=str(folder / f"{shard_id}.db"))
        )
        await add_shard(manager, shard)
    await manager.close()
    return url


def test_interrupted_upgrade_of_many_ends_with_one_line_and_goes_on_later(tmp_path: Path) -> None:
    url = asyncio.run(make_stale_fleet(tmp_path, shards=4))
    with start("--url", str(url), "upgrade", "--jobs", "2") as process:
        wait_for(tmp_path / "1.db")
        os.killpg(process.pid, signal.SIGINT)
        _, said = process.communicate(timeout=30)
    assert process.returncode == 130
    assert said.strip() == "shardwise: interrupted"
    with start("--url", str(url), "upgrade", "--json") as process:
        printed, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    results = {entry["name"]: entry["result"] for entry in json.loads(printed)["databases"]}
    assert results["shard 1"] == "unchanged"
    assert results["shard 4"] == "upgraded"


def test_reader_of_a_pipe_may_leave(tmp_path: Path) -> None:
    with start("--url", f"sqlite:///{tmp_path / 'x.db'}", "upgrade", "--dry-run") as process:
        assert process.stdout is not None
        process.stdout.close()
        process.stdout = None
        _, said = process.communicate(timeout=30)
    assert "Traceback" not in said
    assert process.returncode == 1
