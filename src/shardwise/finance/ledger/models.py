"""Money: one ledger account for each account, and what moved it."""

from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from sqlalchemy import Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from shardwise.finance.columns import decimal_column
from shardwise.kit.ids import new_text_id
from shardwise.schema.base import ShardBase
from shardwise.schema.columns import account_key_column, created_at_column, updated_at_column
from shardwise.schema.types import Choice, ExactDecimal


class LedgerAccountType(StrEnum):
    """What a ledger account is for."""

    CHECKING = "checking"
    SAVINGS = "savings"
    INVESTMENT = "investment"


class LedgerAccountStatus(StrEnum):
    """Whether money may move."""

    ACTIVE = "active"
    SUSPENDED = "suspended"
    CLOSED = "closed"


class TransactionType(StrEnum):
    """Which way money moved."""

    DEPOSIT = "deposit"
    WITHDRAWAL = "withdrawal"
    TRANSFER_IN = "transfer_in"
    TRANSFER_OUT = "transfer_out"
    FEE = "fee"


class TransactionStatus(StrEnum):
    """How far a movement of money is."""

    PENDING = "pending"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


class LedgerAccount(ShardBase):
    """An account's money."""

    __tablename__ = "table_user_accounts"

    account_db_key: Mapped[int] = account_key_column()
    account_number: Mapped[str] = mapped_column(String(20))
    balance: Mapped[Decimal] = decimal_column(15, 2)
    account_type: Mapped[LedgerAccountType] = mapped_column(
        Choice(LedgerAccountType, "account_type"),
        default=LedgerAccountType.CHECKING,
        server_default=text("'checking'"),
    )
    account_status: Mapped[LedgerAccountStatus] = mapped_column(
        Choice(LedgerAccountStatus, "account_status"),
        default=LedgerAccountStatus.ACTIVE,
        server_default=text("'active'"),
    )
    currency_code: Mapped[str] = mapped_column(String(3), default="USD", server_default=text("'USD'"))
    created_at: Mapped[datetime] = created_at_column()
    updated_at: Mapped[datetime] = updated_at_column()

    __table_args__ = (
        UniqueConstraint("account_number", name="uk_account_number"),
        Index("idx_account_status", "account_status"),
        Index("idx_ledger_updated", "updated_at"),
    )


class LedgerTransaction(ShardBase):
    """One movement of money of one account; its id makes repeating it harmless."""

    __tablename__ = "table_transactions"

    account_db_key: Mapped[int] = account_key_column()
    transaction_id: Mapped[str] = mapped_column(
        # As the servers' default collations compare, so that an id is taken in any case of its letters.
        String(32).with_variant(String(32, collation="NOCASE"), "sqlite"),
        primary_key=True,
        default=new_text_id,
    )
    account_number: Mapped[str] = mapped_column(String(20))
    amount: Mapped[Decimal] = mapped_column(ExactDecimal(15, 2))
    transaction_type: Mapped[TransactionType] = mapped_column(Choice(TransactionType, "transaction_type"))
    description: Mapped[str | None] = mapped_column(Text)
    reference_id: Mapped[str | None] = mapped_column(String(50))
    status: Mapped[TransactionStatus] = mapped_column(
        Choice(TransactionStatus, "status"),
        default=TransactionStatus.PENDING,
        server_default=text("'pending'"),
    )
    created_at: Mapped[datetime] = created_at_column()

    __table_args__ = (
        Index("idx_transaction_history", "account_db_key", "created_at", "transaction_id"),
        Index("idx_transaction_created", "created_at"),
    )
