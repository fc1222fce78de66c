"""Passwords: argon2id off the event loop, a few at a time, with the same work for unknown accounts."""

import asyncio
import base64
import os
import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Self, TypeVar

import argon2
from argon2.exceptions import InvalidHashError, VerificationError, VerifyMismatchError
from argon2.low_level import Type

from shardwise.errors import InvalidValueError

MAX_PASSWORD_BYTES = 1024
_SALT_BYTES = 16
_DIGEST_BYTES = 32
_PREFIX = "$argon2id$"

T = TypeVar("T")


class PasswordHasher:
    """Hashes and verifies passwords with argon2id (RFC 9106) in a few threads of its own.

    The default cost is the first choice of the OWASP password storage cheat sheet for servers: 19 MiB,
    two passes, one lane. At most `concurrency` hashes are computed at once, which bounds memory and
    leaves the event loop free; further calls wait. Threads start with the first call.

    Args:
        memory_kib: memory of one hash in KiB, 8 at least.
        time_cost: passes, 1 at least.
        parallelism: lanes, 1 at least.
        concurrency: hashes computed at once; by default the number of processors, 4 at most.
    """

    def __init__(
        self,
        *,
        memory_kib: int = 19 * 1024,
        time_cost: int = 2,
        parallelism: int = 1,
        concurrency: int | None = None,
    ) -> None:
        self._argon2 = argon2.PasswordHasher(
            time_cost=time_cost,
            memory_cost=memory_kib,
            parallelism=parallelism,
            hash_len=_DIGEST_BYTES,
            salt_len=_SALT_BYTES,
            type=Type.ID,
        )
        cost = f"m={memory_kib},t={time_cost},p={parallelism}"
        # Of no known password: what is verified for an account that doesn't exist.
        self._decoy = f"{_PREFIX}v=19${cost}${_random_base64(_SALT_BYTES)}${_random_base64(_DIGEST_BYTES)}"
        self._threads = ThreadPoolExecutor(
            max_workers=concurrency or min(4, os.cpu_count() or 1), thread_name_prefix="passwords"
        )

    async def hash(self, password: str) -> str:
        """Return a new salted hash in PHC format, 97 characters with the default cost.

        Raises:
            InvalidValueError: the password is empty, longer than 1,024 bytes in UTF-8, or not text.
        """
        secret = _encoded(password)
        if secret is None:
            raise InvalidValueError("password", f"it must have 1 to {MAX_PASSWORD_BYTES} bytes of valid text")
        return await self._in_thread(lambda: self._argon2.hash(secret))

    async def verify(self, password: str, stored: str | None) -> bool:
        """Return whether a password is the one behind a stored hash; never raises for a bad hash.

        Args:
            password: as entered; one that `hash` would refuse is wrong.
            stored: the hash, or None for an account that doesn't exist. That, and a hash of another
                format, costs the same time as a wrong password.
        """
        secret = _encoded(password)
        if secret is None:
            return False
        return await self._in_thread(lambda: self._verified(secret, stored))

    def needs_rehash(self, stored: str) -> bool:
        """Return whether a hash was made at another cost or in another format than this hasher's."""
        try:
            return self._argon2.check_needs_rehash(stored)
        except (InvalidHashError, ValueError):
            return True

    def _verified(self, secret: bytes, stored: str | None) -> bool:
        if stored is not None and stored.startswith(_PREFIX):
            try:
                return self._argon2.verify(stored, secret)
            except VerifyMismatchError:
                return False
            except (VerificationError, InvalidHashError, ValueError):
                pass  # unreadable, and refused before any work was done
        with suppress(VerifyMismatchError):
            self._argon2.verify(self._decoy, secret)
        return False

    async def _in_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)

    def close(self) -> None:
        """End the threads once they are idle; the hasher can't be used any more."""
        self._threads.shutdown(wait=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *details: object) -> None:
        self.close()


def _encoded(password: object) -> bytes | None:
    if not isinstance(password, str):
        return None
    try:
        secret = password.encode()
    except UnicodeEncodeError:  # a lone surrogate
        return None
    return secret if 1 <= len(secret) <= MAX_PASSWORD_BYTES else None


def _random_base64(length: int) -> str:
    return base64.b64encode(secrets.token_bytes(length)).decode().rstrip("=")
