"""What the demo prints."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from shardwise.cli.demo.investors import Home
from shardwise.cli.demo.plan import Investor
from shardwise.cli.demo.prices import Close
from shardwise.cli.output import say
from shardwise.cli.progress import progress_bar
from shardwise.finance.signals.values import SignalStatistics

_SHOWN = 4


class Story:
    """Tells what happens, a line a step; silent if a program wants JSON.

    Args:
        silent: print nothing.
    """

    def __init__(self, *, silent: bool = False) -> None:
        self._silent = silent

    def tells(self, line: str) -> None:
        """Print one line."""
        if not self._silent:
            say(line)

    def begins(self, closes: Mapping[str, Sequence[Close]], plan: Sequence[Investor]) -> None:
        """Say what the input is."""
        days = [close.day for series in closes.values() for close in series]
        steps = sum(len(investor.steps) for investor in plan)
        self.tells(
            f"{len(days):,} real closes of {', '.join(closes)}, {min(days)} to {max(days)}:"
            f" {len(plan)} investors with {steps:,} deposits, purchases, sales and withdrawals."
        )

    def tells_homes(self, homes: Mapping[str, Home], directory: Mapping[str, int], *, what: str) -> None:
        """Say how many accounts each shard got, and where some of them live."""
        counts = ", ".join(f"{n} on shard {s}" for s, n in sorted(Counter(directory.values()).items()))
        some = list(homes)[:_SHOWN]
        examples = ", ".join(
            f"{homes[name].account_db_key} ({name}) on shard {directory[name]}" for name in some
        )
        self.tells(f"{len(homes)} {what}: {counts}. For example account {examples}.")

    def tells_signals(self, standings: Mapping[str, SignalStatistics]) -> None:
        """Say what watching prices has brought."""
        signals = sum(standing.total_signals for standing in standings.values())
        won = sum(standing.performance.won_signals for standing in standings.values())
        self.tells(
            f"{len(standings)} watched an asset: {signals} closes left their Bollinger bands and became"
            f" signals and notifications; judged by the next close, {won} of them won. The watchers asked the"
            " assistant why, and went through a tutorial."
        )

    @contextmanager
    def working(self, total: int) -> Iterator[Callable[[], None]]:
        """Show a progress bar; yields what to call after each unit of work."""
        bar = progress_bar()
        if self._silent:
            bar.disable = True
        with bar:
            task = bar.add_task("Trading", total=total)
            yield lambda: bar.advance(task)
