"""What an account holds."""

from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from sqlalchemy import BigInteger, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from shardwise.finance.columns import decimal_column
from shardwise.kit.ids import new_id
from shardwise.schema.base import ShardBase
from shardwise.schema.columns import account_key_column, updated_at_column
from shardwise.schema.types import Choice


class AssetType(StrEnum):
    """What kind of thing is held."""

    STOCK = "STOCK"
    ETF = "ETF"
    FUND = "FUND"
    CASH = "CASH"
    CRYPTO = "CRYPTO"


class PortfolioPosition(ShardBase):
    """One asset of one account, at its average cost."""

    __tablename__ = "table_user_portfolios"

    account_db_key: Mapped[int] = account_key_column()
    portfolio_id: Mapped[int] = mapped_column(
        BigInteger, primary_key=True, autoincrement=False, default=new_id
    )
    asset_code: Mapped[str] = mapped_column(String(10))
    asset_type: Mapped[AssetType] = mapped_column(
        Choice(AssetType, "asset_type"), default=AssetType.STOCK, server_default=text("'STOCK'")
    )
    quantity: Mapped[Decimal] = decimal_column(15, 6)
    average_cost: Mapped[Decimal] = decimal_column(15, 2)
    current_value: Mapped[Decimal] = decimal_column(15, 2)
    last_updated: Mapped[datetime] = updated_at_column()

    __table_args__ = (
        UniqueConstraint("account_db_key", "asset_code", name="uk_user_asset"),
        Index("idx_asset_code", "asset_code"),
    )
