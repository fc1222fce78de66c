"""The tutorials, and how far somebody is with one."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from shardwise.finance.tutorial.models import TutorialProgress


class TutorialType(StrEnum):
    """The tutorials of the trading platform."""

    OVERVIEW = "OVERVIEW"
    PORTFOLIO = "PORTFOLIO"
    SIGNALS = "SIGNALS"
    CHAT = "CHAT"
    SETTINGS = "SETTINGS"


@dataclass(frozen=True, slots=True, kw_only=True)
class CompletedStep:
    """A step that an account has done.

    Args:
        account_db_key: whose progress.
        tutorial_type: the tutorial, up to 50 characters: old programs have names of their own.
        step: its number.
    """

    account_db_key: int
    tutorial_type: str
    step: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far an account is with one tutorial.

    Attributes:
        tutorial_type: a `TutorialType`'s value, or what an old program called it.
        completed_step: the furthest step done.
        updated_at: when a step was done last, be it one further back.
    """

    tutorial_type: str
    completed_step: int
    updated_at: datetime

    @classmethod
    def of(cls, row: TutorialProgress) -> "Progress":
        """Return what a row holds."""
        return cls(
            tutorial_type=row.tutorial_type, completed_step=row.completed_step, updated_at=row.updated_at
        )
