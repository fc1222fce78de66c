"""Running a whole function again, with pauses that grow, when it failed for a passing reason."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

import stamina

from shardwise.errors import InvalidValueError, note

T = TypeVar("T")


async def run_with_retry(
    function: Callable[[], Awaitable[T]],
    *,
    name: str,
    should_retry: Callable[[Exception], bool],
    max_attempts: int = 3,
    backoff_factor: float = 2,
    first_pause: float = 0.1,
    longest_pause: float = 5.0,
    deadline: float | None = None,
) -> T:
    """Call an async function until it succeeds, fails for good, or has been called often enough.

    Args:
        function: what to call; it is called anew each time.
        name: what logs call it, such as "shop.orders.place_order". Its arguments are never logged.
        should_retry: says of an error whether another call can help.
        max_attempts: calls in all, 1 or more.
        backoff_factor: how much longer each pause is than the one before, 1 or more.
        first_pause: seconds before the second call; up to as much again is added at random.
        longest_pause: seconds that a pause is at most.
        deadline: seconds after which no further call is started; None = no limit.

    Raises:
        Exception: the last call's error, with `attempts` in its notes if there was more than one.
        InvalidValueError: a number is out of its range.
    """
    _check(max_attempts=max_attempts, backoff_factor=backoff_factor)
    attempts = 0

    async def attempt() -> T:
        nonlocal attempts
        attempts += 1
        return await function()

    attempt.__module__, _, attempt.__qualname__ = name.rpartition(".")
    again = stamina.retry(
        on=should_retry,
        attempts=max_attempts,
        timeout=deadline,
        wait_initial=first_pause,
        wait_max=longest_pause,
        wait_jitter=first_pause,
        wait_exp_base=backoff_factor,
    )
    try:
        return await again(attempt)()
    except Exception as error:
        if attempts > 1:
            note(error, attempts=attempts)
        raise


def _check(*, max_attempts: int, backoff_factor: float) -> None:
    if max_attempts < 1:
        raise InvalidValueError("max_attempts", f"{max_attempts} is not 1 or more")
    if backoff_factor < 1:
        raise InvalidValueError("backoff_factor", f"{backoff_factor} is not 1 or more")
