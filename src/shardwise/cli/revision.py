"""`shardwise revision`: a new Alembic revision for one branch."""

import asyncio
from argparse import Namespace
from pathlib import Path
from typing import Annotated

import typer
from alembic import command as alembic
from alembic.config import Config
from alembic.script import ScriptDirectory
from alembic.util import CommandError

import shardwise.migrations
from shardwise.cli.command import OK, command, settings
from shardwise.cli.output import say
from shardwise.config import Settings
from shardwise.errors import ConfigurationError, MigrationError, NoActiveShardError
from shardwise.migrations.branches import Branch, alembic_config, script_location, versions_folder
from shardwise.migrations.comparison import next_revision
from shardwise.migrations.targets import Request, Target, find_targets


@command
async def revision(
    context: typer.Context,
    branch: Annotated[Branch, typer.Argument(help="Whose revision: global or shard.")],
    *,
    message: Annotated[str, typer.Option("--message", "-m", help="What it does, in a few words.")],
    autogenerate: Annotated[
        bool,
        typer.Option(
            "--autogenerate", help="Fill it with the difference between the models and a database at head."
        ),
    ] = False,
) -> int:
    """Make a new Alembic revision of one branch, in SHARDWISE_MIGRATIONS__SCRIPT_LOCATION or this checkout.

    `--autogenerate` compares with the global database, or with the first shard that isn't disabled.
    """
    chosen = settings(context)
    config = _config(chosen.migrations.script_location, branch)
    number = None
    if autogenerate:
        config.attributes["target"] = await _target(chosen, branch)
    try:
        if not autogenerate:
            number = next_revision(ScriptDirectory.from_config(config), branch)
        made = await asyncio.to_thread(
            alembic.revision, config, message=message, autogenerate=autogenerate, rev_id=number
        )
    except CommandError as error:
        raise MigrationError(str(error)) from error
    for script in made if isinstance(made, list) else [made]:
        if script is not None:
            say(f"Made {script.path}")
    return OK


def _config(location: Path | None, branch: Branch) -> Config:
    """Return a configuration that sees the branch's revisions only."""
    if location is None and script_location().is_relative_to(Path(shardwise.migrations.__file__).parent):
        raise ConfigurationError(
            "SHARDWISE_MIGRATIONS__SCRIPT_LOCATION is not set, and a revision must not be written into the"
            " installed package; set it to your application's Alembic folder"
        )
    config = alembic_config(location)
    folder = versions_folder(branch, location)
    config.set_main_option("version_locations", str(folder).replace("%", "%%"))
    config.cmd_opts = Namespace(quiet=True)
    return config


async def _target(chosen: Settings, branch: Branch) -> Target:
    targets = await find_targets(Request(branch=branch), chosen)
    if not targets:
        raise NoActiveShardError("no shard takes part, so there is none to compare the models with")
    return targets[0]
