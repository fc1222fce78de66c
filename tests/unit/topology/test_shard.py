from types import MappingProxyType

import pytest
from sqlalchemy.engine import make_url

from shardwise.config import PoolSettings
from shardwise.errors import ShardConfigurationError, UnknownShardError
from shardwise.schema.control import ShardStatus
from shardwise.topology.shard import Shard, Topology

URL = make_url("mysql+asyncmy://u:secret@h:3306/d")


def shard(shard_id: int, **changes: object) -> Shard:
    values = {"name": f"s{shard_id}", "url": URL, "pool": PoolSettings()} | changes
    return Shard(shard_id=shard_id, **values)  # type: ignore[arg-type]


def test_a_shard_does_not_print_its_password() -> None:
    assert "secret" not in repr(shard(1))
    assert shard(1).title == "shard 1 (s1)"


def test_the_same_address() -> None:
    assert shard(1).same_address(shard(1, name="renamed", weight=5, status=ShardStatus.DISABLED))
    assert not shard(1).same_address(shard(1, url=URL.set(password="other")))
    assert not shard(1).same_address(shard(1, url=URL.set(host="other")))
    assert not shard(1).same_address(shard(1, pool=PoolSettings(pool_size=3)))


def test_a_topology_finds_shards() -> None:
    broken = ShardConfigurationError(3, "no host")
    topology = Topology(
        shards=MappingProxyType({1: shard(1), 2: shard(2, status=ShardStatus.MAINTENANCE)}),
        broken=MappingProxyType({3: broken}),
    )
    assert topology.shard(1).name == "s1"
    assert [one.shard_id for one in topology.active] == [1]
    with pytest.raises(ShardConfigurationError) as caught:
        topology.shard(3)
    assert caught.value is broken
    with pytest.raises(UnknownShardError, match="shard 4"):
        topology.shard(4)
    assert Topology().active == ()
