"""The old procedures, called one after the other, against what the old system's description says."""

import asyncio
import re
from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from differential.runner import Runner
from differential.script.whole import whole_script
from differential.steps import Call, Holds
from differential.sweeps import GLOBAL_SAMPLES, SHARD_SAMPLES
from shardwise.database import ShardedDatabase
from shardwise.legacy import registered_procedures
from shardwise.legacy.procedure import Scope
from shardwise.legacy.service import DatabaseService

DIFFERENCES = Path(__file__).parents[3] / "docs" / "guide" / "differences.md"


@pytest.fixture
def service(db: ShardedDatabase) -> DatabaseService:
    return DatabaseService(db)


async def test_procedures_answer_as_the_old_ones_did(db: ShardedDatabase, service: DatabaseService) -> None:
    runner = Runner(db, service)
    await _leave_midnight_behind()

    await runner.play(whole_script())

    assert not runner.findings, f"{len(runner.findings)} findings:\n" + "\n".join(runner.findings)


async def _leave_midnight_behind() -> None:
    """Wait for the next day if it is about to begin: the script says what is of today and of yesterday."""
    now = datetime.now(UTC)
    left = timedelta(days=1) - (now - now.replace(hour=0, minute=0, second=0, microsecond=0))
    if left < timedelta(minutes=1):
        await asyncio.sleep(left.total_seconds() + 0.1)


def _calls() -> list[Call]:
    return [step for step in whole_script() if isinstance(step, Call)]


def test_script_calls_every_procedure_and_alias_at_least_twice() -> None:
    called = Counter(call.name.casefold() for call in _calls())

    assert sum(called.values()) >= 400
    assert {name for name, count in called.items() if count >= 2} == {
        procedure.name for procedure in registered_procedures()
    }


def test_script_passes_null_for_every_parameter() -> None:
    passed: dict[tuple[str, int], set[int]] = defaultdict(set)
    for call in _calls():
        nulls = {position for position, value in enumerate(call.params) if value is None}
        passed[call.name.casefold(), len(call.params)] |= nulls

    missing = [
        (procedure.name, parameter.name)
        for procedure in registered_procedures()
        for signature in procedure.signatures
        for position, parameter in enumerate(signature)
        if position not in passed[procedure.name, len(signature)]
    ]

    assert missing == []


def test_parameters_are_those_of_the_old_procedures() -> None:
    described: dict[str, set[tuple[str, ...]]] = defaultdict(set)
    for sample in (*GLOBAL_SAMPLES, *SHARD_SAMPLES):
        described[sample.name].add(sample.parameters)

    registered = {
        procedure.name: {
            tuple(f"{parameter.name}:{parameter.type}" for parameter in signature)
            for signature in procedure.signatures
        }
        for procedure in registered_procedures()
    }

    assert registered == described


def test_procedures_belong_to_the_databases_of_old() -> None:
    of_global = {sample.name for sample in GLOBAL_SAMPLES}

    found = {procedure.name for procedure in registered_procedures() if procedure.scope is Scope.GLOBAL}

    assert found == of_global


def test_every_mended_defect_is_explained_in_the_guide() -> None:
    named = set(re.findall(r"^\| (D\d+) \| \S", DIFFERENCES.read_text("utf-8"), re.MULTILINE))
    mended = {step.mends for step in whole_script() if isinstance(step, Call | Holds) and step.mends}

    assert mended - named == set()
    assert len(mended) > 10
