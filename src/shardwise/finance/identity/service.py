"""Signing up, logging in and out.

A sign-up is one transaction in the global database (account, directory, statistics) and then a step on
the shard that can be repeated. Whatever dies between the two, the next login finishes it.
"""

import logging
from dataclasses import replace
from datetime import datetime

from shardwise.database import ShardedDatabase
from shardwise.errors import (
    AuthenticationError,
    DatabaseError,
    EntityNotFoundError,
    TopologyError,
)
from shardwise.finance.identity.blocking import refuse_blocked
from shardwise.finance.identity.homes import give_home
from shardwise.finance.identity.models import Account
from shardwise.finance.identity.repository import AccountRepository, Credentials, HomeRepository
from shardwise.finance.identity.signing_up import Created, create_account
from shardwise.finance.identity.values import LoggedIn, NewAccount, SignedUp, SignUp, check_platform
from shardwise.finance.ledger.repository import LedgerAccountRepository
from shardwise.kit.clock import utc_now
from shardwise.routing.directory import check_key
from shardwise.routing.placement import Placement
from shardwise.schema.control import PlacementState
from shardwise.security.passwords import PasswordHasher

_log = logging.getLogger(__name__)


class IdentityService:
    """Accounts of the trading platform.

    Args:
        db: an open database.
        hasher: hashes passwords; by default one of its own at the recommended cost.
    """

    def __init__(self, db: ShardedDatabase, *, hasher: PasswordHasher | None = None) -> None:
        self._db = db
        self._hasher = hasher or PasswordHasher()

    async def sign_up(self, request: SignUp, *, region: str | None = None) -> SignedUp:
        """Create an account, give it a shard and open its ledger account there.

        Args:
            request: who wants it.
            region: where its shard should be, for strategies that look at it.

        Returns:
            Its key and shard. It exists from the moment that the global transaction has committed, also
            if its shard can't serve just now (`provisioned` is then false).

        Raises:
            DuplicateEntityError: the name or the address is taken.
            InvalidValueError: the password is too long or empty.
            NoActiveShardError: no shard takes accounts; nothing was written.
            CommitOutcomeUnknownError: the connection was lost during the commit. Log in to see whether the
                account exists; signing up again would say that the name is taken if it does.
        """
        new = request.with_hash(await self._hasher.hash(request.password))
        created = await self._db.with_retry(self._create)(new, region)
        key, placement = created.account_db_key, created.placement
        try:
            await self._finish_home(key, placement)
        except (DatabaseError, TopologyError) as error:
            # Raising would tell somebody who has an account that they have none.
            _log.warning("account %d waits for its home, its next login finishes it: %s", key, error)
            return SignedUp(account_db_key=key, shard_id=placement.shard_id, provisioned=False)
        return SignedUp(account_db_key=key, shard_id=placement.shard_id, provisioned=True)

    async def log_in(self, platform_type: int, account_id: str, password: str) -> LoggedIn:
        """Check a password and count the login; finish the account's home if a sign-up could not.

        Args:
            platform_type: the platform that the name belongs to.
            account_id: the name, in any case (on SQLite: of A to Z).
            password: as entered.

        Raises:
            InvalidValueError: the platform is not a number from 0 to 127.
            AuthenticationError: the name or the password is wrong; both cost the same work.
            AccountBlockedError: the password is right, but the account is blocked or withdrawn.
            ShardUnavailableError: the account's home isn't finished and its shard can't be reached.
        """
        check_platform(platform_type)
        found = await self._credentials(platform_type, account_id)
        stored = None if found is None else found.account.password_hash
        if not await self._hasher.verify(password, stored) or found is None:
            raise AuthenticationError
        now = utc_now()
        refuse_blocked(found.account, now)
        placement = await self._home(found)
        await self._count_login(found.account, password, now)
        return LoggedIn(
            account_db_key=found.account.account_db_key,
            nickname=found.account.nickname,
            account_level=found.account.account_level,
            login_count=found.account.login_count + 1,
            profile_completed=found.profile_completed,
            shard_id=placement.shard_id,
        )

    async def log_out(self, account_db_key: int) -> None:
        """Note that an account has logged out.

        Raises:
            EntityNotFoundError: there is no such account.
        """
        check_key(account_db_key)
        if not await self._db.with_retry(self._log_out)(account_db_key):
            raise EntityNotFoundError(Account.__name__, account_db_key)

    async def _create(self, new: NewAccount, region: str | None) -> Created:
        async with self._db.global_session() as session:
            return await create_account(
                session, new, self._db.assignment, state=PlacementState.PROVISIONING, region=region
            )

    async def _log_out(self, account_db_key: int) -> bool:
        async with self._db.global_session() as session:
            return await AccountRepository(session).log_out(account_db_key, utc_now())

    async def _credentials(self, platform_type: int, account_id: str) -> Credentials | None:
        async with self._db.global_session(read_only=True) as session:
            return await AccountRepository(session).credentials(platform_type, account_id)

    async def _count_login(self, account: Account, password: str, now: datetime) -> None:
        old = account.password_hash
        better = await self._hasher.hash(password) if self._hasher.needs_rehash(old) else None

        async def count() -> None:
            async with self._db.global_session() as session:
                accounts = AccountRepository(session)
                await accounts.count_login(account.account_db_key, now)
                if better is not None:
                    await accounts.replace_hash(account.account_db_key, old=old, new=better)

        await self._db.with_retry(count)()

    async def _home(self, found: Credentials) -> Placement:
        """Return where an account lives, after finishing what a sign-up or an older program left undone."""
        key, placement = found.account.account_db_key, found.placement
        if placement is None:
            placement = await self._db.with_retry(self._assign)(key)
        if placement.state is PlacementState.PROVISIONING:
            placement = await self._finish_home(key, placement)
        return placement

    async def _assign(self, account_db_key: int) -> Placement:
        async with self._db.global_session() as session:
            placement = await give_home(
                session, account_db_key, self._db.assignment, state=PlacementState.PROVISIONING
            )
        self._db.directory.remember(account_db_key, placement)
        return placement

    async def _finish_home(self, account_db_key: int, placement: Placement) -> Placement:
        """Write what every account has on its shard, then mark its home; can be repeated at any time."""
        self._db.directory.remember(account_db_key, placement)  # it may know an earlier home
        async with self._db.session(account_db_key) as session:
            await LedgerAccountRepository(session).open(account_db_key)
        async with self._db.global_session() as session:
            marked = await HomeRepository(session).finish(account_db_key, placement)
        if not marked:  # somebody else was quicker, or has given the account another home
            self._db.directory.invalidate(account_db_key)
            return await self._db.where(account_db_key)
        finished = replace(placement, state=PlacementState.ACTIVE)
        self._db.directory.remember(account_db_key, finished)
        return finished
