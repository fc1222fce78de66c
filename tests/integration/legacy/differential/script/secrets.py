"""Passwords, API keys, and everything at once (1.6, 1.10, 1.13, 1.14)."""

from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.sql import Executable

from differential.matching import MOMENT, NOW, Kept
from differential.script.profiles import UNKNOWN
from differential.steps import DUPLICATE, FAILS, GLOBAL, Failure, Row, Step, done
from shardwise.errors import AuthenticationError
from shardwise.finance.identity.models import Account, PasswordHistory, UserProfile

call, meanwhile, holds = GLOBAL.call, GLOBAL.meanwhile, GLOBAL.holds

HASH = "$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHRzYWx0$cEr/i+EhrTaX40rtJR7Wku2X6Y7AYQz1jFU3N5k9wZo"
NOT_PROVED = Failure(AuthenticationError)
SAVED = done("API keys saved successfully")
CHANGED = done("Password changed successfully")


def all_updated(password_changed: int, api_keys_saved: int) -> Row:
    """Return the row of 1.14."""
    return done(
        "All profile settings updated successfully",
        password_changed=password_changed,
        api_keys_saved=api_keys_saved,
    )


def _keys(app: Any, secret: Any, alpha: Any, polygon: Any, finnhub: Any, updated_at: Any = NOW) -> Row:
    return {
        "korea_investment_app_key": app,
        "korea_investment_app_secret": secret,
        "alpha_vantage_key": alpha,
        "polygon_key": polygon,
        "finnhub_key": finnhub,
        "created_at": MOMENT,
        "updated_at": updated_at,
    }


_API_KEYS: list[Step] = [
    call("fp_get_api_keys", Kept("ann"), gives=[]),
    call(
        "fp_save_api_keys", Kept("ann"), "k-app", "k-secret", "k-alpha", "k-polygon", "k-finnhub", gives=SAVED
    ),
    call(
        "fp_get_api_keys", Kept("ann"), gives=_keys("k-app", "k-secret", "k-alpha", "k-polygon", "k-finnhub")
    ),
    # The whole set is replaced: what is NULL is gone.
    call("fp_save_api_keys", Kept("ann"), "k-app-2", None, None, "", "키-finnhub", gives=SAVED),
    call("fp_get_api_keys", Kept("ann"), gives=_keys("k-app-2", None, None, "", "키-finnhub")),
    call("fp_save_api_keys", Kept("ann"), None, None, None, None, None, gives=SAVED),
    call("fp_get_api_keys", Kept("ann"), gives=_keys(None, None, None, None, None)),
    call(
        "fp_save_api_keys",
        UNKNOWN,
        "top-secret-1",
        "top-secret-2",
        "top-secret-3",
        "top-secret-4",
        "top-secret-5",
        fails=FAILS,
        mends="D15",
        secrets=("top-secret",),
    ),
    call("fp_get_api_keys", UNKNOWN, gives=[]),
    call("fp_get_api_keys", 0, gives=[]),
]


def _history(kept: dict[str, Any]) -> Executable:
    table = PasswordHistory
    return (
        select(table.old_password_hash, table.new_password_hash, table.change_reason, table.changed_by_ip)
        .where(table.account_db_key == kept["ann"])
        .order_by(table.id)
    )


_PASSWORDS: list[Step] = [
    call("fp_change_password", Kept("ann"), "hash-2", "10.0.0.1", gives=CHANGED),
    call("fp_change_password", Kept("ann"), "hash-3", None, gives=CHANGED),
    holds(
        _history,
        ("hash-ann", "hash-2", "USER_REQUESTED", "10.0.0.1"),
        ("hash-2", "hash-3", "USER_REQUESTED", None),
    ),
    holds(
        lambda kept: select(Account.password_hash).where(Account.account_db_key == kept["ann"]), ("hash-3",)
    ),
    call("fp_change_password", UNKNOWN, "hash-x", "10.0.0.1", fails=FAILS, secrets=("hash-x",)),
    call("fp_change_password", Kept("ann"), None, "10.0.0.1", fails=FAILS),
    holds(
        lambda kept: (
            select(func.count())
            .select_from(PasswordHistory)
            .where(PasswordHistory.account_db_key == kept["ann"])
        ),
        (2,),
        mends="D4",
    ),
]


def _all(key: Any, *rest: Any, flags: tuple[Any, ...] = (1, 0, 1, 0, 1, 0, 1), **more: Any) -> Step:
    """Return a call of 1.14: nickname, e-mail, phone; two passwords; five keys."""
    return call("fp_update_profile_all", key, *rest[:3], *flags, *rest[3:], **more)


_NONE_OF_FIVE = (None, None, None, None, None)
_EVERYTHING: list[Step] = [
    _all(Kept("gus"), "Gus", "gus@example.org", "1", None, None, *_NONE_OF_FIVE, gives=all_updated(0, 0)),
    holds(
        lambda kept: select(
            UserProfile.profile_completed,
            UserProfile.email_notifications_enabled,
            UserProfile.sms_notifications_enabled,
        ).where(UserProfile.account_db_key == kept["gus"]),
        (False, True, False),
    ),
    call("fp_get_api_keys", Kept("gus"), gives=[]),
    # Only a pair counts: one password of two, or one key of the first two, is nothing.
    _all(Kept("gus"), "Gus", None, None, "old", None, "app", None, None, None, None, gives=all_updated(0, 0)),
    _all(
        Kept("gus"), "Gus", None, None, None, "new", None, "secret", None, None, None, gives=all_updated(0, 0)
    ),
    holds(
        lambda kept: select(Account.password_hash, Account.email).where(
            Account.account_db_key == kept["gus"]
        ),
        ("h", None),
    ),
    # The stored hash proves as well as the password would; what is no hash yet is stored as one.
    _all(Kept("gus"), "Gus", None, None, "guess", HASH, *_NONE_OF_FIVE, fails=NOT_PROVED, mends="D21"),
    _all(Kept("gus"), "Gus", None, None, "h", HASH, *_NONE_OF_FIVE, gives=all_updated(1, 0), mends="D25"),
    holds(lambda kept: select(Account.password_hash).where(Account.account_db_key == kept["gus"]), (HASH,)),
    _all(Kept("gus"), "Gus", None, None, None, None, "app", "secret", "a", "p", "f", gives=all_updated(0, 1)),
    call("fp_get_api_keys", Kept("gus"), gives=_keys("app", "secret", "a", "p", "f")),
    # NULL keeps here what 1.6 would clear.
    _all(
        Kept("gus"),
        "Gus",
        None,
        None,
        None,
        None,
        "app2",
        "secret2",
        None,
        "p2",
        None,
        gives=all_updated(0, 1),
    ),
    call("fp_get_api_keys", Kept("gus"), gives=_keys("app2", "secret2", "a", "p2", "f")),
    _all(
        Kept("hal"), "Hal", None, None, None, None, "app", "secret", None, None, None, gives=all_updated(0, 1)
    ),
    call("fp_get_api_keys", Kept("hal"), gives=_keys("app", "secret", None, None, None), mends="D27"),
    _all(Kept("gus"), None, None, None, None, None, *_NONE_OF_FIVE, fails=FAILS, mends="D1"),
    _all(
        Kept("gus"), "X", None, None, None, None, *_NONE_OF_FIVE, flags=(None, 0, 0, 0, 0, 0, 0), fails=FAILS
    ),
    _all(Kept("gus"), "X", "dee@example.org", None, None, None, *_NONE_OF_FIVE, fails=DUPLICATE, mends="D20"),
    _all(
        UNKNOWN,
        "X",
        None,
        None,
        "pass-a",
        "pass-b",
        "app-c",
        "secret-d",
        "key-e",
        "key-f",
        "key-g",
        fails=FAILS,
        mends="D2",
        secrets=("pass-a", "pass-b", "app-c", "secret-d", "key-e", "key-f", "key-g"),
    ),
    holds(lambda kept: select(Account.nickname).where(Account.account_db_key == kept["gus"]), ("Gus",)),
    meanwhile(
        lambda kept: update(Account).where(Account.account_db_key == kept["gus"]).values(nickname="Gustav")
    ),
]

STEPS: list[Step] = [*_API_KEYS, *_PASSWORDS, *_EVERYTHING]
