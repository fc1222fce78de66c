"""What the README lists is what there is: settings, commands, errors, links."""

import re
from collections.abc import Iterator
from pathlib import Path

import annotated_types
import pytest
import typer
from pydantic import BaseModel

import shardwise.errors
from shardwise.cli.app import app
from shardwise.config import Settings

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
PAGES = [
    ROOT / "README.md",
    ROOT / "CHANGELOG.md",
    *ROOT.glob("docs/**/*.md"),
    *ROOT.glob("examples/**/*.md"),
]


def rows(heading: str) -> Iterator[list[str]]:
    """Yield the cells of the last table below a heading of the README, without its head."""
    section = README.split(f"\n## {heading}\n", 1)[1].split("\n## ", 1)[0]
    lines = [line for line in section.splitlines() if line.startswith("|")]
    start = max(number for number, line in enumerate(lines) if set(line) <= set("|-"))
    for line in lines[start + 1 :]:
        yield [cell.strip() for cell in line.strip("|").split("|")]


def settings() -> Iterator[tuple[str, object, list[float]]]:
    """Yield each setting's variable, default and bounds."""
    for section, field in Settings.model_fields.items():
        if not isinstance(field.default, BaseModel):
            yield f"SHARDWISE_{section.upper()}", field.default, []
            continue
        for name, option in type(field.default).model_fields.items():
            variable = {
                "database": f"DATABASE_{name}",
                "retry": f"DATABASE_RETRY_{name}",
            }.get(section, f"SHARDWISE_{section}__{name}")
            bounds = [
                getattr(rule, kind)
                for rule in option.metadata
                for kind in ("ge", "gt", "le", "lt")
                if isinstance(rule, annotated_types.GroupedMetadata | annotated_types.BaseMetadata)
                and hasattr(rule, kind)
            ]
            yield variable.upper(), option.default, bounds


def test_every_setting_is_listed_with_its_range_and_default() -> None:
    listed = {}
    for variables, accepted, default in rows("Configuration"):
        for variable in variables.split(", "):
            listed[variable.strip("`")] = accepted, default.strip("`")
    assert set(listed) == {variable for variable, _, _ in settings()}
    for variable, default, bounds in settings():
        accepted, shown = listed[variable]
        numbers = {float(number) for number in re.findall(r"-?\d+(?:\.\d+)?", accepted)}
        assert numbers >= {float(bound) for bound in bounds}, variable
        if isinstance(default, int | float | str):
            assert shown == str(default), variable


def commands(group: typer.core.TyperGroup, prefix: str = "shardwise") -> Iterator[str]:
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, f"{prefix} {name}")
        else:
            yield f"{prefix} {name}"


def test_every_command_is_listed_with_options_that_it_has() -> None:
    group = typer.main.get_command(app)
    listed = {cells[0].strip("`"): cells[1] for cells in rows("Commands")}
    assert sorted(listed) == sorted(commands(group))
    for name, told in listed.items():
        command = group
        for word in name.split()[1:]:
            command = command.commands[word]
        known = {option for parameter in command.params for option in parameter.opts}
        assert set(re.findall(r"--[a-z-]+", told)) <= known, name


def test_errors_that_are_listed_exist() -> None:
    named = [error for cells in rows("Sessions, and the errors one meets") for error in cells[0].split(", ")]
    assert len(named) > 10
    for error in named:
        assert issubclass(getattr(shardwise.errors, error.strip("`")), shardwise.ShardwiseError)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text()):
        if "://" in target:
            continue
        file, _, heading = target.partition("#")
        found = (page.parent / file).resolve() if file else page
        assert found.exists(), target
        if heading:
            headings = re.findall(r"^#+ (.+)$", found.read_text(), re.MULTILINE)
            anchors = {re.sub(r"[^\w\- ]", "", line.lower()).replace(" ", "-") for line in headings}
            assert heading in anchors, target


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_nothing_is_left_to_be_filled_in(page: Path) -> None:
    assert not re.search(r"\b(TODO|TBD|FIXME|XXX|PLACEHOLDER|BENCH)\b", page.read_text())


def test_every_decision_is_listed() -> None:
    folder = ROOT / "docs" / "decisions"
    listed = set(re.findall(r"\((\d{4}-[a-z-]+\.md)\)", (folder / "README.md").read_text()))
    assert listed == {page.name for page in folder.glob("0*.md")}
