"""A bounded map of placements with a time to live, cheap enough for a million look-ups a second."""

import time
from collections.abc import Callable

from shardwise.routing.placement import Placement


class PlacementCache:
    """Two generations of a dictionary instead of a clock and a list in every entry.

    New entries go into the young generation. When it is half a time to live old, or holds half of the
    capacity, it becomes the old one and the old one is dropped. So an entry lives between half and one
    time to live, never longer, and an entry costs no more than its place in a dictionary: placements are
    shared between accounts.

    Args:
        capacity: entries at most; 0 and 1 keep nothing.
        ttl: seconds that an entry may be served.
        clock: a monotonic clock in seconds; for tests.
    """

    __slots__ = ("_clock", "_half_capacity", "_half_ttl", "_known", "_old", "_rotate_at", "_young")

    def __init__(self, capacity: int, ttl: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._half_capacity = capacity // 2
        self._half_ttl = ttl / 2
        self._clock = clock
        self._young: dict[int, Placement] = {}
        self._old: dict[int, Placement] = {}
        self._known: dict[Placement, Placement] = {}
        self._rotate_at = clock() + self._half_ttl

    def __len__(self) -> int:
        return len(self._young) + len(self._old)

    def get(self, account_db_key: int) -> Placement | None:
        """Return a placement that was put in less than a time to live ago."""
        if self._clock() >= self._rotate_at:
            self._expire()
        return self._young.get(account_db_key) or self._old.get(account_db_key)

    def put(self, account_db_key: int, placement: Placement) -> None:
        """Keep a placement."""
        if not self._half_capacity:
            return
        if self._clock() >= self._rotate_at:
            self._expire()
        if len(self._young) >= self._half_capacity:
            self._rotate()
        self._old.pop(account_db_key, None)
        self._young[account_db_key] = self._known.setdefault(placement, placement)

    def drop(self, account_db_key: int) -> None:
        """Forget one account."""
        self._young.pop(account_db_key, None)
        self._old.pop(account_db_key, None)

    def clear(self) -> None:
        """Forget everything."""
        self._young, self._old, self._known = {}, {}, {}

    def _expire(self) -> None:
        """Make room for a new generation; the young one's age counts from its start, however late this is."""
        now, began = self._clock(), self._rotate_at
        if now >= began + self._half_ttl:
            self._young, began = {}, now  # nobody looked for so long that both generations are too old
        self._old, self._young = self._young, {}
        self._rotate_at = began + self._half_ttl

    def _rotate(self) -> None:
        self._old, self._young = self._young, {}
        self._rotate_at = self._clock() + self._half_ttl
