"""The command line as a process: signals and pipes."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

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


def test_reader_of_a_pipe_may_leave(tmp_path: Path) -> None:
    with start("--url", f"sqlite:///{tmp_path / 'x.db'}", "upgrade", "--dry-run") as process:
        assert process.stdout is not None
        process.stdout.close()
        process.stdout = None
        _, said = process.communicate(timeout=30)
    assert "Traceback" not in said
    assert process.returncode == 1
