"""The control tables: which shards exist, which account lives where, and what went wrong."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, BigInteger, Index, Integer, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, declared_attr, mapped_column

from shardwise.schema.base import GlobalBase, ShardBase
from shardwise.schema.columns import created_at_column, updated_at_column
from shardwise.schema.types import AutoBigInt, Choice, UnsignedBigInt


class ShardStatus(StrEnum):
    """What a shard takes: everything, only maintenance sessions, or nothing."""

    ACTIVE = "active"
    MAINTENANCE = "maintenance"
    DISABLED = "disabled"


class PlacementState(StrEnum):
    """How far an account's home on its shard is."""

    PROVISIONING = "provisioning"
    ACTIVE = "active"
    MOVING = "moving"


class ShardConfig(GlobalBase):
    """A shard: where its database is and how it takes part."""

    __tablename__ = "table_shard_config"

    shard_id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    shard_name: Mapped[str] = mapped_column(String(50))
    driver: Mapped[str] = mapped_column(
        String(50), default="mysql+asyncmy", server_default=text("'mysql+asyncmy'")
    )
    host: Mapped[str] = mapped_column(String(255))
    port: Mapped[int] = mapped_column(Integer, default=3306, server_default=text("3306"))
    database_name: Mapped[str] = mapped_column(String(512))
    username: Mapped[str] = mapped_column(String(100))
    password: Mapped[str] = mapped_column(String(1024))
    max_connections: Mapped[int] = mapped_column(Integer, default=100, server_default=text("100"))
    status: Mapped[ShardStatus] = mapped_column(
        Choice(ShardStatus, "status"), default=ShardStatus.ACTIVE, server_default=text("'active'")
    )
    weight: Mapped[int] = mapped_column(Integer, default=1, server_default=text("1"))
    region: Mapped[str | None] = mapped_column(String(50))
    replicas: Mapped[list[dict[str, Any]] | None] = mapped_column(JSON(none_as_null=True))
    pool_size: Mapped[int | None] = mapped_column(Integer)
    max_overflow: Mapped[int | None] = mapped_column(Integer)
    created_at: Mapped[datetime] = created_at_column()
    updated_at: Mapped[datetime] = updated_at_column()

    __table_args__ = (
        UniqueConstraint("shard_name", name="uk_shard_name"),
        Index("idx_status", "status"),
    )


class ShardMapping(GlobalBase):
    """The directory's truth: the shard of one account, and how often it has moved (`epoch`)."""

    __tablename__ = "table_user_shard_mapping"

    account_db_key: Mapped[int] = mapped_column(UnsignedBigInt(), primary_key=True, autoincrement=False)
    shard_id: Mapped[int] = mapped_column(Integer)
    epoch: Mapped[int] = mapped_column(BigInteger, default=1, server_default=text("1"))
    state: Mapped[PlacementState] = mapped_column(
        Choice(PlacementState, "state"), default=PlacementState.ACTIVE, server_default=text("'active'")
    )
    assigned_at: Mapped[datetime] = created_at_column()
    updated_at: Mapped[datetime] = updated_at_column()

    __table_args__ = (Index("idx_shard_id", "shard_id"),)


class ShardStats(GlobalBase):
    """How many accounts a shard holds; changed in the transaction that places an account."""

    __tablename__ = "table_shard_stats"

    shard_id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    user_count: Mapped[int] = mapped_column(Integer, default=0, server_default=text("0"))
    active_users: Mapped[int] = mapped_column(Integer, default=0, server_default=text("0"))
    last_updated: Mapped[datetime] = updated_at_column()


class ErrorLogColumns:
    """What `table_errorlog` holds in every database."""

    idx: Mapped[int] = mapped_column(AutoBigInt(), primary_key=True, autoincrement=True)
    procedure_name: Mapped[str | None] = mapped_column(String(128))
    error_state: Mapped[str | None] = mapped_column(String(10))
    error_no: Mapped[str | None] = mapped_column(String(10))
    error_message: Mapped[str | None] = mapped_column(String(2048))
    param: Mapped[str | None] = mapped_column(String(4000))

    @declared_attr
    def create_time(cls) -> Mapped[datetime]:  # noqa: N805  # declared_attr is given the class
        """Return the moment of the failure."""
        return created_at_column()


class GlobalErrorLog(ErrorLogColumns, GlobalBase):
    """Failed calls of the global database."""

    __tablename__ = "table_errorlog"
    __table_args__ = (Index("idx_create_time", "create_time"),)


class ErrorLog(ErrorLogColumns, ShardBase):
    """Failed calls of one shard; the rows are about the shard, not about an account."""

    __tablename__ = "table_errorlog"
    __placement__ = "local"
    __table_args__ = (Index("idx_create_time", "create_time"),)
