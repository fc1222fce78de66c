"""The scripts behind make say what is missing instead of failing obscurely."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

_ROOT = Path(__file__).parents[2]


def _run(*command: str, cwd: Path = _ROOT, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, cwd=cwd, env=os.environ | variables, capture_output=True, text=True, check=False
    )


def test_make_venv_names_the_python_it_needs(tmp_path: Path) -> None:
    done = _run("tools/make-venv", str(tmp_path / "venv"), "-e", ".", PYTHON="no-such-python")
    assert done.returncode == 1
    assert "No Python 3.11 or newer found (looked for no-such-python)" in done.stderr
    assert not (tmp_path / "venv").exists()


def test_make_venv_refuses_an_old_python(tmp_path: Path) -> None:
    old = tmp_path / "old-python"
    old.write_text("#!/bin/sh\nexit 1\n")  # the answer to: are you new enough?
    old.chmod(0o755)
    done = _run("tools/make-venv", str(tmp_path / "venv"), PYTHON=str(old))
    assert done.returncode == 1
    assert "No Python 3.11" in done.stderr


@pytest.fixture
def bare_machine(tmp_path: Path) -> Path:
    """A folder that is the whole PATH: the script, what it calls, and no server."""
    script = (_ROOT / "tools" / "ensure-servers").read_text()
    for folder in ("/usr/sbin", "/usr/local/sbin", "/usr/libexec", "/usr/local/bin", "/opt/homebrew/bin"):
        script = script.replace(f" {folder}", "")
    script = script.replace("policy=/usr/sbin/policy-rc.d", f"policy={tmp_path}/policy-rc.d")
    (tmp_path / "ensure-servers").write_text(script)
    for name in ("tr", "mkdir", "chmod", "rm", "tail", "touch"):
        (tmp_path / name).symlink_to(str(shutil.which(name)))
    _program(tmp_path / "id", "echo 0")
    return tmp_path


def _program(path: Path, *lines: str) -> None:
    path.write_text("\n".join(("#!/bin/sh", *lines, "")))
    path.chmod(0o755)


def _ensure(folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    return _run("/bin/sh", "ensure-servers", cwd=folder, **({"PATH": str(folder)} | variables))


def test_ensure_servers_never_fails_and_says_what_is_missing(bare_machine: Path) -> None:
    _program(bare_machine / "apt-get", "touch called")
    done = _ensure(bare_machine, SHARDWISE_INSTALL_SERVERS="never")
    assert done.returncode == 0
    assert "Not found: mariadb-server redis-server" in done.stdout
    assert "apt-get install" in done.stdout
    assert not (bare_machine / "called").exists()


def test_ensure_servers_installs_as_root_without_starting_services(bare_machine: Path) -> None:
    _program(
        bare_machine / "apt-get",
        'echo "$@" >>calls',
        'test "$1" = install || exit 0',
        "test -x policy-rc.d || exit 9",
        "for name in mariadbd mariadb-install-db redis-server; do touch $name; chmod 755 $name; done",
    )
    done = _ensure(bare_machine)
    assert done.returncode == 0
    assert "Not found" not in done.stdout
    calls = (bare_machine / "calls").read_text()
    assert "install -y -qq --no-install-recommends mariadb-server" in calls
    assert not (bare_machine / "policy-rc.d").exists()


def test_ensure_servers_survives_a_failed_installation(bare_machine: Path) -> None:
    _program(bare_machine / "apt-get", "echo no route to the mirror; exit 100")
    done = _ensure(bare_machine)
    assert done.returncode == 0
    assert "apt-get could not install mariadb-server" in done.stdout
    assert "Not found: mariadb-server redis-server" in done.stdout
    assert not (bare_machine / "policy-rc.d").exists()


def test_make_help_lists_each_command() -> None:
    said = _run("make", "--no-print-directory", "help").stdout
    for command in ("demo", "test", "test-sqlalchemy-2.0", "lint", "types", "bench", "faults"):
        assert f"make {command} " in said
