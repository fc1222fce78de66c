"""Ledger accounts and positions (2.1, 2.2, fp_get_user_portfolios), the same on either shard."""

from decimal import Decimal

from sqlalchemy import insert, update

from differential.matching import ID, NOW, TEXT, Keep, Kept, Like
from differential.steps import FAILS, NO_ACCOUNT, WRONG_SHARD, Database, Row, Step, words
from shardwise.finance.ledger.models import LedgerAccount
from shardwise.finance.portfolios.models import PortfolioPosition

UNKNOWN = 999_999


def _account(number: Kept, account_type: str | None) -> Row:
    return {
        "account_number": number,
        "balance": Decimal("0.00"),
        "account_type": account_type,
        "account_status": "active",
        "currency_code": "USD",
        "created_at": NOW,
        "updated_at": NOW,
    }


def _position(key: Kept, code: str, kind: str, quantity: str, cost: str, value: str) -> Row:
    return {
        "portfolio_id": ID,
        "account_db_key": key,
        "asset_code": code,
        "asset_type": kind,
        "quantity": Decimal(quantity),
        "average_cost": Decimal(cost),
        "current_value": Decimal(value),
        "last_updated": NOW,
    }


def steps(shard: int) -> list[Step]:
    """Return the room's script for one shard."""
    db = Database(shard)
    call = db.call
    owner, other, stranger = Kept(f"owner{shard}"), Kept(f"other{shard}"), Kept(f"owner{3 - shard}")
    counted = Kept(f"counted{shard}")
    number, other_number = Kept(f"number{shard}"), Kept(f"other_number{shard}")
    return [
        call("fp_get_account_info", owner, gives=[]),
        # The old number was the shard, the seconds and the key's last digits.
        call(
            "fp_create_account",
            owner,
            "checking",
            gives=words("SUCCESS", account_number=Keep(number.name, Like(r"\S{10,20}"))),
            mends="D23",
        ),
        call("fp_create_account", owner, "checking", gives=words("EXISTS", account_number=number)),
        call("fp_create_account", owner, "investment", gives=words("EXISTS", account_number=number)),
        call("fp_get_account_info", owner, gives=_account(number, "checking")),
        call("fp_create_account", other, "gold", fails=FAILS, mends="D3"),
        call("fp_get_account_info", other, gives=[]),
        call(
            "fp_create_account",
            other,
            "INVESTMENT",
            gives=words("SUCCESS", account_number=Keep(other_number.name, Like(r"\S{10,20}"))),
        ),
        call("FP_GET_ACCOUNT_INFO", other, gives=_account(other_number, "investment")),
        db.meanwhile(
            lambda kept: (
                update(LedgerAccount)
                .where(LedgerAccount.account_db_key == kept[other.name])
                .values(account_status="suspended")
            )
        ),
        call("fp_get_account_info", other, gives=[]),
        call("fp_create_account", other, "savings", gives=words("EXISTS", account_number=other_number)),
        # NULL was stored as such: an account of no type.
        call(
            "fp_create_account",
            counted,
            None,
            gives=words("SUCCESS", account_number=Keep(f"counted_number{shard}", TEXT)),
        ),
        call(
            "fp_get_account_info",
            counted,
            gives=_account(Kept(f"counted_number{shard}"), "checking"),
            mends="D27",
        ),
        call("fp_get_account_info", UNKNOWN, gives=[]),
        call("fp_get_account_info", 0, gives=[]),
        call("fp_create_account", UNKNOWN, "savings", fails=NO_ACCOUNT, mends="D21"),
        call("fp_create_account", stranger, "savings", fails=WRONG_SHARD, mends="D21"),
        call("fp_get_account_info", stranger, fails=WRONG_SHARD, mends="D21"),
        call("fp_get_user_portfolios", owner, gives=[]),
        db.meanwhile(
            lambda kept: insert(PortfolioPosition).values(
                account_db_key=kept[owner.name],
                portfolio_id=7,
                asset_code="MSFT",
                quantity=2,
                average_cost=300,
            )
        ),
        db.meanwhile(
            lambda kept: insert(PortfolioPosition).values(
                account_db_key=kept[owner.name],
                portfolio_id=8,
                asset_code="BTC",
                asset_type="CRYPTO",
                quantity=Decimal("0.000001"),
                current_value=Decimal("0.05"),
            )
        ),
        call(
            "fp_get_user_portfolios",
            owner,
            gives=[
                _position(owner, "BTC", "CRYPTO", "0.000001", "0.00", "0.05"),
                _position(owner, "MSFT", "STOCK", "2.000000", "300.00", "0.00"),
            ],
        ),
        call("fp_get_user_portfolios", other, gives=[]),
        call("fp_get_user_portfolios", UNKNOWN, gives=[]),
    ]
