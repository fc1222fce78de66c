from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shardwise.routing.cache import PlacementCache
from shardwise.routing.placement import Placement

TTL = 60.0


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


MakeCache = Callable[..., PlacementCache]


@pytest.fixture
def make(clock: Clock) -> MakeCache:
    def made(capacity: int = 100, ttl: float = TTL) -> PlacementCache:
        return PlacementCache(capacity, ttl, clock)

    return made


def test_what_was_put_in_is_found(make: MakeCache) -> None:
    cache = make()
    cache.put(5, Placement(2))
    assert cache.get(5) == Placement(2)
    assert cache.get(6) is None
    assert len(cache) == 1


def test_the_newest_counts_also_over_generations(make: MakeCache, clock: Clock) -> None:
    cache = make()
    cache.put(5, Placement(1))
    clock.now += TTL / 2
    cache.put(5, Placement(2, epoch=2))
    assert cache.get(5) == Placement(2, epoch=2)
    assert len(cache) == 1


def test_an_entry_lives_half_a_time_at_least_and_one_time_at_most(make: MakeCache, clock: Clock) -> None:
    cache = make()
    cache.put(5, Placement(1))
    clock.now += TTL / 2
    assert cache.get(5) is not None
    clock.now += TTL / 2 - 0.001
    assert cache.get(5) is not None
    clock.now += 0.001
    assert cache.get(5) is None


def test_a_late_look_does_not_prolong_an_entry(make: MakeCache, clock: Clock) -> None:
    cache = make()
    cache.put(5, Placement(1))
    clock.now += TTL * 0.9  # nobody looked for most of a time to live
    assert cache.get(5) is not None
    clock.now += TTL * 0.2
    assert cache.get(5) is None


def test_dropping_and_clearing(make: MakeCache, clock: Clock) -> None:
    cache = make()
    cache.put(5, Placement(1))
    clock.now += TTL / 2
    cache.put(6, Placement(1))
    cache.drop(5)
    cache.drop(7)
    assert (cache.get(5), cache.get(6)) == (None, Placement(1))
    cache.put(5, Placement(1))
    cache.clear()
    assert (cache.get(5), cache.get(6), len(cache)) == (None, None, 0)


def test_the_newest_half_survives_a_full_cache(make: MakeCache) -> None:
    cache = make(capacity=10)
    for key in range(1000):
        cache.put(key, Placement(1))
        assert len(cache) <= 10
    assert all(cache.get(key) is not None for key in range(995, 1000))


@pytest.mark.parametrize("capacity", [0, 1])
def test_a_cache_without_room_keeps_nothing(make: MakeCache, capacity: int) -> None:
    cache = make(capacity=capacity)
    cache.put(5, Placement(1))
    assert (cache.get(5), len(cache)) == (None, 0)


def test_accounts_share_equal_placements(make: MakeCache) -> None:
    cache = make()
    for key in range(10):
        cache.put(key, Placement(3, epoch=2))
    assert len({id(cache.get(key)) for key in range(10)}) == 1


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("put"), st.integers(0, 8), st.integers(1, 3)),
        st.tuples(st.just("get"), st.integers(0, 8)),
        st.tuples(st.just("drop"), st.integers(0, 8)),
        st.tuples(st.just("wait"), st.floats(0, 100)),
        st.tuples(st.just("clear")),
    ),
    max_size=60,
)


@settings(max_examples=400, deadline=None)
@given(steps=STEPS, capacity=st.integers(0, 7))
def test_it_never_serves_what_is_old_dropped_or_too_much(steps: list[tuple], capacity: int) -> None:  # type: ignore[type-arg]
    clock = Clock()
    cache = PlacementCache(capacity, TTL, clock)
    truth: dict[int, tuple[Placement, float]] = {}
    for step in steps:
        match step:
            case "put", key, shard_id:
                cache.put(key, Placement(shard_id))
                truth[key] = Placement(shard_id), clock.now
            case "drop", key:
                cache.drop(key)
                truth.pop(key, None)
            case "wait", seconds:
                clock.now += seconds
            case ("clear",):
                cache.clear()
                truth.clear()
            case "get", key:
                served = cache.get(key)
                if served is not None:
                    placement, since = truth[key]
                    assert served == placement
                    assert clock.now - since <= TTL
        assert len(cache) <= capacity
    if capacity >= 2 and steps and steps[-1][0] == "put":
        assert cache.get(steps[-1][1]) == Placement(steps[-1][2]), "what was just put in is there"
