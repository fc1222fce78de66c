"""The code of the README and of the guide runs, and prints what they say."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from shardwise.testing.statements import run
from shardwise.testing.templates import SqliteTemplate, TemplateOptions

ROOT = Path(__file__).parents[2]
GUIDE = ROOT / "docs" / "guide"
BIN = Path(sys.executable).parent
FROM_NOTHING = ("README.md",)
PAGES = ["README.md", *sorted(str(page.relative_to(ROOT)) for page in GUIDE.glob("*.md"))]
WITHOUT_CODE = tuple(f"docs/guide/{page}.md" for page in ("README", "benchmarks", "differences", "adoption"))


@pytest.fixture(scope="session")
def two_shards(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a migrated global database and two shards."""
    folder = tmp_path_factory.mktemp("guide") / "data"
    folder.mkdir()
    run(SqliteTemplate(folder, TemplateOptions()).build())
    return folder


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """Where a reader of the page would be: in a checkout, without its own files."""
    for name in ("alembic", "alembic.ini", "examples"):
        (tmp_path / name).symlink_to(ROOT / name)
    return tmp_path


def run_page(page: Path, folder: Path) -> subprocess.CompletedProcess[str]:
    ours = ("DATABASE_", "SHARDWISE_", "PYTEST_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    path = f"{BIN}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    return subprocess.run(
        [sys.executable, "-W", "error", str(Path(__file__).with_name("run_page.py")), str(page)],
        cwd=folder,
        env=kept | {"PATH": path, "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("name", [page for page in PAGES if page not in WITHOUT_CODE])
def test_code_of_a_page_runs(name: str, folder: Path, request: pytest.FixtureRequest) -> None:
    if name not in FROM_NOTHING:
        shutil.copytree(request.getfixturevalue("two_shards"), folder / "data")
    done = run_page(ROOT / name, folder)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout.split()[0]) >= 2


@pytest.mark.parametrize("name", WITHOUT_CODE)
def test_pages_that_are_not_run_have_nothing_to_run(name: str) -> None:
    assert not re.search(r"^```(python|sh)$", (ROOT / name).read_text(), re.MULTILINE)


@pytest.mark.parametrize(
    ("page", "message"),
    [
        ("```python\nprint(1 + 1)\n```\n\n```text\n3\n```\n", "page.md:6: the block before prints\n2"),
        ("```sh\necho seen\nfalse\n```\n", "page.md:2: exit code 1\nseen"),
        ("\n```python\nawait missing()\n```\n", 'page.md", line 3'),
    ],
)
def test_a_page_that_is_wrong_is_found(page: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "page.md").write_text(page)
    done = run_page(tmp_path / "page.md", tmp_path)
    assert done.returncode != 0
    assert message in done.stderr
