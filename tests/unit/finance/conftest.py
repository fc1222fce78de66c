from collections.abc import Iterator

import pytest

from shardwise.database import ShardedDatabase
from shardwise.finance.identity.service import IdentityService
from shardwise.finance.identity.values import SignUp
from shardwise.security.passwords import PasswordHasher


@pytest.fixture
def hasher() -> Iterator[PasswordHasher]:
    """A hasher that costs next to nothing."""
    with PasswordHasher(memory_kib=8, time_cost=1, concurrency=2) as cheap:
        yield cheap


@pytest.fixture
def identity(db: ShardedDatabase, hasher: PasswordHasher) -> IdentityService:
    return IdentityService(db, hasher=hasher)


@pytest.fixture
async def account(identity: IdentityService) -> int:
    """The key of a new account."""
    request = SignUp(account_id="holder", password="secret", nickname="Holder")
    return (await identity.sign_up(request)).account_db_key
