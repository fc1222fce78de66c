"""Running a unit of work again when the database gave it up for a passing reason."""

from collections.abc import Awaitable, Callable, Coroutine
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from shardwise.errors import ShardwiseError
from shardwise.kit.retry import run_with_retry
from shardwise.topology.driver_errors import translate

P = ParamSpec("P")
T = TypeVar("T")


def is_retryable(error: BaseException) -> bool:
    """Return whether running the same unit of work again, whole, may help and can't apply it twice.

    Args:
        error: one of ours, or a driver's in SQLAlchemy's coat.
    """
    if isinstance(error, (DBAPIError, PoolTimeoutError)):
        error = translate(error)
    if getattr(error, "commit_outcome_unknown", False):
        return False
    return isinstance(error, ShardwiseError) and error.retryable


def with_db_retry(
    max_attempts: int = 3,
    backoff_factor: float = 2,
    *,
    first_pause: float = 0.1,
    longest_pause: float = 5.0,
    deadline: float | None = None,
) -> Callable[[Callable[P, Awaitable[T]]], Callable[P, Coroutine[Any, Any, T]]]:
    """Decorate an async function so that it runs again, whole, when the database gave it up.

    The function must open its session inside, so that each run is a new transaction:

        @with_db_retry(max_attempts=3, backoff_factor=2)
        async def sign_up(email: str) -> User:
            async with manager.session() as session:
                return await UserRepository(session).create(User(email=email))

    Run again after: errors whose `retryable` is true, and a driver's deadlock (1213), lock timeout (1205),
    lost or refused connection, or SQLite's "database is locked". Never after: `CommitOutcomeUnknownError`,
    or any error with a true attribute `commit_outcome_unknown`.

    The limit of this simple form: it knows of a COMMIT only what the error says. A function that commits
    by itself on a bare SQLAlchemy session gets a plain lost connection from it and would be run again.
    Use the sessions and transactions of this library, which tell the two apart, and don't let the function
    do anything outside of its transaction that mustn't happen twice.

    Args:
        max_attempts: runs in all, 1 or more.
        backoff_factor: how much longer each pause is than the one before, 1 or more.
        first_pause: seconds before the second run; up to as much again is added at random.
        longest_pause: seconds that a pause is at most.
        deadline: seconds after which no further run is started; None = no limit.

    Raises:
        DatabaseConnectionError: after the last run; `attempts` is in its notes.
        TransientDatabaseError: likewise, after deadlocks and lock timeouts.
        Exception: any other error, at once and as it is.
    """

    def decorate(function: Callable[P, Awaitable[T]]) -> Callable[P, Coroutine[Any, Any, T]]:
        @wraps(function)
        async def run(*args: P.args, **kwargs: P.kwargs) -> T:
            async def once() -> T:
                try:
                    return await function(*args, **kwargs)
                except (DBAPIError, PoolTimeoutError) as error:
                    if not is_retryable(error):
                        raise
                    raise translate(error) from error

            return await run_with_retry(
                once,
                name=f"{function.__module__}.{function.__qualname__}",
                should_retry=is_retryable,
                max_attempts=max_attempts,
                backoff_factor=backoff_factor,
                first_pause=first_pause,
                longest_pause=longest_pause,
                deadline=deadline,
            )

        return run

    return decorate
