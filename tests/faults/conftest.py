"""Figures that the fault tests measure: printed as a table and written to build/faults.json."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

_figures: list[dict[str, object]] = []
Figure = Callable[..., None]


@pytest.fixture
def figure() -> Figure:
    """Record a figure: `figure(name, value, unit, bound=…, peer=…, how=…)`."""

    def record(name: str, value: float, unit: str, *, bound: str, how: str, peer: str = "") -> None:
        line = {"name": name, "value": value, "unit": unit, "bound": bound, "peer": peer, "how": how}
        _figures.append(line)

    return record


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, exitstatus: int, config: pytest.Config
) -> None:
    if not _figures:
        return
    path = config.rootpath / "build" / "faults.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(_figures, indent=1, ensure_ascii=False) + "\n")
    terminalreporter.section("figures of the fault tests")
    for line in _figures:
        terminalreporter.write_line(
            f"{line['name']}: {line['value']} {line['unit']} (bound {line['bound']}; {line['how']})"
        )
    terminalreporter.write_line(f"written to {Path(path).relative_to(config.rootpath)}")
