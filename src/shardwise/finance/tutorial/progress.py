"""Completing steps, in the caller's transaction."""

from sqlalchemy.ext.asyncio import AsyncSession

from shardwise.finance.tutorial.repository import ProgressRepository
from shardwise.finance.tutorial.values import CompletedStep


async def complete_step(session: AsyncSession, done: CompletedStep) -> None:
    """Note that an account has done a step; the furthest one counts, in whatever order they come."""
    await ProgressRepository(session).reach(done)
