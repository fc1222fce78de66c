"""Who imports whom, and what an import costs."""

import ast
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

import shardwise

ROOT = Path(__file__).parents[2]
SOURCE = Path(shardwise.__file__).parent
NO_ENGINE_ROOMS = {"cli", "finance", "legacy", "testing"}


def loaded_by(code: str) -> set[str]:
    """Return the modules that a fresh interpreter has loaded after running code."""
    report = f"{code}\nimport sys\nprint('\\n'.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", report], capture_output=True, text=True, check=True, cwd="/")
    return set(done.stdout.split())


def test_the_import_contract() -> None:
    if find_spec("importlinter") is None:
        pytest.skip("import-linter is not installed")
    command = "from importlinter.cli import lint_imports_command; lint_imports_command()"
    done = subprocess.run(
        [sys.executable, "-c", command], capture_output=True, text=True, check=False, cwd=ROOT
    )
    assert done.returncode == 0, done.stdout


def test_importing_the_package_alone_costs_nothing() -> None:
    loaded = loaded_by("import shardwise")
    assert not {name for name in loaded if name.startswith(("sqlalchemy", "pydantic", "alembic", "asyncmy"))}


def test_every_public_name_is_there_and_nothing_of_finance_comes_with_it() -> None:
    loaded = loaded_by("import shardwise\nfor name in shardwise.__all__: getattr(shardwise, name)")
    assert "shardwise.database" in loaded
    assert not {
        name
        for name in loaded
        if name.startswith(("shardwise.finance", "shardwise.cli", "shardwise.testing"))
    }
    assert set(shardwise.__all__) <= set(dir(shardwise))
    with pytest.raises(AttributeError, match="no attribute 'Nothing'"):
        shardwise.Nothing  # noqa: B018


def test_importing_everything_opens_nothing() -> None:
    rooms = sorted(
        path.stem for path in SOURCE.iterdir() if path.is_dir() and (path / "__init__.py").exists()
    )
    modules = [f"shardwise.{room}" for room in rooms] + ["shardwise.database", "shardwise.config"]
    code = (
        "import socket, sqlite3, asyncio, threading\n"
        "def refuse(*args, **kwargs): raise SystemExit('opened at import')\n"
        "socket.socket.connect = sqlite3.connect = asyncio.new_event_loop = refuse\n"
        + "".join(f"import {module}\n" for module in modules)
        + "assert threading.active_count() == 1"
    )
    assert set(modules) <= loaded_by(code)


@pytest.mark.parametrize(
    "path",
    [path for path in SOURCE.rglob("*.py") if path.relative_to(SOURCE).parts[0] not in NO_ENGINE_ROOMS],
    ids=lambda path: str(path.relative_to(SOURCE)),
)
def test_no_engine_room_imports_a_domain(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text())):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom):
            names = [node.module or "", *(f"{node.module}.{alias.name}" for alias in node.names)]
            assert node.level == 0, "imports are absolute"
        assert not [name for name in names if name.startswith("shardwise.finance")]
