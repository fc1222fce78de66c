"""The command `shardwise`."""

import logging
from typing import Annotated

import typer

import shardwise
from shardwise.cli import accounts, shards
from shardwise.cli.adopt import adopt
from shardwise.cli.demo.command import demo
from shardwise.cli.recreate import recreate
from shardwise.cli.revision import revision
from shardwise.cli.status import show_status
from shardwise.cli.upgrade import upgrade

app = typer.Typer(
    name="shardwise",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Look after sharded databases.  Exit codes: 0 done, 1 failed or not healthy, 2 wrong usage.",
)
app.command("demo")(demo)
app.command("upgrade")(upgrade)
app.command("adopt")(adopt)
app.command("status")(show_status)
app.add_typer(shards.app, name="shards")
app.add_typer(accounts.app, name="accounts")
app.command("revision")(revision)
app.command("recreate")(recreate)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"shardwise {shardwise.__version__}")
        raise typer.Exit


@app.callback()
def prepare(
    context: typer.Context,
    url: Annotated[
        str | None,
        typer.Option(help="Address of the global database, in place of DATABASE_URL.", show_default=False),
    ] = None,
    version: Annotated[
        bool,
        typer.Option("--version", help="Print the version.", callback=_show_version, is_eager=True),
    ] = False,
) -> None:
    """Take the options of all commands."""
    context.obj = url
    logging.basicConfig(format="%(levelname)s: %(message)s", level=logging.WARNING)


def main() -> None:
    """Run the command line."""
    app()
