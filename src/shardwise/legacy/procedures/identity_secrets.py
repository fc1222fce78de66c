"""The old procedures for passwords and for keys of other services."""

import hmac
import re
from dataclasses import asdict, replace
from functools import cache
from typing import Any

from shardwise.errors import AuthenticationError, EntityNotFoundError, InvalidValueError
from shardwise.finance.identity.api_keys import ApiKeys, find_api_keys, save_api_keys
from shardwise.finance.identity.models import Account
from shardwise.finance.identity.password_changes import (
    HashChange,
    replace_password,
)
from shardwise.finance.identity.profile_update import ProfileUpdate, update_profile
from shardwise.finance.identity.repository import AccountRepository
from shardwise.finance.validation import check_line
from shardwise.legacy.parameters import text
from shardwise.legacy.procedure import Call, Procedure, Rows, Scope
from shardwise.legacy.procedures.identity_texts import (
    API_KEYS,
    BASIC,
    KEY,
    NOTIFICATIONS,
    basic_of,
    key_of,
    notifications_of,
)
from shardwise.legacy.rows import status
from shardwise.repository import UNSET
from shardwise.security.passwords import PasswordHasher

_HASH = re.compile(
    r"\$argon2(id|i|d)\$v=\d+\$m=\d+,t=\d+,p=\d+\$[A-Za-z0-9+/]+\$[A-Za-z0-9+/]+"
    r"|\$2[abxy]\$\d\d\$[./A-Za-z0-9]{53}"
    r"|\$(pbkdf2-sha\d+|scrypt)\$[^$]+\$[^$]+\$[./A-Za-z0-9+=]{20,}"
)


async def _save_keys(call: Call, *, account_db_key: int | None, **keys: str | None) -> Rows:
    await save_api_keys(call.session, key_of(account_db_key), _api_keys(keys))
    return [status("SUCCESS", "API keys saved successfully")]


async def _get_keys(call: Call, *, account_db_key: int | None) -> Rows:
    found = None if account_db_key is None else await find_api_keys(call.session, account_db_key)
    return [] if found is None else [asdict(found)]


async def _change_password(
    call: Call, *, account_db_key: int | None, new_password_hash: str | None, changed_by_ip: str | None
) -> Rows:
    if not new_password_hash:
        raise InvalidValueError("p_new_password_hash", "it is required")
    new = check_line("p_new_password_hash", new_password_hash)
    ip = None if changed_by_ip is None else check_line("p_changed_by_ip", changed_by_ip)
    key = key_of(account_db_key)
    old = await AccountRepository(call.session).password_hash(key, lock=True)
    if old is None:
        raise EntityNotFoundError(Account.__name__, key)
    await replace_password(call.session, key, HashChange(old=old, new=new, ip=ip))
    return [status("SUCCESS", "Password changed successfully")]


async def _update_all(
    call: Call,
    *,
    account_db_key: int | None,
    nickname: str | None,
    email: str | None,
    phone_number: str | None,
    current_password: str | None,
    new_password: str | None,
    **more: Any,
) -> Rows:
    key = key_of(account_db_key)
    keys = {one.name: more[one.name] for one in API_KEYS}
    both = keys["korea_investment_app_key"] is not None and keys["korea_investment_app_secret"] is not None
    password = None
    if current_password is not None and new_password is not None:
        password = await _proved_change(call, key, current_password, new_password)
    update = ProfileUpdate(
        basic=basic_of(nickname, email, phone_number),
        notifications=notifications_of({one.name: more[one.name] for one in NOTIFICATIONS}),
        password=password,
        api_keys=_kept_where_null(_api_keys(keys)) if both else None,
    )
    await update_profile(call.session, key, update)
    return [
        status(
            "SUCCESS",
            "All profile settings updated successfully",
            password_changed=password is not None,
            api_keys_saved=both,
        )
    ]


async def _proved_change(call: Call, account_db_key: int, current: str, new: str) -> HashChange:
    """Return a change that is proved by the present password, or by its hash as a login returned it."""
    stored = await AccountRepository(call.session).password_hash(account_db_key)
    if stored is None:
        raise EntityNotFoundError(Account.__name__, account_db_key)
    same = hmac.compare_digest(current.encode("utf-8", "surrogatepass"), stored.encode())
    if not same and not await _hasher().verify(current, stored):
        raise AuthenticationError
    if not new:
        raise InvalidValueError("p_new_password", "it is empty")
    return HashChange(old=stored, new=new if _HASH.fullmatch(new) else await _hasher().hash(new))


@cache
def _hasher() -> PasswordHasher:
    return PasswordHasher()


def _api_keys(keys: dict[str, str | None]) -> ApiKeys:
    for name, value in keys.items():
        if value is not None:
            check_line(f"p_{name}", value)
    return ApiKeys(**keys)


def _kept_where_null(keys: ApiKeys) -> ApiKeys:
    return replace(keys, **{name: UNSET for name, value in keys.given().items() if value is None})


SECRETS = (
    Procedure(
        name="fp_save_api_keys",
        scope=Scope.GLOBAL,
        signatures=((KEY, *API_KEYS),),
        results=(("result", "message"),),
        run=_save_keys,
    ),
    Procedure(
        name="fp_get_api_keys",
        scope=Scope.GLOBAL,
        signatures=((KEY,),),
        results=((*(one.name for one in API_KEYS), "created_at", "updated_at"),),
        run=_get_keys,
        writes=False,
    ),
    Procedure(
        name="fp_change_password",
        scope=Scope.GLOBAL,
        signatures=((KEY, text("new_password_hash", 255, secret=True), text("changed_by_ip", 45)),),
        results=(("result", "message"),),
        run=_change_password,
    ),
    Procedure(
        name="fp_update_profile_all",
        scope=Scope.GLOBAL,
        signatures=(
            (
                KEY,
                *BASIC,
                *NOTIFICATIONS,
                text("current_password", 255, secret=True),
                text("new_password", 255, secret=True),
                *API_KEYS,
            ),
        ),
        results=(("result", "message", "password_changed", "api_keys_saved"),),
        run=_update_all,
    ),
)
