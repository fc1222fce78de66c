"""Names of locks."""

from shardwise.migrations.locks import lock_name


def test_each_database_has_its_own_lock() -> None:
    assert lock_name("shard_1") == "shardwise.migration.shard_1"
    assert lock_name("shard_1") != lock_name("shard_2")


def test_long_names_stay_apart_within_the_servers_limit() -> None:
    one, other = lock_name("x" * 63 + "1"), lock_name("x" * 63 + "2")
    assert one != other
    assert max(len(one), len(other)) <= 64
