"""The old procedures of ledger accounts and positions."""

from shardwise.finance.ledger.models import LedgerAccountType
from shardwise.finance.ledger.opening import open_account
from shardwise.finance.ledger.repository import LedgerAccountRepository
from shardwise.finance.portfolios.repository import PositionRepository
from shardwise.legacy.parameters import u64, word
from shardwise.legacy.procedure import Call, Procedure, Rows, Scope
from shardwise.legacy.rows import status

_ACCOUNT_COLUMNS = (
    "account_number",
    "balance",
    "account_type",
    "account_status",
    "currency_code",
    "created_at",
    "updated_at",
)
_POSITION_COLUMNS = (
    "portfolio_id",
    "account_db_key",
    "asset_code",
    "asset_type",
    "quantity",
    "average_cost",
    "current_value",
    "last_updated",
)
_TOTALS_COLUMNS = ("shard_id", "user_count", "active_users", "last_updated")


async def _create_account(call: Call, *, account_db_key: int, account_type: str | None) -> Rows:
    kind = LedgerAccountType.CHECKING if account_type is None else LedgerAccountType(account_type)
    opened = await open_account(call.session, account_db_key, account_type=kind)
    return [status("EXISTS" if opened.existed else "SUCCESS", account_number=opened.account.account_number)]


async def _get_account_info(call: Call, *, account_db_key: int | None) -> Rows:
    if account_db_key is None:
        return []
    account = await LedgerAccountRepository(call.session).find_active(account_db_key)
    return [] if account is None else [{name: getattr(account, name) for name in _ACCOUNT_COLUMNS}]


async def _get_user_portfolios(call: Call, *, account_db_key: int | None) -> Rows:
    if account_db_key is None:
        return []
    positions = await PositionRepository(call.session).all_of(account_db_key)
    return [{name: getattr(position, name) for name in _POSITION_COLUMNS} for position in positions]


async def _get_shard_user_stats(call: Call) -> Rows:
    totals = await LedgerAccountRepository(call.session).totals()
    values = (call.shard_id, totals.accounts, totals.active, totals.last_changed)
    return [dict(zip(_TOTALS_COLUMNS, values, strict=True))]


PROCEDURES: tuple[Procedure, ...] = (
    Procedure(
        name="fp_create_account",
        scope=Scope.SHARD,
        signatures=((u64("account_db_key"), word("account_type", *LedgerAccountType)),),
        results=(("result", "account_number"),),
        run=_create_account,
    ),
    Procedure(
        name="fp_get_account_info",
        scope=Scope.SHARD,
        signatures=((u64("account_db_key"),),),
        results=(_ACCOUNT_COLUMNS,),
        run=_get_account_info,
        writes=False,
    ),
    Procedure(
        name="fp_get_user_portfolios",
        scope=Scope.SHARD,
        signatures=((u64("account_db_key"),),),
        results=(_POSITION_COLUMNS,),
        run=_get_user_portfolios,
        writes=False,
    ),
    Procedure(
        name="sp_get_shard_user_stats",
        scope=Scope.SHARD,
        signatures=((),),
        results=(_TOTALS_COLUMNS,),
        run=_get_shard_user_stats,
        writes=False,
    ),
)
