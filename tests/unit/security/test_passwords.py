import asyncio
import statistics
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from shardwise.errors import InvalidValueError
from shardwise.security.passwords import MAX_PASSWORD_BYTES, PasswordHasher

UNREADABLE = [
    "",
    "plain text",
    "$2b$12$KIXQ4Z5x1q0k8yqvY3n1peXbIvQw1Z9hSgH5v0bN3o1m2p3q4r5s6",  # bcrypt
    "$argon2id$",
    "$argon2id$v=19$m=8,t=1,p=1$aaaa$bbbb",
    "$argon2id$v=99$m=8,t=1,p=1$aaaaaaaaaaaaaaaaaaaaaa$bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb",
    "$argon2id$v=19$m=8,t=0,p=1$aaaaaaaaaaaaaaaaaaaaaa$bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb",
    "$argon2id$é\U0001f511",
]


@pytest.fixture
def cheap() -> Iterator[PasswordHasher]:
    with PasswordHasher(memory_kib=8, time_cost=1) as hasher:
        yield hasher


@pytest.fixture
def real() -> Iterator[PasswordHasher]:
    with PasswordHasher() as hasher:
        yield hasher


async def test_a_hash_is_argon2id_of_the_recommended_cost_and_fits_its_column(real: PasswordHasher) -> None:
    stored = await real.hash("correct horse")
    assert stored.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert len(stored) == 97
    assert await real.verify("correct horse", stored)
    assert not await real.verify("Correct horse", stored)
    assert not real.needs_rehash(stored)


async def test_the_same_password_never_hashes_the_same(cheap: PasswordHasher) -> None:
    assert await cheap.hash("same") != await cheap.hash("same")


@pytest.mark.parametrize("password", ["x", "비밀번호", "\U0001f511" * 256, " ", "'; DROP TABLE a --", "a\0b"])
async def test_any_text_is_a_password(cheap: PasswordHasher, password: str) -> None:
    stored = await cheap.hash(password)
    assert await cheap.verify(password, stored)
    assert not await cheap.verify(password[:-1] or "y", stored)


@pytest.mark.parametrize("password", ["", "x" * (MAX_PASSWORD_BYTES + 1), "\U0001f511" * 257, "\ud800"])
async def test_what_is_no_password_is_refused_and_never_repeated(
    cheap: PasswordHasher, password: str
) -> None:
    with pytest.raises(InvalidValueError, match=r"^password: it must have 1 to 1024 bytes") as caught:
        await cheap.hash(password)
    assert caught.value.field == "password"
    assert not password or password not in str(caught.value)
    assert not await cheap.verify(password, await cheap.hash("other"))
    assert not await cheap.verify(password, None)


@pytest.mark.parametrize("password", [None, b"secret", 5, ["secret"]])
async def test_what_is_no_text_is_no_password(cheap: PasswordHasher, password: Any) -> None:
    with pytest.raises(InvalidValueError, match=r"^password: "):
        await cheap.hash(password)
    assert not await cheap.verify(password, await cheap.hash("secret"))
    assert not await cheap.verify(password, None)


@pytest.mark.parametrize("stored", UNREADABLE)
async def test_an_unreadable_hash_is_wrong_and_due_for_another(cheap: PasswordHasher, stored: str) -> None:
    assert not await cheap.verify("anything", stored)
    assert cheap.needs_rehash(stored)


async def test_a_hash_of_another_cost_still_verifies_and_is_due_for_another(
    cheap: PasswordHasher, real: PasswordHasher
) -> None:
    stored = await cheap.hash("secret")
    assert await real.verify("secret", stored)
    assert real.needs_rehash(stored)
    assert not cheap.needs_rehash(stored)


async def test_an_unknown_account_costs_the_time_of_a_wrong_password(real: PasswordHasher) -> None:
    stored = await real.hash("secret")
    seconds: dict[str | None, list[float]] = {stored: [], None: [], "unreadable": [], "$argon2id$": []}
    for _ in range(7):
        for each, times in seconds.items():
            begin = time.process_time_ns()
            assert not await real.verify("wrong", each)
            times.append(time.process_time_ns() - begin)
    wrong = statistics.median(seconds.pop(stored))
    for other, times in seconds.items():
        assert 0.6 < statistics.median(times) / wrong < 1.7, other


async def test_the_event_loop_runs_on_while_few_threads_hash() -> None:
    longest = 0.0
    done = False

    async def watch() -> None:
        nonlocal longest
        while not done:
            before = time.thread_time()
            await asyncio.sleep(0)
            longest = max(longest, time.thread_time() - before)
            await asyncio.sleep(0.001)

    with PasswordHasher(concurrency=2) as hasher:
        watcher = asyncio.create_task(watch())
        stored = await asyncio.gather(*(hasher.hash(f"password {n}") for n in range(12)))
        workers = [t for t in threading.enumerate() if t.name.startswith("passwords")]
        done = True
        await watcher
    assert len(set(stored)) == 12
    assert len(workers) == 2
    assert longest < 0.010  # CPU of the loop's own thread; a hash takes twice that


async def test_a_closed_hasher_ends_its_threads_and_refuses_work() -> None:
    hasher = PasswordHasher(memory_kib=8, time_cost=1)
    stored = await hasher.hash("secret")
    hasher.close()
    with pytest.raises(RuntimeError, match="shutdown"):
        await hasher.verify("secret", stored)
