"""`shardwise demo`."""

from pathlib import Path
from typing import Annotated

import typer

from shardwise.cli.command import FAILED, OK, JsonOption, command, usage_error
from shardwise.cli.databases import is_sqlite
from shardwise.cli.demo.places import FolderPlace, Place, ServerPlace
from shardwise.cli.output import print_json
from shardwise.config import database_url

_FOLDER = Path("data/demo")
_FEWEST, _MOST = 10, 100_000


@command
async def demo(
    context: typer.Context,
    *,
    url: Annotated[
        str | None,
        typer.Option(
            help="Run on a server: mysql+asyncmy://USER:PASSWORD@HOST:PORT/NAME."
            " Makes NAME and NAME_shard_1 to 3."
        ),
    ] = None,
    folder: Annotated[
        Path, typer.Option(help="Run on SQLite files in this folder.", file_okay=False)
    ] = _FOLDER,
    accounts: Annotated[int, typer.Option(min=_FEWEST, max=_MOST, help="How many investors sign up.")] = 300,
    as_json: JsonOption = False,
) -> int:
    """Run the main job on real prices, on SQLite files or a server, and check every figure.

    Makes a global database and two shards, signs up accounts, replays deposits, purchases and sales at real
    daily closes, logs accounts in again, adds a third shard while running and puts new accounts on it. What a
    former demo left in the same place is made anew; nothing else is ever deleted. DATABASE_URL is not used.
    Exit code 1 if a figure is not what was computed from the input.
    """
    # Imported here: the other commands may serve an application whose metadata must not hold our own models.
    from shardwise.cli.demo import summary  # noqa: PLC0415
    from shardwise.cli.demo.run import run_demo  # noqa: PLC0415
    from shardwise.cli.demo.story import Story  # noqa: PLC0415

    outcome = await run_demo(_place(url or context.find_root().obj, folder), accounts, Story(silent=as_json))
    if as_json:
        print_json(summary.facts(outcome))
    else:
        summary.show(outcome)
    return OK if summary.tell_wrong(outcome) == 0 else FAILED


def _place(url: str | None, folder: Path) -> Place:
    if url is None:
        return FolderPlace(folder)
    address = database_url(url, "--url")
    if is_sqlite(address):
        usage_error("for SQLite, name a folder with --folder", option="--url")
    return ServerPlace(address)
