"""Which clock an adoption goes by, and why it can't begin without knowing."""

from collections.abc import Iterator
from dataclasses import dataclass

from shardwise.errors import MigrationError
from shardwise.migrations.adoption.clock import Clock
from shardwise.migrations.adoption.deployment import Database, Deployment, State
from shardwise.migrations.adoption.findings import Finding, Severity
from shardwise.migrations.adoption.survey import Survey

_CHECK = "clock"
_UTC = Clock(minutes=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChosenClock:
    """The clock, and what is to be said about it.

    Attributes:
        clock: the one that wrote the old rows.
        findings: what blocks, or needs attention.
    """

    clock: Clock
    findings: tuple[Finding, ...]


def choose_clock(survey: Survey, given: Clock | None, *, upgraded_are_utc: bool) -> ChosenClock:
    """Return the clock that was begun with, or the given one, or UTC.

    Args:
        survey: what was seen of the deployment.
        given: what the operator says, None if nothing.
        upgraded_are_utc: databases with a revision hold UTC, the operator says.

    Raises:
        MigrationError: the adoption was begun with another clock.
    """
    begun = begun_clock(survey.deployment)
    if begun is not None and given is not None and given != begun:
        raise MigrationError(
            f"this adoption was begun with --clock {begun}, and tables may be shifted already;"
            f" go on with that one, not {given}"
        )
    clock = begun or given or _UTC
    findings = [*_servers(survey, begun or given)]
    if not clock.is_utc:
        findings += [*_kept_as_they_are(clock)]
        if not upgraded_are_utc:
            findings += [*_upgraded(survey.deployment, clock)]
    return ChosenClock(clock=clock, findings=tuple(findings))


def begun_clock(deployment: Deployment) -> Clock | None:
    """Return the clock that an adoption was begun with, None if none was."""
    for database in (deployment.main, *deployment.shards.values()):
        if database.marker is not None and database.marker.clock is not None:
            return database.marker.clock
    return None


def needs_shift(database: Database) -> bool:
    """Return whether a database's times are still those of the old clock.

    Those of one that has a revision never are: it was upgraded after its shift, or is UTC as the operator
    says.
    """
    shifted = database.marker is not None and database.marker.clock_is_right
    return database.state is State.OLD and not shifted


def _servers(survey: Survey, chosen: Clock | None) -> Iterator[Finding]:
    for seen in survey.seen:
        if seen.clock is None or not needs_shift(seen.database):
            continue
        if chosen is None and not seen.clock.is_utc:
            yield Finding(
                severity=Severity.BLOCKS,
                check=_CHECK,
                database=seen.database.target.name,
                message=f"its server's clock is {seen.clock}: old times are probably that, and the new code"
                " reads UTC",
                way_out=f"say which clock wrote the rows: --clock {seen.clock} shifts them,"
                " --clock UTC leaves them as they are",
            )
        elif chosen is not None and seen.clock != chosen:
            yield Finding(
                severity=Severity.ATTENTION,
                check=_CHECK,
                database=seen.database.target.name,
                message=f"its server's clock is {seen.clock} now, its rows are taken to be {chosen}",
            )


def _kept_as_they_are(clock: Clock) -> Iterator[Finding]:
    yield Finding(
        severity=Severity.ATTENTION,
        check=_CHECK,
        database="all",
        message=f"times are shifted by {clock}, once; days of statistics, and times inside JSON and texts,"
        " stay those of the old clock",
    )


def _upgraded(deployment: Deployment, clock: Clock) -> Iterator[Finding]:
    finishing = deployment.main.marker is not None and deployment.main.marker.finishing
    for database in deployment.databases:
        upgraded = database.state in (State.BEHIND, State.HEAD) and database.marker is None
        if upgraded and not finishing:
            yield Finding(
                severity=Severity.BLOCKS,
                check=_CHECK,
                database=database.target.name,
                message=f"it is at revision {database.revision} without an adoption: whether its times are"
                f" UTC or {clock}, nobody can tell any more",
                way_out="--upgraded-are-utc leaves the times of such databases alone and shifts the others'",
            )
