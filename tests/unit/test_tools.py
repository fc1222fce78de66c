"""The scripts behind make say what is missing instead of failing obscurely."""

import os
import subprocess
from pathlib import Path

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


def test_ensure_servers_never_fails_and_says_what_is_missing(tmp_path: Path) -> None:
    script = (_ROOT / "tools" / "ensure-servers").read_text()
    for folder in ("/usr/sbin", "/usr/local/sbin", "/usr/libexec", "/usr/local/bin", "/opt/homebrew/bin"):
        script = script.replace(f" {folder}", "")
    (tmp_path / "ensure-servers").write_text(script)
    for name in ("id", "tr"):
        (tmp_path / name).symlink_to(f"/usr/bin/{name}")
    done = _run(
        "/bin/sh", "ensure-servers", cwd=tmp_path, PATH=str(tmp_path), SHARDWISE_INSTALL_SERVERS="never"
    )
    assert done.returncode == 0
    assert "Not found: mariadb-server redis-server" in done.stdout
    assert "apt-get install" in done.stdout


def test_make_help_lists_each_command() -> None:
    said = _run("make", "--no-print-directory", "help").stdout
    for command in ("demo", "test", "test-sqlalchemy-2.0", "lint", "types", "bench", "faults"):
        assert f"make {command} " in said
