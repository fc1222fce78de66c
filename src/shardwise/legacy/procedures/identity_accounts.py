"""The old procedures for signing up, logging in and logging out."""

from dataclasses import replace

from shardwise.errors import DuplicateEntityError, InvalidValueError
from shardwise.finance.identity.blocking import why_blocked
from shardwise.finance.identity.homes import give_home, remember_when_committed
from shardwise.finance.identity.models import Gender
from shardwise.finance.identity.repository import AccountRepository
from shardwise.finance.identity.signing_up import create_account
from shardwise.finance.identity.values import NewAccount
from shardwise.finance.validation import check_line, check_name
from shardwise.kit.clock import utc_now
from shardwise.legacy.parameters import i8, i32, text, u64, word
from shardwise.legacy.procedure import Call, Procedure, Rows, Scope, alias
from shardwise.legacy.procedures.identity_texts import email_of, line_of
from shardwise.legacy.rows import status
from shardwise.schema.control import PlacementState


async def _sign_up(
    call: Call,
    *,
    platform_type: int | None = 1,
    account_id: str | None,
    password_hash: str | None,
    email: str | None,
    nickname: str | None,
    birth_year: int | None = None,
    birth_month: int | None = None,
    birth_day: int | None = None,
    gender: str | None = None,
) -> Rows:
    if platform_type is None:
        raise InvalidValueError("p_platform_type", "it is required")
    new = NewAccount(
        platform_type=platform_type,
        account_id=check_name("p_account_id", account_id, longest=100),
        password_hash=_hash_of(password_hash),
        nickname=line_of("p_nickname", nickname),
        email=email_of(email),
        birth_year=birth_year,
        birth_month=birth_month,
        birth_day=birth_day,
        gender=None if gender is None else Gender(gender),
    )
    try:
        # ACTIVE: old programs write the first rows on the shard themselves.
        created = await create_account(call.session, new, call.db.assignment, state=PlacementState.ACTIVE)
    except DuplicateEntityError:
        return [status("DUPLICATE_ID", "Account or email already exists", account_db_key=0)]
    remember_when_committed(call.session, call.db.directory, created.account_db_key, created.placement)
    return [status("SUCCESS", "User signup completed", account_db_key=created.account_db_key)]


def _hash_of(password_hash: str | None) -> str:
    if not password_hash:
        raise InvalidValueError("p_password_hash", "it is required")
    return check_line("p_password_hash", password_hash)


async def _log_in(call: Call, *, platform_type: int | None, account_id: str | None) -> Rows:
    found = None
    if platform_type is not None and account_id is not None:
        found = await AccountRepository(call.session).credentials(platform_type, account_id)
    if found is None:
        return [_nobody("NOT_FOUND")]
    account, placement, now = found.account, found.placement, utc_now()
    key = account.account_db_key
    if why_blocked(account, now) is not None:
        return [_nobody("BLOCKED")]
    if placement is None:
        placement = await give_home(call.session, key, call.db.assignment, state=PlacementState.ACTIVE)
        remember_when_committed(call.session, call.db.directory, key, placement)
    row = status(
        "SUCCESS",
        account_db_key=key,
        password_hash=account.password_hash,
        nickname=account.nickname,
        account_level=account.account_level,
        profile_completed=int(found.profile_completed),
        shard_id=placement.shard_id,
    )
    call.session.expunge(account)  # else the UPDATE would ask for its row again
    await AccountRepository(call.session).count_login(key, now)
    return [row]


def _nobody(result: str) -> dict[str, object]:
    return status(
        result,
        account_db_key=0,
        password_hash="",
        nickname="",
        account_level=0,
        profile_completed=0,
        shard_id=0,
    )


async def _log_out(call: Call, *, account_db_key: int | None) -> Rows:
    if account_db_key is None:
        return [status("NOT_FOUND")]
    known = await AccountRepository(call.session).log_out(account_db_key, utc_now())
    return [status("SUCCESS" if known else "NOT_FOUND")]


_NAME = text("account_id", 100)
_HASH = text("password_hash", 255, secret=True)
_EMAIL = text("email", 100, secret=True)
_NICKNAME = text("nickname", 50, secret=True)

SIGN_UP = Procedure(
    name="fp_user_signup",
    scope=Scope.GLOBAL,
    signatures=(
        (
            i8("platform_type"),
            _NAME,
            _HASH,
            _EMAIL,
            _NICKNAME,
            i32("birth_year"),
            i32("birth_month"),
            i32("birth_day"),
            word("gender", *Gender),
        ),
    ),
    results=(("result", "message", "account_db_key"),),
    run=_sign_up,
)
CREATE_ACCOUNT = replace(
    alias("sp_create_account", SIGN_UP),
    signatures=(*SIGN_UP.signatures, (_NAME, _HASH, _NICKNAME, _EMAIL)),
)
LOG_IN = Procedure(
    name="fp_user_login",
    scope=Scope.GLOBAL,
    signatures=((i8("platform_type"), _NAME),),
    results=(
        (
            "result",
            "account_db_key",
            "password_hash",
            "nickname",
            "account_level",
            "profile_completed",
            "shard_id",
        ),
    ),
    run=_log_in,
)
LOG_OUT = Procedure(
    name="fp_user_logout",
    scope=Scope.GLOBAL,
    signatures=((u64("account_db_key"),),),
    results=(("result",),),
    run=_log_out,
)

ACCOUNTS = (SIGN_UP, CREATE_ACCOUNT, LOG_IN, alias("sp_login_user", LOG_IN), LOG_OUT)
