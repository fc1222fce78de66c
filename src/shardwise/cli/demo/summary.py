"""What the demo ends with: a table per shard, and every figure checked."""

from dataclasses import asdict, astuple

from shardwise.cli.demo.figures import wrong
from shardwise.cli.demo.run import Outcome
from shardwise.cli.demo.watch_figures import win_rates
from shardwise.cli.output import print_table, say, say_error


def show(outcome: Outcome) -> None:
    """Print a column a shard, how signals turned out, then every figure beside what the input says."""
    shards = list(outcome.stored.shards.values())
    tables = sorted({table for shard in shards for table in shard.rows})
    rows: list[tuple[object, ...]] = [("accounts", *(shard.counted for shard in shards))]
    rows += [(f"rows of {table}", *(shard.rows.get(table, 0) for shard in shards)) for table in tables]
    rows += [("revision", *(shard.revision for shard in shards))]
    print_table(("", *(f"shard {shard.shard_id}" for shard in shards)), rows)
    columns = ("asset", "alarms", "BUY", "SELL", "won", "win rate %", "mean profit %")
    print_table(columns, [astuple(rate) for rate in win_rates(outcome.stored)])
    figures = [
        (figure.name, figure.expected, figure.stored, "right" if figure.right else "WRONG")
        for figure in outcome.figures
    ]
    print_table(("figure", "from the input", "stored", ""), figures)
    right = sum(figure.right for figure in outcome.figures)
    say(f"{right} of {len(outcome.figures)} figures are right, in {outcome.seconds:.1f} s.")


def facts(outcome: Outcome) -> dict[str, object]:
    """Return what a program may want to know."""
    return {
        "ok": not wrong(outcome.figures),
        "seconds": round(outcome.seconds, 2),
        "global": outcome.global_address,
        "shards": [
            {
                "shard_id": shard.shard_id,
                "name": shard.name,
                "address": shard.address,
                "accounts": len(shard.accounts),
                "rows": shard.rows,
                "revision": shard.revision,
            }
            for shard in outcome.stored.shards.values()
        ],
        "signals": [asdict(rate) for rate in win_rates(outcome.stored)],
        "figures": [
            {
                "name": figure.name,
                "expected": figure.expected,
                "stored": figure.stored,
                "right": figure.right,
                "first_difference": figure.first_difference,
            }
            for figure in outcome.figures
        ],
    }


def tell_wrong(outcome: Outcome) -> int:
    """Print each wrong figure to standard error, and return how many there are."""
    failures = wrong(outcome.figures)
    for figure in failures:
        say_error(f"wrong figure: {figure.sentence}")
    return len(failures)
