"""An adoption is killed at every step and at random moments, and goes on: each time is shifted once."""

import json
import os
import random
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from old_checksums import FILLED, checksums
from old_deployment import OldDeployment, old_deployment
from old_rows import fill
from shardwise.testing.servers import MariaDBServer

SCRIPT = Path(__file__).with_name("adopt_until_killed.py")
POINTS = (
    "notes made, nothing in them",
    "notes written, not committed",
    "shift marked, not done",
    "a table shifted",
    "a clock right",
    "global database upgraded",
    "a table about to be rebuilt",
    "statements of a rebuild known",
    "everything upgraded",
    "everything checked",
    "first notes dropped",
    "last notes about to be dropped",
)
RANDOM_KILLS = int(os.environ.get("ADOPTION_KILLS", "3"))
LIFE = 2.5  # seconds after an adoption begins to look in which it is killed, at most


def step(point: str = "none", *, life: float | None = None, workers: int = 1) -> dict[str, Any]:
    return {"point": point, "life": life, "workers": workers}


def adopt(old: OldDeployment, *steps: dict[str, Any]) -> list[int]:
    """Return the exit codes of processes that adopt the deployment one after the other."""
    orders = {"url": old.url, "clock": "+09:00", "steps": steps}
    done = subprocess.run(
        [sys.executable, str(SCRIPT)],
        input=json.dumps(orders),
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return [int(code) for code in done.stdout.split()]


@pytest.fixture
def old(mariadb_server: MariaDBServer) -> Iterator[OldDeployment]:
    with old_deployment(mariadb_server) as deployment:
        fill(deployment, accounts=20)
        yield deployment


def assert_adopted_once(old: OldDeployment, wanted: dict[str, dict[str, Any]]) -> None:
    for name in old.names:
        after = checksums(old, name)
        assert {key for key, value in wanted[name].items() if after[key] != value} <= FILLED, name
        assert old.execute(name, "SHOW TABLES LIKE 'shardwise_adoption'") == []
        (version,) = old.execute(name, "SELECT version_num FROM alembic_version")
        assert version[0][0] == name[0]


def test_killed_at_one_step_after_the_other(old: OldDeployment, figure: Callable[..., None]) -> None:
    """Each run dies at a later step of the same adoption; the last one finishes it."""
    wanted = {name: checksums(old, name, minutes=540) for name in old.names}
    ends = adopt(old, *(step(point) for point in POINTS), step())
    assert ends == [-signal.SIGKILL] * len(POINTS) + [0]
    assert_adopted_once(old, wanted)
    figure(
        "columns that an adoption killed at every step in turn left different",
        0,
        "columns",
        bound="0",
        how=f"{len(POINTS)} kills on mariadb, checksums of all old columns, times shifted by nine hours",
    )


def test_killed_at_random_moments(old: OldDeployment, figure: Callable[..., None]) -> None:
    wanted = {name: checksums(old, name, minutes=540) for name in old.names}
    moments = random.Random(20_240_301)
    lives = [moments.uniform(0, LIFE) * (kill + 1) / RANDOM_KILLS for kill in range(RANDOM_KILLS)]
    ends = adopt(old, *(step(life=life, workers=1 + kill % 2) for kill, life in enumerate(lives)), step())
    kills = ends.count(-signal.SIGKILL)
    assert set(ends) <= {0, -signal.SIGKILL}
    assert kills > 0
    assert ends[-1] == 0
    assert_adopted_once(old, wanted)
    figure(
        "kills at random moments that an adoption survived",
        kills,
        "kills",
        bound="at least 1",
        how="one adoption on mariadb, killed and begun again; checksums as above",
    )
