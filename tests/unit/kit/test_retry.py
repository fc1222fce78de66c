import asyncio
import logging
import time

import pytest

from shardwise.errors import InvalidValueError
from shardwise.kit.retry import run_with_retry


class PassingError(Exception):
    pass


class Flaky:
    """Fails a number of times, then answers."""

    def __init__(self, failures: int, error: type[Exception] = PassingError) -> None:
        self.failures = failures
        self.error = error
        self.times: list[float] = []

    async def __call__(self) -> str:
        self.times.append(time.monotonic())
        if len(self.times) <= self.failures:
            raise self.error(f"failure {len(self.times)}")
        return "answer"


async def run(function: Flaky, **options: object) -> str:
    return await run_with_retry(
        function,
        name="test",
        should_retry=lambda error: isinstance(error, PassingError),
        **{"first_pause": 0.001, **options},  # type: ignore[arg-type]
    )


async def test_success_at_once_is_one_call() -> None:
    flaky = Flaky(0)
    assert await run(flaky) == "answer"
    assert len(flaky.times) == 1


async def test_passing_errors_are_called_again() -> None:
    flaky = Flaky(2)
    assert await run(flaky, max_attempts=3) == "answer"
    assert len(flaky.times) == 3


async def test_the_last_error_says_how_often_it_was_tried() -> None:
    flaky = Flaky(9)
    with pytest.raises(PassingError, match="failure 3") as caught:
        await run(flaky, max_attempts=3)
    assert len(flaky.times) == 3
    assert caught.value.__notes__ == ["attempts: 3"]


async def test_other_errors_leave_at_once() -> None:
    flaky = Flaky(9, LookupError)
    with pytest.raises(LookupError, match="failure 1") as caught:
        await run(flaky)
    assert len(flaky.times) == 1
    assert not hasattr(caught.value, "__notes__")


async def test_pauses_grow_and_are_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []

    async def note_pause(seconds: float) -> None:
        pauses.append(seconds)

    monkeypatch.setattr(asyncio, "sleep", note_pause)
    await run(Flaky(4), max_attempts=5, first_pause=0.02, backoff_factor=3, longest_pause=0.1)
    first, second, third, fourth = pauses
    assert 0.02 <= first <= 0.04
    assert 0.06 <= second <= 0.08
    assert (third, fourth) == (0.1, 0.1)


async def test_no_call_is_begun_after_the_deadline() -> None:
    flaky = Flaky(99)
    began = time.monotonic()
    with pytest.raises(PassingError):
        await run(flaky, max_attempts=99, first_pause=0.05, backoff_factor=1, deadline=0.2)
    assert time.monotonic() - began < 0.5
    assert 1 < len(flaky.times) < 6


async def test_arguments_are_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    flaky, secret = Flaky(1), "hunter2"

    async def sign_up(password: str) -> str:
        return await flaky()

    with caplog.at_level(logging.DEBUG):
        await run_with_retry(
            lambda: sign_up(secret), name="shop.sign_up", should_retry=lambda error: True, first_pause=0.001
        )
    records = [str(vars(record)) for record in caplog.records]
    assert any("shop.sign_up" in record for record in records), records
    assert not any(secret in record for record in records)


async def test_numbers_out_of_range_are_refused() -> None:
    with pytest.raises(InvalidValueError, match="max_attempts"):
        await run(Flaky(0), max_attempts=0)
    with pytest.raises(InvalidValueError, match="backoff_factor"):
        await run(Flaky(0), backoff_factor=0.5)
