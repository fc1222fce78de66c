"""Progress bars on standard error, on a terminal only: a log or a pipe gets nothing of them."""

import sys
from collections.abc import Sequence
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from shardwise.migrations.runner import MigrationResult
from shardwise.migrations.targets import Target


def progress_bar() -> Progress:
    """Return a bar that disappears when its block is left."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=Console(stderr=True),
        transient=True,
        redirect_stdout=sys.stdout.isatty(),  # else lines printed meanwhile would miss their pipe
        disable=not sys.stderr.isatty(),
    )


class UpgradeProgress:
    """Shows how an upgrade of many databases gets on."""

    def __init__(self) -> None:
        self._bar = progress_bar()
        self._task: TaskID = self._bar.add_task("Upgrading", total=0)
        self._planned = 0

    def planned(self, targets: Sequence[Target]) -> None:
        """Take note of databases that were found."""
        self._planned += len(targets)
        self._bar.update(self._task, total=self._planned)

    def finished(self, result: MigrationResult) -> None:
        """Take note of one database that is done."""
        self._bar.update(self._task, advance=1, description=f"Upgrading: {result.name}")

    def doing(self, what: str) -> None:
        """Show the step that begins."""
        self._bar.update(self._task, description=what)

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()
