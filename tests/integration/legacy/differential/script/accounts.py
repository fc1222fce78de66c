"""Signing up, logging in and out (1.1–1.3)."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import delete, func, select, update

from differential.matching import ID, Keep, Kept
from differential.steps import FAILS, GLOBAL, Derive, Row, Step, done, words
from shardwise.finance.identity.models import Account
from shardwise.schema.control import ShardMapping, ShardStats

call, meanwhile, holds = GLOBAL.call, GLOBAL.meanwhile, GLOBAL.holds

_TAKEN = words("DUPLICATE_ID", "Account or email already exists", account_db_key=0)


def _signed_up(name: str) -> Row:
    return done("User signup completed", account_db_key=Keep(name, ID))


def _logged_in(name: str, nickname: str, password_hash: str, **other: int) -> Row:
    return {
        "result": "SUCCESS",
        "account_db_key": Kept(name),
        "password_hash": password_hash,
        "nickname": nickname,
        "account_level": other.get("level", 1),
        "profile_completed": other.get("completed", 0),
        "shard_id": Kept(name, _home),
    }


def _refused(result: str) -> Row:
    return {
        "result": result,
        "account_db_key": 0,
        "password_hash": "",
        "nickname": "",
        "account_level": 0,
        "profile_completed": 0,
        "shard_id": 0,
    }


def _home(account_db_key: int) -> int:
    return account_db_key % 2 + 1


def _by_shard(kept: dict[str, int]) -> dict[str, int]:
    """Three accounts on each shard, whatever the first key is."""
    keys = [kept[name] for name in ("ann", "bob", "cid", "dee", "eve", "fox")]
    roles = ("owner", "other", "counted")
    return {
        f"{role}{shard}": key
        for shard in (1, 2)
        for role, key in zip(roles, [key for key in keys if _home(key) == shard], strict=True)
    }


# Before anything else: the rooms need somebody on each shard.
SIGN_UPS: list[Step] = [
    call(
        "fp_user_signup",
        1,
        "ann",
        "hash-ann",
        "ann@example.org",
        "Ann",
        1990,
        5,
        17,
        "F",
        gives=_signed_up("ann"),
    ),
    call(
        "fp_user_signup", 1, "bob", "hash-bob", None, "Bob", None, None, None, None, gives=_signed_up("bob")
    ),
    call(
        "fp_user_signup",
        1,
        "cid",
        "hash-cid",
        None,
        "Cid",
        1985,
        None,
        None,
        "OTHER",
        gives=_signed_up("cid"),
    ),
    call(
        "fp_user_signup",
        1,
        "dee",
        "hash-dee",
        "dee@example.org",
        "Dee",
        2001,
        2,
        28,
        "M",
        gives=_signed_up("dee"),
    ),
    call(
        "fp_user_signup", 1, "eve", "hash-eve", None, "Eve", None, None, None, None, gives=_signed_up("eve")
    ),
    call(
        "fp_user_signup", 1, "fox", "hash-fox", None, "Fox", None, None, None, None, gives=_signed_up("fox")
    ),
    Derive(values=_by_shard),
    holds(lambda kept: select(ShardStats.user_count).order_by(ShardStats.shard_id), (3,), (3,)),
    holds(
        lambda kept: (
            select(func.count()).select_from(ShardMapping).where(ShardMapping.account_db_key == kept["ann"])
        ),
        (1,),
    ),
]

_DUPLICATES: list[Step] = [
    call("fp_user_signup", 1, "ann", "h", None, "Again", None, None, None, None, gives=_TAKEN),
    call("fp_user_signup", 1, "ANN", "h", None, "Again", None, None, None, None, gives=_TAKEN),
    call("fp_user_signup", 1, "fay", "h", "ann@example.org", "Fay", None, None, None, None, gives=_TAKEN),
    call("fp_user_signup", 1, "fay", "h", "ANN@example.org", "Fay", None, None, None, None, gives=_TAKEN),
    call("fp_user_login", 1, "fay", gives=_refused("NOT_FOUND")),
    # The other platform is another world.
    call(
        "fp_user_signup",
        2,
        "ann",
        "h2",
        "ann@example.org",
        "Ann 2",
        None,
        None,
        None,
        "F",
        gives=_signed_up("ann2"),
    ),
    call("fp_user_login", 2, "ann", gives=_logged_in("ann2", "Ann 2", "h2")),
    # NULL is no name: as of old, such an account can be written nowhere.
    call("fp_user_signup", 1, None, "h", None, "Nobody", None, None, None, None, fails=FAILS, mends="D1"),
    call("fp_user_signup", 1, "gus", "h", None, None, None, None, None, None, fails=FAILS, mends="D1"),
    call("fp_user_signup", 1, "gus", None, None, "Gus", None, None, None, None, fails=FAILS, mends="D1"),
    call("fp_user_signup", 1, "gus", "h", None, "Gus", None, None, None, "X", fails=FAILS, mends="D3"),
    call("fp_user_login", 1, "gus", gives=_refused("NOT_FOUND"), mends="D4"),
    call("Fp_User_SignUp", 1, "gus", "h", None, "Gus", 1970, 1, 1, "M", gives=_signed_up("gus")),
]

_ALIASES: list[Step] = [
    call("sp_create_account", 1, "hal", "h", None, "Hal", None, None, None, None, gives=_signed_up("hal")),
    call("sp_create_account", "ida", "h-ida", "Ida", "ida@example.org", gives=_signed_up("ida")),
    call("sp_create_account", "ida", "h-ida", "Ida", None, gives=_TAKEN),
    call("sp_create_account", "jim", "h-jim", "Jim", "ida@example.org", gives=_TAKEN),
    call("sp_create_account", "jim", "h-jim", "Jim", None, gives=_signed_up("jim")),
    call("sp_login_user", 1, "ida", gives=_logged_in("ida", "Ida", "h-ida")),
    call("sp_login_user", 1, "nobody", gives=_refused("NOT_FOUND")),
]

_LOGINS: list[Step] = [
    call("fp_user_login", 1, "ann", gives=_logged_in("ann", "Ann", "hash-ann")),
    call("fp_user_login", 1, "Ann", gives=_logged_in("ann", "Ann", "hash-ann")),
    holds(lambda kept: select(Account.login_count).where(Account.account_db_key == kept["ann"]), (2,)),
    call("fp_user_login", 1, "bob", gives=_logged_in("bob", "Bob", "hash-bob")),
    call("FP_USER_LOGIN", 1, "cid", gives=_logged_in("cid", "Cid", "hash-cid")),
    call("fp_user_login", 3, "ann", gives=_refused("NOT_FOUND")),
    call("fp_user_login", 1, "", gives=_refused("NOT_FOUND")),
    call("fp_user_login", 1, "ann' OR '1'='1", gives=_refused("NOT_FOUND")),
]

_BLOCKED: list[Step] = [
    meanwhile(
        lambda kept: (
            update(Account).where(Account.account_db_key == kept["hal"]).values(account_status="Blocked")
        )
    ),
    call("fp_user_login", 1, "hal", gives=_refused("BLOCKED")),
    holds(lambda kept: select(Account.login_count).where(Account.account_db_key == kept["hal"]), (0,)),
    meanwhile(
        lambda kept: (
            update(Account).where(Account.account_db_key == kept["hal"]).values(account_status="Normal")
        )
    ),
    call("fp_user_login", 1, "hal", gives=_logged_in("hal", "Hal", "h")),
    meanwhile(
        lambda kept: update(Account).where(Account.account_db_key == kept["hal"]).values(is_withdraw=True)
    ),
    call("fp_user_login", 1, "hal", gives=_refused("BLOCKED"), mends="D22"),
    meanwhile(
        lambda kept: (
            update(Account)
            .where(Account.account_db_key == kept["hal"])
            .values(is_withdraw=False, block_endtime=datetime.now(UTC) + timedelta(days=1))
        )
    ),
    call("fp_user_login", 1, "hal", gives=_refused("BLOCKED"), mends="D22"),
    meanwhile(
        lambda kept: (
            update(Account)
            .where(Account.account_db_key == kept["hal"])
            .values(block_endtime=datetime.now(UTC) - timedelta(days=1), account_level=4)
        )
    ),
    call("fp_user_login", 1, "hal", gives=_logged_in("hal", "Hal", "h", level=4)),
]

_HOMELESS: list[Step] = [
    meanwhile(lambda kept: delete(ShardMapping).where(ShardMapping.account_db_key == kept["jim"])),
    call("fp_user_login", 1, "jim", gives=_logged_in("jim", "Jim", "h-jim")),
    holds(
        lambda kept: select(ShardMapping.shard_id).where(ShardMapping.account_db_key == kept["jim"]),
        (Kept("jim", _home),),
    ),
]

_LOGOUTS: list[Step] = [
    call("fp_user_logout", Kept("ann"), gives=words("SUCCESS")),
    call("fp_user_logout", Kept("ann"), gives=words("SUCCESS")),
    call("fp_user_logout", 999_999, gives=words("NOT_FOUND"), mends="D16"),
    call("fp_user_logout", 0, gives=words("NOT_FOUND"), mends="D16"),
]

STEPS: list[Step] = [*_DUPLICATES, *_ALIASES, *_LOGINS, *_BLOCKED, *_HOMELESS, *_LOGOUTS]
