"""The wheel alone: built, installed into an empty environment, run where no checkout is in sight."""

import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]


def run(*command: str | Path, folder: Path, **variables: str) -> str:
    """Run a program and return what it printed."""
    clean = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("DATABASE_", "SHARDWISE_", "PYTHON", "VIRTUAL_ENV", "COV_"))
    }
    done = subprocess.run(
        [str(part) for part in command],
        cwd=folder,
        env={**clean, **variables},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel built from the checkout."""
    folder = tmp_path_factory.mktemp("dist")
    build = ("-m", "build", "--wheel", "--no-isolation", "--outdir", folder, CHECKOUT)
    run(sys.executable, *build, folder=folder)
    (file,) = folder.glob("shardwise-*.whl")
    return file


@pytest.fixture(scope="module")
def programs(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs of a new environment that has the wheel, and the dependencies but not the checkout."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, symlinks=True)
    base = {"base": str(folder), "platbase": str(folder)}
    packages = Path(sysconfig.get_path("purelib", vars=base))
    # A folder named by a .pth is searched, but .pth files in it (such as the checkout's) are not followed.
    (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    python = Path(sysconfig.get_path("scripts", vars=base)) / "python"
    target = (
        "--no-deps",
        "--no-index",
        "--quiet",
        "--disable-pip-version-check",
        "--no-warn-script-location",
    )
    run(sys.executable, "-m", "pip", "--python", python, "install", *target, wheel, folder=folder)
    return python.parent


@pytest.fixture
def empty(tmp_path: Path) -> Path:
    """An empty folder that isn't below the checkout."""
    folder = tmp_path / "empty"
    folder.mkdir()
    assert CHECKOUT not in folder.parents
    return folder


def test_wheel_carries_what_it_needs_and_no_more(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    inside = {str(file.relative_to(CHECKOUT)) for file in (CHECKOUT / "alembic").rglob("*.py")}
    assert {f"shardwise/migrations/{name}" for name in inside} <= names
    for name in (
        "shardwise/cli/data/daily_prices.csv.gz",
        "shardwise/cli/data/README.md",
        "shardwise/migrations/alembic/script.py.mako",
        "shardwise/migrations/alembic.ini",
        "shardwise/py.typed",
    ):
        assert name in names
    assert not [name for name in names if "__pycache__" in name or name.startswith("tests")]


def test_package_is_that_of_the_wheel(programs: Path, empty: Path) -> None:
    where = run(programs / "python", "-c", "import shardwise; print(shardwise.__file__)", folder=empty)
    assert Path(where.strip()).is_relative_to(programs.parent)


def test_demo_runs_from_the_wheel(programs: Path, empty: Path) -> None:
    printed = run(programs / "shardwise", "demo", "--accounts", "10", folder=empty)
    assert "30 of 30 figures are right" in printed
    assert [file.name for file in empty.iterdir()] == ["data"]


def test_upgrade_runs_from_the_wheel(programs: Path, empty: Path) -> None:
    shardwise = programs / "shardwise"
    run(shardwise, "upgrade", folder=empty)
    assert (empty / "data" / "global.db").exists()
    for number in ("1", "2"):
        file = f"sqlite:///data/shard_{number}.db"
        add = ("shards", "add", number, "--url", file, "--create-database", "--status", "maintenance")
        (empty / "data" / f"shard_{number}.db").touch()
        run(shardwise, *add, folder=empty)
    assert run(shardwise, "upgrade", "--jobs", "2", folder=empty).count("upgraded") == 2
    assert '"ok": true' in run(shardwise, "status", "--json", folder=empty)


def test_installed_package_takes_no_revisions(programs: Path, empty: Path) -> None:
    with pytest.raises(AssertionError, match="SHARDWISE_MIGRATIONS__SCRIPT_LOCATION"):
        run(programs / "shardwise", "revision", "shard", "-m", "x", folder=empty)
