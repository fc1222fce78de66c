"""Identifiers made by the client, unique across shards, ordered by time."""

import os
import secrets
import threading
import time
from collections.abc import Callable

import uuid_utils

_EPOCH_MS = 1_577_836_800_000  # 2020-01-01T00:00:00Z
_NODE_BITS = 12
_SEQUENCE_BITS = 10
_MAX_SEQUENCE = (1 << _SEQUENCE_BITS) - 1
_TIME_BITS = 41


def _wall_clock_ms() -> int:
    return time.time_ns() // 1_000_000


class TimeOrderedIds:
    """Make 63-bit ids: 41 bits of milliseconds since 2020, 12 bits of node, 10 bits of sequence.

    Within one instance ids rise strictly, also when the wall clock steps back or more than 1,024 are
    asked for in a millisecond (the sequence then borrows from the next one). Two processes differ by
    their node, which is random unless given; shard tables lead their primary key with
    `account_db_key`, so two nodes would have to draw the same number, in the same millisecond, for the
    same account to collide, and then the database refuses the second row. The layout is Snowflake's
    (Twitter, 2010) with other widths. Good until 2089.

    Args:
        node: 0 to 4095, or None to draw one at random.
        clock: milliseconds since 1970; for tests.

    Raises:
        ValueError: `node` is out of range.
    """

    def __init__(self, node: int | None = None, clock: Callable[[], int] = _wall_clock_ms) -> None:
        if node is not None and not 0 <= node < 1 << _NODE_BITS:
            raise ValueError(f"node must be from 0 to {(1 << _NODE_BITS) - 1}, not {node}")
        self._node = secrets.randbelow(1 << _NODE_BITS) if node is None else node
        self._clock = clock
        self._last = 0
        self._random_node = node is None
        self._lock = threading.Lock()
        os.register_at_fork(after_in_child=self._start_anew)

    def _start_anew(self) -> None:
        self._lock = threading.Lock()  # another thread of the parent may have held the old one
        if self._random_node:
            self._node = secrets.randbelow(1 << _NODE_BITS)

    def next(self) -> int:
        """Return the next id, from 1 to 2**63 - 1.

        Raises:
            OverflowError: the clock is outside 2020 to 2089.
        """
        now = (self._clock() - _EPOCH_MS) << _SEQUENCE_BITS
        with self._lock:
            tick = max(now, self._last + 1)
            if now < 0 or tick >> _SEQUENCE_BITS >= 1 << _TIME_BITS:
                raise OverflowError("the clock is outside 2020 to 2089, ids can't be ordered by time")
            self._last = tick
        millisecond, sequence = tick >> _SEQUENCE_BITS, tick & _MAX_SEQUENCE
        return (millisecond << _NODE_BITS | self._node) << _SEQUENCE_BITS | sequence


_ids = TimeOrderedIds()


def new_id() -> int:
    """Return a new 64-bit id (positive, signed range) that sorts by time."""
    return _ids.next()


def new_text_id() -> str:
    """Return a new UUIDv7 (RFC 9562) as 32 hexadecimal digits, which sort by time."""
    return uuid_utils.uuid7().hex
