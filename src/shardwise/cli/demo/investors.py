"""Investors at work, through the services of the trading domain alone."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from shardwise.cli.demo.plan import Act, Investor, Step
from shardwise.database import ShardedDatabase
from shardwise.errors import AuthenticationError, DatabaseError
from shardwise.finance.identity.service import IdentityService
from shardwise.finance.identity.values import LoggedIn, SignUp
from shardwise.finance.ledger.service import LedgerService
from shardwise.finance.portfolios.models import AssetType
from shardwise.finance.portfolios.service import PortfolioService
from shardwise.security.passwords import PasswordHasher

PLATFORM = 1
_AT_ONCE = 3  # units of work in flight: enough to keep two processors and a server busy

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Home:
    """Where an investor's account ended up."""

    account_db_key: int
    shard_id: int


class Investors:
    """Signs investors up and lets them do what the plan says.

    Args:
        db: an open database.
        hasher: hashes their passwords, at the cost of production.
        advance: called after each sign-up, investor and login, for a progress bar.
    """

    def __init__(self, db: ShardedDatabase, hasher: PasswordHasher, advance: Callable[[], None]) -> None:
        self._identity = IdentityService(db, hasher=hasher)
        self._ledger = LedgerService(db)
        self._portfolios = PortfolioService(db)
        self._advance = advance

    async def join_and_trade(self, investors: Sequence[Investor]) -> dict[str, Home]:
        """Sign investors up and do all their steps; return where each one's account lives, by name."""
        homes: dict[str, Home] = {}

        async def live(investor: Investor) -> None:
            homes[investor.name] = home = await self._sign_up(investor)
            await self.trade(home, investor.steps)
            self._advance()

        await side_by_side(investors, live)
        return {investor.name: homes[investor.name] for investor in investors}

    async def trade(self, home: Home, steps: Iterable[Step]) -> None:
        """Do an investor's steps; those that were done before change nothing."""
        for step in steps:
            await self._do(home.account_db_key, step)

    async def log_in_again(self, investors: Sequence[Investor]) -> list[LoggedIn]:
        """Log investors in and out again."""
        logins: list[LoggedIn] = []

        async def log_in(investor: Investor) -> None:
            login = await self._identity.log_in(PLATFORM, investor.name, investor.password)
            await self._identity.log_out(login.account_db_key)
            logins.append(login)
            self._advance()

        await side_by_side(investors, log_in)
        return logins

    async def wrong_password_is_refused(self, investor: Investor) -> bool:
        """Return whether somebody else's password opens nothing."""
        try:
            await self._identity.log_in(PLATFORM, investor.name, f"not the {investor.password}")
        except AuthenticationError:
            return True
        return False

    async def _sign_up(self, investor: Investor) -> Home:
        request = SignUp(
            platform_type=PLATFORM,
            account_id=investor.name,
            password=investor.password,
            nickname=investor.nickname,
            email=f"{investor.name}@example.com",
        )
        signed_up = await self._identity.sign_up(request)
        if not signed_up.provisioned:
            raise DatabaseError(
                f"the home of {investor.name} on shard {signed_up.shard_id} could not be finished"
            )
        return Home(account_db_key=signed_up.account_db_key, shard_id=signed_up.shard_id)

    async def _do(self, account: int, step: Step) -> None:
        done = {"transaction_id": step.transaction_id}
        match step.act:
            case Act.DEPOSIT:
                await self._ledger.deposit(account, step.amount, description=f"saved on {step.day}", **done)
            case Act.WITHDRAW:
                await self._ledger.withdraw(account, step.amount, description=f"taken on {step.day}", **done)
            case Act.BUY:
                await self._portfolios.buy(
                    account, step.asset, step.quantity, step.price, asset_type=AssetType.FUND, **done
                )
            case Act.SELL:
                await self._portfolios.sell(account, step.asset, step.quantity, step.price, **done)


async def side_by_side(items: Iterable[T], work: Callable[[T], Awaitable[None]]) -> None:
    """Work on items, a few at once; the first error ends it."""
    waiting = iter(items)

    async def worker() -> None:
        for item in waiting:
            await work(item)

    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(_AT_ONCE):
                group.create_task(worker())
    except ExceptionGroup as errors:
        raise errors.exceptions[0] from errors
