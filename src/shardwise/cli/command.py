"""How every command runs: settings, an event loop, one line for an error of ours, an exit code."""

import asyncio
import errno
from collections.abc import Awaitable, Callable
from functools import wraps
from typing import Annotated, NoReturn, ParamSpec

import typer

from shardwise.cli.output import say_error
from shardwise.config import RevisionCheck, Settings
from shardwise.errors import ConfigurationError, InvalidValueError, ShardwiseError

OK = 0
FAILED = 1
USAGE = 2
INTERRUPTED = 130

JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for a program, and nothing else.")]

P = ParamSpec("P")


def command(function: Callable[P, Awaitable[int]]) -> Callable[P, None]:
    """Make a coroutine that returns an exit code a command.

    Errors of ours, and what the operating system refuses (a folder that can't be written, a full disk), end
    it with one line on standard error: 2 for a configuration or value that can't be used, 1 for everything
    else that failed; Ctrl-C with 130.
    """

    @wraps(function)
    def run(*args: P.args, **options: P.kwargs) -> None:
        raise typer.Exit(_run(function(*args, **options)))

    return run


def _run(work: Awaitable[int]) -> int:
    async def main() -> int:
        return await work

    try:
        return asyncio.run(main())
    except (ConfigurationError, InvalidValueError) as error:
        say_error(one_line(error))
        return USAGE
    except ShardwiseError as error:
        say_error(one_line(error))
        return FAILED
    except OSError as error:
        if error.strerror is None or error.errno == errno.EPIPE:  # who reads a pipe may leave
            raise
        say_error(f"{error.filename}: {error.strerror}" if error.filename else error.strerror)
        return FAILED
    except KeyboardInterrupt:
        say_error("interrupted")
        return INTERRUPTED


def one_line(error: BaseException) -> str:
    """Return an error and its notes as one line."""
    text = " ".join(str(error).split())
    notes = ", ".join(getattr(error, "__notes__", ()))
    return f"{text} ({notes})" if notes else text


def settings(context: typer.Context) -> Settings:
    """Return the settings of the environment and `.env`, with `--url` in place of DATABASE_URL.

    Raises:
        ConfigurationError: a value can't be used.
    """
    url: str | None = context.find_root().obj
    return Settings() if url is None else Settings(database={"url": url})


def unchecked(chosen: Settings) -> Settings:
    """Return settings that open databases at any revision: for looking, and before an upgrade."""
    topology = chosen.topology.model_copy(update={"revision_check": RevisionCheck.IGNORE})
    return chosen.model_copy(update={"topology": topology})


def usage_error(message: str, *, option: str) -> NoReturn:
    """End a command because of how it was called."""
    raise typer.BadParameter(message, param_hint=option)
