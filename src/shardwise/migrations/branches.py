"""The two Alembic branches, where their revisions are, and which revision is their newest."""

from enum import StrEnum
from functools import lru_cache
from pathlib import Path

from alembic.config import Config
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import MetaData

from shardwise.errors import MigrationError
from shardwise.schema.base import GlobalBase, ShardBase


class Branch(StrEnum):
    """A line of revisions, one for the global database and one for every shard."""

    GLOBAL = "global"
    SHARD = "shard"

    @property
    def other(self) -> "Branch":
        """Return the branch whose tables must never get into a database of this one."""
        return Branch.SHARD if self is Branch.GLOBAL else Branch.GLOBAL

    @property
    def metadata(self) -> MetaData:
        """Return the tables of this branch's models, as far as they are imported."""
        return GlobalBase.metadata if self is Branch.GLOBAL else ShardBase.metadata

    @property
    def own_tables(self) -> frozenset[str]:
        """Return the tables that a database of the other branch never has."""
        return frozenset(self.metadata.tables) - frozenset(self.other.metadata.tables)


def script_location() -> Path:
    """Return the Alembic folder that shardwise ships: in the installed package, or in the checkout.

    Raises:
        MigrationError: there is neither.
    """
    here = Path(__file__).resolve()
    for folder in (here.parent / "alembic", here.parents[3] / "alembic"):
        if (folder / "env.py").is_file():
            return folder
    raise MigrationError("the revisions of shardwise are missing: this installation is not complete")


def versions_folder(branch: Branch, location: Path | None = None) -> Path:
    """Return the folder with a branch's revisions.

    Args:
        branch: whose.
        location: an application's own Alembic folder; None = the one that shardwise ships.
    """
    return (location or script_location()) / "versions" / branch


def alembic_config(location: Path | None = None) -> Config:
    """Return an Alembic configuration that needs no alembic.ini.

    Args:
        location: an application's own Alembic folder, with `env.py`, `versions/global` and
            `versions/shard`; None = the one that shardwise ships. Its parent is put on `sys.path`, so that
            `env.py` finds the application's models from wherever it is run.
    """
    folder = location or script_location()
    config = Config()
    options = {
        "script_location": str(folder),
        "version_locations": "\n".join(str(versions_folder(branch, folder)) for branch in Branch),
        "path_separator": "newline",
    }
    if location is not None:
        options["prepend_sys_path"] = str(location.resolve().parent)
    for name, value in options.items():
        config.set_main_option(name, value.replace("%", "%%"))
    return config


def expected_head(branch: Branch, location: Path | None = None) -> str:
    """Return the newest revision of a branch, which a database must be at for this code.

    The folder is read once in a process.

    Raises:
        MigrationError: the branch has no revision, or several heads.
    """
    return _head(versions_folder(branch, location).resolve())


@lru_cache
def _head(folder: Path) -> str:
    if not folder.is_dir():
        raise MigrationError(
            f"there is no folder {folder}, where revisions should be; SHARDWISE_MIGRATIONS__SCRIPT_LOCATION"
            " names the folder that has env.py and versions"
        )
    script = ScriptDirectory(str(folder.parent.parent), version_locations=[str(folder)])
    try:
        head = script.get_current_head()
    except CommandError as error:
        raise MigrationError(f"the revisions in {folder} can't be used: {error}") from error
    if head is None:
        raise MigrationError(f"there is no revision in {folder}")
    return head
