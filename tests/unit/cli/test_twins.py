"""Whether two addresses lead to one database."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy.engine import make_url

from shardwise.cli.twins import find_twin, same_address
from shardwise.testing.servers import MariaDBServer
from shardwise.topology.manager import DatabaseManager


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("mysql+asyncmy://a:b@h/x", "mysql+asyncmy://c:d@H:3306/x", True),
        ("mysql+asyncmy://a@h/x", "mariadb+asyncmy://a@h/x", True),
        ("mysql+asyncmy://a@h/x", "mysql+asyncmy://a@h/y", False),
        ("mysql+asyncmy://a@h/x", "mysql+asyncmy://a@h:3307/x", False),
        ("mysql+asyncmy://a@h/x", "sqlite+aiosqlite:///x", False),
        ("sqlite+aiosqlite:////t/x.db", "sqlite+aiosqlite:////t/../t/x.db", True),
        ("sqlite+aiosqlite:////t/x.db", "sqlite+aiosqlite:////t/y.db", False),
    ],
)
def test_addresses_as_they_are_written(one: str, other: str, same: bool) -> None:
    assert same_address(make_url(one), make_url(other)) is same
    assert same_address(make_url(other), make_url(one)) is same


def test_hard_link_is_the_same_file(tmp_path: Path) -> None:
    (tmp_path / "a.db").touch()
    (tmp_path / "b.db").hardlink_to(tmp_path / "a.db")
    one, other = (make_url(f"sqlite:///{tmp_path / name}") for name in ("a.db", "b.db"))
    assert same_address(one, other)


@pytest.fixture
async def managers(mariadb_server: MariaDBServer) -> AsyncIterator[dict[str, DatabaseManager]]:
    """The same database under two host names, another one, a file, and one that is down."""
    url, other = make_url(mariadb_server.create_database()), make_url(mariadb_server.create_database())
    urls = {
        "candidate": url,
        "same": url.set(host="localhost"),
        "other": other,
        "down": url.set(host="localhost", port=1),
        "file": make_url("sqlite+aiosqlite:///x.db"),
    }
    made = {name: DatabaseManager(address, name=name) for name, address in urls.items()}
    yield made
    for manager in made.values():
        await manager.close()
    for address in (url, other):
        mariadb_server.drop_database(str(address.database))


async def test_other_host_name_leads_to_the_same_database(managers: dict[str, DatabaseManager]) -> None:
    found = await find_twin(managers["candidate"], [managers["other"], managers["same"]])
    assert found.name == "same"


async def test_other_database_of_the_same_server_is_none(managers: dict[str, DatabaseManager]) -> None:
    others = [managers["other"], managers["file"], managers["down"]]
    found = await find_twin(managers["candidate"], others)
    assert found.name is None
    assert found.unasked == ("down",)
