"""`shardwise accounts`: where accounts live."""

from typing import Annotated

import typer

from shardwise.cli.command import OK, JsonOption, command, settings
from shardwise.cli.fleet import opened
from shardwise.cli.output import print_json, print_table

app = typer.Typer(help="Find accounts.", no_args_is_help=True)


@app.command("where")
@command
async def where(
    context: typer.Context,
    account_db_key: Annotated[int, typer.Argument(metavar="KEY", help="account_db_key of the account.")],
    *,
    as_json: JsonOption = False,
) -> int:
    """Show the shard of an account; exit code 1 if the account is unknown."""
    async with opened(settings(context)) as db:
        placement = await db.where(account_db_key)
        shard = db.topology.shards.get(placement.shard_id)
    facts = {
        "account_db_key": account_db_key,
        "shard_id": placement.shard_id,
        "shard_name": None if shard is None else shard.name,
        "shard_status": None if shard is None else shard.status,
        "epoch": placement.epoch,
        "state": placement.state,
    }
    if as_json:
        print_json(facts)
    else:
        columns = ("account", "shard", "name", "shard status", "epoch", "state")
        print_table(columns, [(str(account_db_key), *list(facts.values())[1:])])
    return OK
