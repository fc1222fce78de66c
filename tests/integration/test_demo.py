"""The newcomer's first minute, on SQLite files and on MariaDB."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy.engine import make_url
from typer.testing import CliRunner, Result

from shardwise.cli.app import app
from shardwise.cli.demo import run
from shardwise.cli.demo.expectation import expect
from shardwise.cli.demo.places import SHARDS, ServerPlace
from shardwise.cli.demo.plan import make_plan
from shardwise.cli.demo.prices import prices_file, read_closes
from shardwise.testing.servers import MariaDBServer

ACCOUNTS = 10

Demo = Callable[..., Result]


@pytest.fixture
def demo(
    engine_kind: str, request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Demo]:
    """Runs the demo with few accounts, in an empty folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path / 'of_the_application.db'}")
    where: list[str] = []
    place = None
    if engine_kind == "mariadb":
        server: MariaDBServer = request.getfixturevalue("mariadb_server")
        place = ServerPlace(make_url(server.url("demo_global")))
        where = ["--url", server.url("demo_global")]
    yield lambda *more: CliRunner(env={"COLUMNS": "120"}).invoke(
        app, ["demo", "--accounts", str(ACCOUNTS), *where, *more], catch_exceptions=False
    )
    assert not (tmp_path / "of_the_application.db").exists()
    if place is not None:
        for url in (place.global_url(), *map(place.shard_url, SHARDS)):
            server.drop_database(str(url.database))


def test_story_ends_with_right_figures_and_can_be_told_again(demo: Demo) -> None:
    for _ in range(2):  # the second time over what the first has left
        result = demo()
        assert result.exit_code == 0, result.output
        assert result.stderr == ""
        assert "Made two shards" in result.stdout
        assert "Added shard 3 while the database was open" in result.stdout
        assert "2 logged in again" in result.stdout
        assert "2 watched an asset" in result.stdout
        assert "30 of 30 figures are right" in result.stdout
        assert "WRONG" not in result.stdout


def test_json_tells_the_same_to_a_program(demo: Demo) -> None:
    result = demo("--json")
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)
    assert told["ok"] is True
    assert all(figure["right"] for figure in told["figures"])
    assert sum(asset["alarms"] for asset in told["signals"]) == ACCOUNTS // 5
    accounts = {shard["shard_id"]: shard["accounts"] for shard in told["shards"]}
    assert sum(accounts.values()) == ACCOUNTS
    assert accounts[3] == ACCOUNTS // 5
    assert min(accounts[1], accounts[2]) >= ACCOUNTS // 5
    plan = make_plan(read_closes(prices_file()), ACCOUNTS)
    rows = sum(shard["rows"]["table_transactions"] for shard in told["shards"])
    assert rows == sum(len(investor.steps) for investor in plan)
    assert len({shard["revision"] for shard in told["shards"]}) == 1


@pytest.mark.parametrize("engine_kind", ["sqlite"], indirect=True)
def test_wrong_figure_is_named_and_fails(demo: Demo, monkeypatch: pytest.MonkeyPatch) -> None:
    def one_cent_more(investor: object) -> object:
        right = expect(investor)  # type: ignore[arg-type]
        if investor.name != "investor-0007":  # type: ignore[attr-defined]
            return right
        return replace(right, balance=right.balance + Decimal("0.01"))

    monkeypatch.setattr(run, "expect", one_cent_more)
    result = demo()
    assert result.exit_code == 1
    assert "28 of 30 figures are right" in result.stdout
    assert "WRONG" in result.stdout
    named, one = result.stderr.splitlines()
    assert named.startswith("shardwise: wrong figure: balances together: expected ")
    assert "balance of investor-0007: expected" in one


@pytest.mark.parametrize("engine_kind", ["sqlite"], indirect=True)
def test_database_of_somebody_else_stays(demo: Demo, tmp_path: Path) -> None:
    folder = tmp_path / "data" / "demo"
    folder.mkdir(parents=True)
    (folder / "shard_2.db").write_text("mine")
    result = demo()
    assert result.exit_code == 2
    assert "shard_2.db was not made by a demo" in result.stderr
    assert (folder / "shard_2.db").read_text() == "mine"


@pytest.mark.parametrize("engine_kind", ["mariadb"], indirect=True)
def test_server_database_of_somebody_else_stays(demo: Demo, mariadb_server: MariaDBServer) -> None:
    mariadb_server.create_database("demo_global_shard_2")
    mariadb_server.execute("CREATE TABLE precious (id INT)", database="demo_global_shard_2")
    result = demo()
    assert result.exit_code == 2
    assert "demo_global_shard_2 was not made by a demo" in result.stderr
    assert mariadb_server.password not in result.output
    assert mariadb_server.execute("SHOW TABLES", database="demo_global_shard_2") == [("precious",)]


@pytest.mark.parametrize("engine_kind", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--url", "sqlite:///x.db"), "--folder"),
        (("--url", "oracle://u:hidden@h/d"), "oracle"),
        (("--accounts", "3"), "accounts"),
        (("--url", "mysql://u:hidden@127.0.0.1:1/d"), "can't be reached"),
    ],
)
def test_argument_that_cannot_be_used(demo: Demo, arguments: tuple[str, ...], words: str) -> None:
    result = demo(*arguments)
    assert result.exit_code in (1, 2)
    assert words in result.stderr
    assert "hidden" not in result.output
