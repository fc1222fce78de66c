"""Figures that the fault tests measure: printed as a table and written to build/faults.json."""

import json
from collections.abc import Callable
from itertools import chain

import pytest

_FIGURE = "figure"


@pytest.fixture
def figure(request: pytest.FixtureRequest) -> Callable[..., None]:
    """Record a figure: `figure(name, value, unit, bound=…, peer=…, how=…)`."""

    def record(name: str, value: float, unit: str, *, bound: str, how: str, peer: str = "") -> None:
        line = {"name": name, "value": value, "unit": unit, "bound": bound, "peer": peer, "how": how}
        # On the report, because the test may run in a worker process.
        request.node.user_properties.append((_FIGURE, json.dumps(line)))

    return record


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Print the figures of this run and write them where programs find them."""
    figures = [
        json.loads(str(value))
        for report in chain.from_iterable(terminalreporter.stats.values())
        if getattr(report, "when", None) == "teardown"
        for name, value in report.user_properties
        if name == _FIGURE
    ]
    if not figures:
        return
    path = config.rootpath / "build" / "faults.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(figures, indent=1, ensure_ascii=False) + "\n")
    terminalreporter.section("figures of the fault tests")
    for line in figures:
        terminalreporter.write_line(
            f"{line['name']}: {line['value']} {line['unit']} (bound {line['bound']}; {line['how']})"
        )
    terminalreporter.write_line(f"written to {path.relative_to(config.rootpath)}")
