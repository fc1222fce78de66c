from datetime import UTC, datetime, timedelta

from shardwise.kit.clock import utc_now


def test_now_is_aware_and_in_utc() -> None:
    now = utc_now()
    assert now.tzinfo is UTC
    assert abs(now - datetime.now(UTC)) < timedelta(seconds=5)


def test_now_has_microseconds() -> None:
    assert any(utc_now().microsecond % 1000 for _ in range(1000))
