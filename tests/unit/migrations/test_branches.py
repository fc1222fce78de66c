"""Where revisions are, and which one is the newest."""

from pathlib import Path

import pytest
from alembic.script import ScriptDirectory

import shardwise.finance.models  # noqa: F401  # both metadatas, as the shipped env.py has them
from shardwise.errors import MigrationError
from shardwise.migrations.branches import (
    Branch,
    alembic_config,
    expected_head,
    script_location,
    versions_folder,
)
from shardwise.migrations.environment import narrow

SOURCE = "revision, down_revision, branch_labels, depends_on = {!r}, {!r}, None, None\n"


def write(folder: Path, branch: Branch, *revisions: tuple[str, str | None]) -> Path:
    versions = folder / "versions" / branch
    versions.mkdir(parents=True)
    for revision, down in revisions:
        (versions / f"{revision}.py").write_text(SOURCE.format(revision, down))
    return folder


def test_shipped_branches_are_labelled_and_apart() -> None:
    script = ScriptDirectory.from_config(alembic_config())
    heads = {branch: expected_head(branch) for branch in Branch}
    assert set(script.get_heads()) == set(heads.values())
    for branch in Branch:
        revisions = list(script.iterate_revisions(heads[branch], "base"))
        assert [r.revision[0] for r in revisions] == [branch[0]] * len(revisions)
        assert revisions[-1].branch_labels == {branch.value}
        assert len(revisions) == len(list(versions_folder(branch).glob("*.py")))


def test_every_table_of_a_branch_has_its_revision() -> None:
    for branch in Branch:
        named = {path.stem.partition("_")[2] for path in versions_folder(branch).glob("*.py")}
        assert set(branch.metadata.tables) <= named


def test_own_tables_are_those_that_the_other_branch_lacks() -> None:
    assert "table_accountid" in Branch.GLOBAL.own_tables
    assert "table_user_accounts" in Branch.SHARD.own_tables
    assert not Branch.GLOBAL.own_tables & Branch.SHARD.own_tables
    assert "table_errorlog" not in Branch.GLOBAL.own_tables | Branch.SHARD.own_tables


def test_the_head_of_an_own_folder(tmp_path: Path) -> None:
    write(tmp_path, Branch.GLOBAL, ("b", "a"), ("a", None))
    assert expected_head(Branch.GLOBAL, tmp_path) == "b"


def test_a_folder_without_a_head_is_refused(tmp_path: Path) -> None:
    write(tmp_path / "none", Branch.GLOBAL)
    with pytest.raises(MigrationError, match="there is no revision in"):
        expected_head(Branch.GLOBAL, tmp_path / "none")
    with pytest.raises(MigrationError, match=r"there is no folder .*absent"):
        expected_head(Branch.GLOBAL, tmp_path / "absent")
    write(tmp_path / "two", Branch.GLOBAL, ("a", None), ("b", "a"), ("c", "a"))
    with pytest.raises(MigrationError, match="can't be used: The script directory has multiple heads"):
        expected_head(Branch.GLOBAL, tmp_path / "two")


def test_a_narrowed_folder_shows_one_branch_also_after_it_was_read() -> None:
    script = ScriptDirectory.from_config(alembic_config())
    assert len(script.get_heads()) == 2
    for branch in (Branch.SHARD, Branch.GLOBAL):
        narrow(script, branch)
        assert script.get_heads() == [expected_head(branch)]
        assert script.versions == str(script_location() / "versions" / branch)


def test_percent_signs_in_a_path_are_not_interpolated(tmp_path: Path) -> None:
    folder = write(tmp_path / "100%s", Branch.GLOBAL, ("a", None))
    assert alembic_config(folder).get_main_option("script_location") == str(folder)
