"""Plays a script against the service and notes where the answers differ from the expected ones."""

from collections.abc import Iterable
from enum import Enum
from typing import Any

from sqlalchemy import text

from differential.matching import Kept, Scene, same, utc_naive_now
from differential.steps import Answer, Call, Derive, Failure, First, Holds, Meanwhile, Step
from shardwise.database import ShardedDatabase
from shardwise.legacy.registry import find_procedure
from shardwise.legacy.service import DatabaseService
from shardwise.testing.isolation import managers

_NEW_LOG_ROWS = text("SELECT * FROM table_errorlog WHERE idx > :last ORDER BY idx")
_LOGGED = ("procedure_name", "error_state", "error_no", "error_message", "param")


class Runner:
    """Plays steps one after the other.

    Attributes:
        findings: a text for each difference.
        calls: how many procedures have been called.
    """

    def __init__(self, db: ShardedDatabase, service: DatabaseService) -> None:
        self._service = service
        self._engines = dict(zip((None, 1, 2), [each.engine for each in managers(db)], strict=True))
        self._last_logged: dict[int | None, int] = {}
        self._scene = Scene()
        self.findings: list[str] = []
        self.calls = 0

    async def play(self, steps: Iterable[Step]) -> None:
        """Play steps; nothing is raised for a difference."""
        for shard in self._engines:
            await self._new_log_rows(shard)
        for step in steps:
            await self._play(step)
        for shard in self._engines:
            for row in await self._new_log_rows(shard):
                self.findings.append(f"unexpected in the error log of {shard or 'global'}: {row}")

    async def _play(self, step: Step) -> None:
        match step:
            case Call():
                await self._call(step)
            case Meanwhile():
                async with self._engines[step.shard].begin() as connection:
                    await connection.execute(step.statement(self._scene.kept))
            case Holds():
                await self._look(step)
            case Derive():
                self._scene.kept.update(step.values(self._scene.kept))

    async def _call(self, step: Call) -> None:
        self.calls += 1
        scene = self._scene
        params = tuple(each.value(scene) if isinstance(each, Kept) else each for each in step.params)
        scene.begun = utc_naive_now()
        answer: list[dict[str, Any]] | Exception
        try:
            if step.shard is None:
                answer = await self._service.call_global_procedure(step.name, params)
            else:
                answer = await self._service.call_shard_procedure(step.shard, step.name, params)
        except Exception as error:
            answer = error
        scene.ended = utc_naive_now()
        differences = [*_differences(step, answer, scene), *_undeclared(step, answer)]
        for difference in (*differences, *await self._log_differences(step)):
            where = "global" if step.shard is None else f"shard {step.shard}"
            self.findings.append(f"{step.name}{params!r:.300} on {where} [{step.by or ''}]: {difference}")

    async def _log_differences(self, step: Call) -> list[str]:
        rows = await self._new_log_rows(step.shard)
        differences = [each for row in rows for each in _log_row_differences(step, row)]
        wanted = 1 if step.expect.logged else 0
        if len(rows) != wanted:
            differences.append(f"{len(rows)} rows in the error log, not {wanted}: {rows}")
        return differences

    async def _new_log_rows(self, shard: int | None) -> list[dict[str, Any]]:
        async with self._engines[shard].connect() as connection:
            result = await connection.execute(_NEW_LOG_ROWS, {"last": self._last_logged.get(shard, 0)})
            rows = [dict(row) for row in result.mappings()]
        if rows:
            self._last_logged[shard] = rows[-1]["idx"]
        return rows

    async def _look(self, step: Holds) -> None:
        async with self._engines[step.shard].connect() as connection:
            rows = (await connection.execute(step.statement(self._scene.kept))).all()
        found = [tuple(each.value if isinstance(each, Enum) else each for each in row) for row in rows]
        if len(found) != len(step.rows) or not all(
            same(expected, actual, self._scene)
            for wanted, row in zip(step.rows, found, strict=True)
            for expected, actual in zip(wanted, row, strict=True)
        ):
            statement = str(step.statement(self._scene.kept))
            self.findings.append(f"{statement} on {step.shard or 'global'}: {found}, not {list(step.rows)}")


def _differences(step: Call, answer: list[dict[str, Any]] | Exception, scene: Scene) -> list[str]:
    match step.expect, answer:
        case Failure(kind=kind), Exception():
            return [] if isinstance(answer, kind) else [f"raised {_said(answer)}, not {kind.__name__}"]
        case Failure(kind=kind), _:
            return [f"answered {answer!r:.500} instead of raising {kind.__name__}"]
        case _, Exception():
            return [f"raised {_said(answer)}"]
        case First(columns=columns), _:
            found = {name: (answer[0] if answer else {}).get(name) for name in columns}
            return _row_differences(columns, found, scene)
        case Answer(rows=rows), _:
            if len(answer) != len(rows):
                return [f"{len(answer)} rows, not {len(rows)}: {answer!r:.1000}"]
            return [
                difference
                for expected, actual in zip(rows, answer, strict=True)
                for difference in _row_differences(expected, actual, scene)
            ]
    raise AssertionError("an expectation of another kind")


def _said(answer: Any) -> str:
    return f"{type(answer).__name__}: {answer}"


def _undeclared(step: Call, answer: list[dict[str, Any]] | Exception) -> list[str]:
    procedure = find_procedure(step.name)
    if procedure is None or isinstance(answer, Exception):
        return []
    declared = (*procedure.results, ("ErrorCode", "ErrorMessage", *procedure.error_row))
    return [
        f"the columns {columns} are none of the registered ones"
        for columns in {tuple(row) for row in answer}
        if not any(_is_part(columns, of) for of in declared)
    ]


def _is_part(columns: tuple[str, ...], of: tuple[str, ...]) -> bool:
    """Return whether columns come in this order; a failure's row may have fewer than a success's."""
    return columns == tuple(name for name in of if name in columns)


def _row_differences(expected: dict[str, Any], actual: dict[str, Any], scene: Scene) -> list[str]:
    if list(actual) != list(expected):
        return [f"the columns {list(actual)}, not {list(expected)}: {actual!r:.500}"]
    return [
        f"{name} = {actual[name]!r}, not {_shown(value, scene)}"
        for name, value in expected.items()
        if not same(value, actual[name], scene)
    ]


def _shown(expected: Any, scene: Scene) -> str:
    return repr(expected.value(scene) if isinstance(expected, Kept) else expected)


def _log_row_differences(step: Call, row: dict[str, Any]) -> list[str]:
    differences = []
    if (row["procedure_name"] or "").casefold() != step.name.casefold():
        differences.append(f"logged as {row['procedure_name']}")
    if any(row[name] is None or (name != "param" and not str(row[name])) for name in _LOGGED):
        differences.append(f"an incomplete row in the error log: {row}")
    if None in step.params and not (step.by or ("",))[0].startswith("too") and "NULL" not in row["param"]:
        differences.append(f"the error log doesn't tell of the NULL: {row}")
    text = f"{row['error_message']} {row['param']}"
    secrets = (*step.secrets, "secret-", "@example.org")
    differences += [f"the error log holds {secret!r}: {row}" for secret in secrets if secret in text]
    return differences
