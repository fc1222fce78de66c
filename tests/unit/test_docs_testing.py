"""The code of docs/testing.md runs."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from shardwise.testing.servers import MariaDBServer

_ROOT = Path(__file__).parents[2]
_BLOCK = re.compile(r"^```(?:python|ini)\n# (?P<title>[^\n]+)\n(?P<code>.*?)^```", re.MULTILINE | re.DOTALL)


def _blocks() -> dict[str, str]:
    text = (_ROOT / "docs" / "testing.md").read_text()
    return {match["title"]: match["code"] for match in _BLOCK.finditer(text)}


def _pytest(folder: Path) -> str:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:hypothesispytest"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_every_block_has_a_title() -> None:
    text = (_ROOT / "docs" / "testing.md").read_text()
    assert len(_blocks()) == len(re.findall(r"^```(?:python|ini)$", text, re.MULTILINE)) == 6


def test_the_examples_run(
    tmp_path: Path, engine_kind: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SHARDWISE_TEST_URL", raising=False)
    if engine_kind == "mariadb":
        server: MariaDBServer = request.getfixturevalue("mariadb_server")
        monkeypatch.setenv("SHARDWISE_TEST_URL", server.url())
        request.node.user_properties.append(("engine", "mariadb"))
    for title, code in _blocks().items():
        if ":" not in title:
            (tmp_path / title).write_text(code)
    assert "3 passed" in _pytest(tmp_path)


def test_the_examples_run_on_a_private_server(tmp_path: Path, mariadb_installed: None) -> None:
    blocks = _blocks()
    (tmp_path / "pytest.ini").write_text(blocks["pytest.ini"])
    (tmp_path / "test_concurrency.py").write_text(blocks["test_concurrency.py"])
    (tmp_path / "conftest.py").write_text(blocks["with a private server: conftest.py"])
    (tmp_path / "test_server.py").write_text(
        "async def test_server(sharded_db):\n    assert sharded_db.global_manager.dialect_name == 'mysql'\n"
    )
    assert "2 passed" in _pytest(tmp_path)


def test_own_models(tmp_path: Path) -> None:
    shutil.copytree(_ROOT / "examples" / "own_models", tmp_path / "app")
    shutil.rmtree(tmp_path / "app" / "tests")
    app = tmp_path / "app"
    (app / "conftest.py").write_text(_blocks()["with your own models: conftest.py"])
    (app / "test_it.py").write_text(
        "async def test_it(sharded_db):\n"
        "    assert sharded_db.settings.routing.strategy == 'least_loaded'\n"
        "    assert sharded_db.settings.migrations.script_location.name == 'alembic'\n"
    )
    (app / "pytest.ini").write_text("[pytest]\nasyncio_mode = auto\npythonpath = .\n")
    assert "1 passed" in _pytest(app)
