from types import SimpleNamespace
from typing import Any

import pytest

from shardwise.errors import UnknownShardError
from shardwise.legacy.session_routing import checked_shard, shard_of_session


def _client(shard_id: Any) -> SimpleNamespace:
    return SimpleNamespace(session=SimpleNamespace(shard_id=shard_id))


@pytest.mark.parametrize(
    ("client_session", "shard_id"),
    [
        (None, None),
        (SimpleNamespace(), None),
        (SimpleNamespace(session=None), None),
        (SimpleNamespace(session=SimpleNamespace()), None),
        (_client(None), None),
        (_client(0), None),
        (_client(""), None),
        (_client("0"), None),
        (_client(2), 2),
        (_client("2"), 2),
        (_client(99), 99),
        (SimpleNamespace(session={"shard_id": 2}), 2),
        (SimpleNamespace(session={}), None),
        ({"session": {"shard_id": 2}}, 2),
        ({"session": SimpleNamespace(shard_id=2)}, 2),
        ({"session": None}, None),
        ({}, None),
        (SimpleNamespace(shard_id=2), 2),
        ({"shard_id": 2}, 2),
    ],
)
def test_a_session_names_its_database(client_session: Any, shard_id: int | None) -> None:
    assert shard_of_session(client_session) == shard_id


@pytest.mark.parametrize("odd", ["two", 1.5, b"1", [1], "-1", True, False, 0.0])
def test_what_is_no_shard_is_never_the_global_database(odd: Any) -> None:
    with pytest.raises(UnknownShardError):
        shard_of_session(_client(odd))


@pytest.mark.parametrize("odd", [None, "", "x", True, 1.0])
def test_a_shard_has_a_number(odd: Any) -> None:
    with pytest.raises(UnknownShardError):
        checked_shard(odd)
