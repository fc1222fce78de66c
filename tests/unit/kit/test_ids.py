import os
import re
import signal
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from shardwise.kit.ids import TimeOrderedIds, new_id, new_text_id

EPOCH_MS = 1_577_836_800_000
LAST_MS = EPOCH_MS + (1 << 41) - 1


class Clock:
    def __init__(self, now: int = EPOCH_MS + 1_000) -> None:
        self.now = now

    def __call__(self) -> int:
        return self.now


def fields(value: int) -> tuple[int, int, int]:
    """Milliseconds since 2020, node and sequence of an id."""
    return value >> 22, value >> 10 & 0xFFF, value & 0x3FF


def test_fields_of_an_id() -> None:
    ids = TimeOrderedIds(node=7, clock=Clock(EPOCH_MS + 5))
    assert [fields(ids.next()) for _ in range(3)] == [(5, 7, 0), (5, 7, 1), (5, 7, 2)]


def test_ids_rise_strictly_within_a_millisecond_and_beyond_its_sequence() -> None:
    clock = Clock()
    ids = TimeOrderedIds(node=1, clock=clock)
    made = [ids.next() for _ in range(3_000)]
    assert made == sorted(set(made))
    assert fields(made[1_023]) == (1_000, 1, 1_023)
    assert fields(made[1_024]) == (1_001, 1, 0), "the sequence borrows from the next millisecond"
    clock.now += 1  # the borrowed milliseconds are not reached yet
    assert ids.next() > made[-1]


def test_ids_rise_when_the_clock_steps_back() -> None:
    clock = Clock(EPOCH_MS + 10_000_000)
    ids = TimeOrderedIds(node=1, clock=clock)
    before = ids.next()
    clock.now -= 3_600_000
    after = [ids.next() for _ in range(10)]
    assert [before, *after] == sorted({before, *after})
    clock.now += 7_200_000
    assert fields(ids.next())[0] == 13_600_000, "back to the wall clock once it has caught up"


def test_ids_of_many_threads_are_different_and_each_thread_sees_them_rise() -> None:
    ids = TimeOrderedIds()
    barrier = threading.Barrier(8)

    def make(_: int) -> list[int]:
        barrier.wait()
        return [ids.next() for _ in range(2_000)]

    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(make, range(8)))
    assert all(mine == sorted(mine) for mine in made)
    assert len({one for mine in made for one in mine}) == 16_000


def ids_of_a_child(make: Callable[[], object]) -> list[str]:
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        signal.alarm(10)  # a child that waits for ever fails the test
        try:
            os.write(write, "\n".join(str(make()) for _ in range(50)).encode())
        finally:
            os._exit(0)
    os.close(write)
    with os.fdopen(read) as answers:
        said = answers.read().split("\n")
    os.waitpid(child, 0)
    return said


def test_a_forked_child_draws_a_node_of_its_own() -> None:
    ids = TimeOrderedIds(clock=Clock())
    nodes = {fields(ids.next())[1]}
    for _ in range(4):  # one child alone could draw its parent's node, once in 4,096
        nodes |= {fields(int(one))[1] for one in ids_of_a_child(ids.next)}
    assert len(nodes) > 1


def test_a_forked_child_can_use_ids_whose_lock_was_held() -> None:
    ids = TimeOrderedIds(node=3)
    with ids._lock:
        assert len(ids_of_a_child(ids.next)) == 50


def test_text_ids_of_a_forked_child_differ() -> None:
    theirs = set(ids_of_a_child(new_text_id))
    assert len(theirs) == 50
    assert not theirs & {new_text_id() for _ in range(50)}


def test_node_out_of_range() -> None:
    TimeOrderedIds(node=0)
    TimeOrderedIds(node=4095)
    for node in (-1, 4096):
        with pytest.raises(ValueError, match=f"from 0 to 4095, not {node}"):
            TimeOrderedIds(node=node)


def test_the_first_and_the_last_id() -> None:
    assert TimeOrderedIds(node=0, clock=Clock(EPOCH_MS)).next() == 1
    clock = Clock(LAST_MS)
    last = TimeOrderedIds(node=4095, clock=clock)
    made = [last.next() for _ in range(1_024)]
    assert made[-1] == 2**63 - 1
    with pytest.raises(OverflowError, match="2020 to 2089"):
        last.next()


@pytest.mark.parametrize("now", [0, EPOCH_MS - 1, LAST_MS + 1])
def test_a_clock_out_of_range_is_refused(now: int) -> None:
    ids = TimeOrderedIds(node=0, clock=Clock(now))
    for _ in range(2):
        with pytest.raises(OverflowError, match="the clock is outside 2020 to 2089"):
            ids.next()


def test_a_clock_out_of_range_spoils_nothing() -> None:
    clock = Clock()
    ids = TimeOrderedIds(node=0, clock=clock)
    ids.next()
    clock.now = LAST_MS + 1
    with pytest.raises(OverflowError):
        ids.next()
    clock.now = EPOCH_MS + 2_000
    assert fields(ids.next()) == (2_000, 0, 0)


def test_new_id() -> None:
    made = [new_id() for _ in range(2_000)]
    assert made == sorted(set(made))
    assert 0 < made[0] < 2**63


def test_new_text_id_is_a_version_7_uuid_that_sorts_by_time() -> None:
    made = [new_text_id() for _ in range(2_000)]
    assert made == sorted(set(made))
    assert re.fullmatch(r"[0-9a-f]{12}7[0-9a-f]{3}[89ab][0-9a-f]{15}", made[0])
