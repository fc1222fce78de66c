"""What `shardwise adopt` shows: databases, tables, findings, results, and where to go next."""

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from shardwise.cli.command import one_line
from shardwise.cli.databases import shown
from shardwise.cli.output import print_table, say, say_error
from shardwise.cli.results import facts_of, print_results
from shardwise.migrations.adoption.findings import Finding
from shardwise.migrations.adoption.forecast import LOCKING, Forecast, forecast
from shardwise.migrations.adoption.run import Adoption

_MEGABYTE = 1_000_000


def facts(adoption: Adoption, *, dry_run: bool) -> dict[str, Any]:
    """Return everything for a program; addresses without user and password."""
    seen = {each.database.target.name: each for each in adoption.survey.seen}
    deployment = adoption.survey.deployment
    return {
        "ok": adoption.finished or (dry_run and not adoption.survey.blocked),
        "adopted": adoption.finished,
        "dry_run": dry_run,
        "clock": str(adoption.clock),
        "databases": [
            {
                "name": each.target.name,
                "shard_id": each.target.shard_id,
                "address": shown(each.target.url),
                "state": each.state,
                "revision": each.revision,
                "begun": each.marker is not None,
                "tables": [_table(line) for line in forecast(seen[each.target.name])]
                if each.target.name in seen
                else [],
            }
            for each in (deployment.main, *deployment.shards.values())
        ],
        "locking": LOCKING,
        "findings": [_finding(finding) for finding in adoption.survey.findings],
        "results": [facts_of(result) for result in adoption.results],
        "verification": [_finding(finding) for finding in adoption.wrong],
    }


def show(adoption: Adoption, *, dry_run: bool) -> None:
    """Print the plan, the findings and the results as tables."""
    deployment = adoption.survey.deployment
    if adoption.finished and not adoption.results and not deployment.begun:
        say("Nothing to do: every database of this deployment is adopted.")
        return
    _show_databases(adoption)
    _show_tables(adoption)
    _show_findings("What was found", adoption.survey.findings)
    if adoption.results:
        print_results(adoption.results, title="What was done")
    for result in adoption.results:
        if result.error is not None:
            say_error(one_line(result.error))
    _show_findings("What is wrong now", adoption.wrong)
    _show_end(adoption, dry_run=dry_run)


def _show_databases(adoption: Adoption) -> None:
    seen = {each.database.target.name: each for each in adoption.survey.seen}
    deployment = adoption.survey.deployment
    rows: list[tuple[object, ...]] = []
    for each in (deployment.main, *deployment.shards.values()):
        name = each.target.name
        lines = forecast(seen[name]) if name in seen else []
        size = sum(facts.size for facts in each.inventory.tables.values())
        clock = seen[name].clock if name in seen else None
        rows.append(
            (
                name,
                shown(each.target.url),
                each.state,
                each.revision,
                sum(line.rows for line in lines),
                f"{size / _MEGABYTE:.1f}",
                sum(bool(line.revisions) for line in lines),
                f"{sum(line.seconds for line in lines):.0f}",
                None if clock is None else str(clock),
            )
        )
    columns = ("database", "address", "state", "revision", "rows", "MB", "to rebuild", "about s", "its clock")
    print_table(columns, rows, title="Databases")


def _show_tables(adoption: Adoption) -> None:
    """Print a line for each table of the global database, and one for each table of all shards."""
    summed: dict[tuple[str, str], list[Forecast]] = defaultdict(list)
    for seen in adoption.survey.seen:
        for line in forecast(seen):
            summed[(seen.database.target.branch, line.table)].append(line)
    rows = [
        (
            where,
            table,
            sum(line.rows for line in lines),
            f"{sum(line.size for line in lines) / _MEGABYTE:.1f}",
            max(lines, key=lambda line: len(line.revisions)).what,
            f"{max(line.seconds for line in lines):.1f}",
        )
        for (where, table), lines in summed.items()
        if any(line.what for line in lines)
    ]
    if rows:
        columns = ("in", "table", "rows", "MB", "what happens", "about s in the largest")
        print_table(columns, rows, title="What the revisions do")
        if not adoption.clock.is_utc:
            say(f"Before that, all old times are shifted from {adoption.clock} to UTC, once.")
        say(LOCKING)


def _show_findings(title: str, findings: tuple[Finding, ...]) -> None:
    if not findings:
        return
    columns = ("severity", "database", "table", "rows", "what", "such as", "way out")
    rows = [
        (f.severity, f.database, f.table, f.count, f.message, ", ".join(f.examples), f.way_out)
        for f in findings
    ]
    print_table(columns, rows, title=title)


def _show_end(adoption: Adoption, *, dry_run: bool) -> None:
    blocking = sum(finding.blocks for finding in adoption.survey.findings)
    if adoption.finished:
        say("Adopted: rows counted, models and tables agree. Next: `shardwise status`,")
        say("`shardwise shards recount` (the old counts only grew), then start the new programs.")
    elif blocking:
        say_error(f"{blocking} findings block; nothing was changed. Repair them and run the command again")
    elif dry_run:
        say("Nothing was changed. Stop the old programs, make a backup, and run it without --dry-run.")
    elif adoption.wrong:
        say_error("the checks at the end found something wrong; the notes of the adoption are kept")
    else:
        say_error("not finished; put right what failed and run the same command again, it goes on there")


def _table(line: Forecast) -> dict[str, Any]:
    return {
        "name": line.table,
        "rows": line.rows,
        "bytes": line.size,
        "revisions": list(line.revisions),
        "what": line.what,
        "seconds": round(line.seconds, 2),
    }


def _finding(finding: Finding) -> Mapping[str, Any]:
    return {
        "severity": finding.severity,
        "check": finding.check,
        "database": finding.database,
        "table": finding.table,
        "count": finding.count,
        "message": finding.message,
        "way_out": finding.way_out,
        "examples": list(finding.examples),
    }
