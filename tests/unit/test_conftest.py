"""What cannot run is said, test by test, with the reason; what ran is counted."""

import subprocess
import sys
from pathlib import Path

_TESTS = Path(__file__).parents[1]
_NO_MARIADB = """
from shardwise.testing import servers
servers.find_mariadbd = lambda: None
servers.why_no_mariadbd = lambda: "mariadbd not found (as this test pretends)"
"""
_SAMPLE = """
from sqlalchemy import text
from shardwise.topology.engines import create_engine

async def test_sample(database_url):
    engine = create_engine(database_url)
    async with engine.connect() as connection:
        await connection.execute(text("SELECT 1"))
    await engine.dispose()

def test_on_the_server(mariadb_server):
    assert mariadb_server.running

async def test_leak(database_url):
    engine = create_engine(database_url)
    test_leak.kept = await engine.connect()
"""


def _run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    (folder / "conftest.py").write_text((_TESTS / "conftest.py").read_text())
    (folder / "absent.py").write_text(_NO_MARIADB)
    (folder / "test_sample.py").write_text(_SAMPLE)
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-o",
        "asyncio_mode=auto",
        "-p",
        "no:cacheprovider",
        *arguments,
    ]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def test_tests_that_did_not_run_are_listed_with_the_reason(tmp_path: Path) -> None:
    said = _run(tmp_path, "-p", "absent", "-k", "not leak").stdout
    assert "0 tests ran against MariaDB" in said
    assert "1 tests ran against SQLite" in said
    assert "2: no MariaDB: mariadbd not found (as this test pretends)" in said
    assert "  test_sample.py::test_sample[mariadb]" in said
    assert "  test_sample.py::test_on_the_server" in said


def test_a_connection_left_checked_out_fails_the_test(tmp_path: Path) -> None:
    done = _run(tmp_path, "-p", "absent", "-k", "leak")
    assert "1 connection(s) left checked out: sqlite" in done.stdout
    assert done.returncode == 1


def test_engines_are_counted(tmp_path: Path, mariadb_installed: None) -> None:
    said = _run(tmp_path, "-k", "not leak").stdout
    assert "2 tests ran against MariaDB" in said
    assert "1 tests ran against SQLite" in said
    assert "did not run" not in said
