"""Exit codes, the line that an error becomes, and where settings come from."""

from collections.abc import Callable
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from shardwise.cli.command import command, one_line, settings, unchecked
from shardwise.config import RevisionCheck, Settings
from shardwise.errors import (
    ConfigurationError,
    DatabaseConnectionError,
    InvalidValueError,
    UnknownAccountError,
    note,
)


def app_that(work: Callable[[], Any]) -> typer.Typer:
    app = typer.Typer()

    @app.command()
    @command
    async def run() -> int:
        """Do it."""
        return int(work())

    return app


def fails_with(error: BaseException) -> Callable[[], int]:
    def work() -> int:
        raise error

    return work


@pytest.mark.parametrize("code", [0, 1, 2])
def test_what_a_command_returns_is_its_exit_code(code: int) -> None:
    assert CliRunner().invoke(app_that(lambda: code)).exit_code == code


@pytest.mark.parametrize(
    ("error", "code", "line"),
    [
        (ConfigurationError("DATABASE_URL is bad"), 2, "DATABASE_URL is bad"),
        (InvalidValueError("weight", "too high"), 2, "weight: too high"),
        (UnknownAccountError(7), 1, "account 7 has no row in table_user_shard_mapping"),
        (DatabaseConnectionError("gone\nfor good"), 1, "gone for good"),
        (PermissionError(13, "Permission denied", "/data"), 1, "/data: Permission denied"),
        (OSError(28, "No space left on device"), 1, "No space left on device"),
        (KeyboardInterrupt(), 130, "interrupted"),
    ],
)
def test_error_of_ours_is_one_line(error: BaseException, code: int, line: str) -> None:
    result = CliRunner().invoke(app_that(fails_with(error)))
    assert result.exit_code == code
    assert result.stderr == f"shardwise: {line}\n"
    assert result.stdout == ""


def test_markup_in_an_error_is_plain_text() -> None:
    result = CliRunner().invoke(app_that(fails_with(ConfigurationError("[red]x[/red] [0]"))))
    assert result.stderr == "shardwise: [red]x[/red] [0]\n"


def test_error_of_somebody_else_keeps_its_traceback() -> None:
    with pytest.raises(ZeroDivisionError):
        CliRunner().invoke(app_that(lambda: 1 // 0), catch_exceptions=False)


def test_notes_of_an_error_are_told() -> None:
    error = DatabaseConnectionError("gone")
    note(error, database="shard 3", attempt=2)
    assert one_line(error) == "gone (database: shard 3, attempt: 2)"


def context_with(url: str | None) -> typer.Context:
    context = typer.Context(typer.main.get_command(app_that(lambda: 0)))
    context.obj = url
    return context


def test_url_option_wins_over_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "sqlite:///of_the_environment.db")
    monkeypatch.setenv("DATABASE_POOL_SIZE", "7")
    chosen = settings(context_with("sqlite:///of_the_option.db"))
    assert chosen.database.sqlalchemy_url().database == "of_the_option.db"
    assert chosen.database.pool_size == 7
    assert settings(context_with(None)).database.sqlalchemy_url().database == "of_the_environment.db"


def test_unchecked_settings_differ_in_one_thing() -> None:
    before = Settings(topology={"refresh_interval": 7})
    after = unchecked(before)
    assert after.topology.revision_check is RevisionCheck.IGNORE
    assert after.topology.refresh_interval == 7
    assert before.topology.revision_check is RevisionCheck.REFUSE
