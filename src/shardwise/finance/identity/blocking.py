"""Whether an account may be used."""

from datetime import datetime

from shardwise.errors import AccountBlockedError
from shardwise.finance.identity.models import STATUS_NORMAL, Account


def why_blocked(account: Account, now: datetime) -> str | None:
    """Return what keeps an account from being used, None if nothing does."""
    if account.account_status != STATUS_NORMAL:
        return f"is {account.account_status}"
    if account.is_withdraw:
        return "is withdrawn"
    # An account that was never blocked carries the moment of its creation here.
    if account.block_endtime > max(now, account.create_time):
        return f"is blocked until {account.block_endtime.isoformat(timespec='seconds')}"
    return None


def refuse_blocked(account: Account, now: datetime) -> None:
    """Refuse an account that may not be used.

    Raises:
        AccountBlockedError: it is blocked, withdrawn, or of a status other than `Normal`.
    """
    reason = why_blocked(account, now)
    if reason is not None:
        raise AccountBlockedError(f"account {account.account_db_key} {reason}")
