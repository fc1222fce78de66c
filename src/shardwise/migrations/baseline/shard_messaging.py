"""Messaging and sagas on a shard of the first installations, and its error log, as MariaDB reports them.

Frozen: revision s0001 is made of these tables, the following ones begin at them.
"""

from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from shardwise.migrations.baseline.metadata import SHARD
from shardwise.migrations.columns import choice, old_moment
from shardwise.schema.types import (
    AutoUnsignedBigInt,
)

outbox_events = Table(
    "outbox_events",
    SHARD,
    Column("id", String(36), primary_key=True),
    Column("event_type", String(100), nullable=False),
    Column("aggregate_id", String(100), nullable=False),
    Column("aggregate_type", String(50), nullable=False),
    Column("event_data", JSON, nullable=False),
    Column(
        "status",
        choice("status", "pending", "published", "failed", "retry"),
        nullable=False,
        server_default=text("'pending'"),
    ),
    Column("retry_count", Integer, nullable=False, server_default=text("0")),
    Column("max_retries", Integer, nullable=False, server_default=text("3")),
    Column("created_at", DateTime, nullable=False, server_default=text("CURRENT_TIMESTAMP")),
    Column("updated_at", DateTime, server_default=old_moment(default=False)),
    Column("published_at", DateTime),
    Index("idx_aggregate", "aggregate_type", "aggregate_id"),
    Index("idx_event_type", "event_type"),
    Index("idx_published_at", "published_at"),
    Index("idx_status_created", "status", "created_at"),
)

outbox_sequences = Table(
    "outbox_sequences",
    SHARD,
    Column("domain", String(50), primary_key=True),
    Column("partition_key", String(128), primary_key=True),
    Column("next_sequence", BigInteger, nullable=False, server_default=text("1")),
    Column("updated_at", DateTime, server_default=old_moment()),
)

saga_instances = Table(
    "saga_instances",
    SHARD,
    Column("saga_id", String(36), primary_key=True),
    Column("saga_type", String(100), nullable=False),
    Column("initiator_id", String(100), nullable=False),
    Column(
        "status",
        choice("status", "started", "completed", "failed", "compensating", "compensated"),
        nullable=False,
        server_default=text("'started'"),
    ),
    Column("current_step", Integer, nullable=False, server_default=text("0")),
    Column("total_steps", Integer, nullable=False),
    Column("saga_data", JSON),
    Column("error_message", Text),
    Column("created_at", DateTime, nullable=False, server_default=text("CURRENT_TIMESTAMP")),
    Column("updated_at", DateTime, server_default=old_moment(default=False)),
    Column("completed_at", DateTime),
    Index("idx_created_at", "created_at"),
    Index("idx_initiator_id", "initiator_id"),
    Index("idx_saga_type_status", "saga_type", "status"),
)

table_errorlog = Table(
    "table_errorlog",
    SHARD,
    Column("idx", Integer, primary_key=True),
    Column("procedure_name", String(45)),
    Column("error_state", String(10)),
    Column("error_no", String(10)),
    Column("error_message", String(128)),
    Column("create_time", DateTime, server_default=text("CURRENT_TIMESTAMP")),
    Column("param", String(4000), nullable=False),
)

universal_outbox = Table(
    "universal_outbox",
    SHARD,
    Column("id", String(36), primary_key=True),
    Column("domain", String(50), nullable=False),
    Column("partition_key", String(128), nullable=False),
    Column("sequence_no", BigInteger, nullable=False),
    Column("event_type", String(100), nullable=False),
    Column("aggregate_id", String(128), nullable=False),
    Column("event_data", JSON, nullable=False),
    Column(
        "status",
        choice("status", "pending", "published", "failed", "dead_letter"),
        nullable=False,
        server_default=text("'pending'"),
    ),
    Column("retry_count", Integer, nullable=False, server_default=text("0")),
    Column("max_retries", Integer, nullable=False, server_default=text("3")),
    Column("created_at", DateTime, nullable=False, server_default=text("CURRENT_TIMESTAMP")),
    Column("updated_at", DateTime, server_default=old_moment(default=False)),
    Column("published_at", DateTime),
    Column("error_message", Text),
    Index("idx_domain_partition", "domain", "partition_key"),
    Index("idx_published_cleanup", "status", "published_at"),
    Index("idx_status_created", "status", "created_at"),
    UniqueConstraint("domain", "partition_key", "sequence_no", name="uk_domain_partition_sequence"),
)

saga_steps = Table(
    "saga_steps",
    SHARD,
    Column("id", AutoUnsignedBigInt(), primary_key=True),
    Column("saga_id", String(36), ForeignKey("saga_instances.saga_id", ondelete="CASCADE"), nullable=False),
    Column("step_number", Integer, nullable=False),
    Column("step_name", String(100), nullable=False),
    Column(
        "status",
        choice("status", "pending", "completed", "failed", "compensated"),
        nullable=False,
        server_default=text("'pending'"),
    ),
    Column("request_data", JSON),
    Column("response_data", JSON),
    Column("error_message", Text),
    Column("started_at", DateTime),
    Column("completed_at", DateTime),
    Index("idx_saga_id", "saga_id"),
    Index("idx_status", "status"),
    UniqueConstraint("saga_id", "step_number", name="uk_saga_step"),
)
