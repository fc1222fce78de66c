"""Cleaning the outbox up (2.14–2.16 and the alias), after what `outbox` has left there."""

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import func, select, update

from differential.script.outbox import published
from differential.steps import Database, Row, Step, done
from shardwise.messaging.models import OutboxSequence, UniversalOutboxEvent


def cleaned(count: int, days: int) -> Row:
    """Return the row of a clean-up."""
    return done(deleted_count=count, retention_period=f"{days} days")


def steps(shard: int) -> list[Step]:
    """Return the room's script for one shard."""
    db = Database(shard)
    call = db.call
    table = UniversalOutboxEvent
    aging = f"aging{shard}"

    def published_events(days: int | None, count: int, stated: int) -> Step:
        return call("fp_universal_outbox_cleanup_published", days, gives=cleaned(count, stated))

    def failed_events(days: int | None, count: int, stated: int) -> Step:
        return call("fp_universal_outbox_cleanup_failed", days, gives=cleaned(count, stated))

    def sequences(days: int | None, count: int, stated: int) -> Step:
        return call("fp_universal_outbox_cleanup_sequences", days, gives=cleaned(count, stated))

    def aged(partition: str, days: float, **values: Any) -> list[Step]:
        """Publish an event into a partition of its own and make it old."""
        past = datetime.now(UTC) - timedelta(days=days)
        columns = dict.fromkeys(("created_at", "updated_at"), past) | values
        if values.get("status") == "published":
            columns["published_at"] = past
        return [
            call(
                "fp_universal_outbox_publish",
                aging,
                partition,
                "sent",
                "x",
                "{}",
                gives=published(f"event{shard}-{partition}", 1),
            ),
            db.meanwhile(lambda kept: update(table).where(table.partition_key == partition).values(columns)),
        ]

    def left(*partitions: str, mends: str | None = None) -> Step:
        return db.holds(
            lambda kept: (
                select(table.partition_key).where(table.domain == aging).order_by(table.partition_key)
            ),
            *[(each,) for each in partitions],
            mends=mends,
        )

    return [
        *aged("old-1", 20, status="published"),
        *aged("old-2", 8, status="published"),
        *aged("old-3", 6, status="published"),
        *aged("old-4", 400),
        *aged("old-5", 40, status="failed", retry_count=1),
        *aged("old-6", 31, status="dead_letter", retry_count=3),
        *aged("old-7", 20, status="failed", retry_count=1),
        # Made long ago, failed now: its time runs from the failure.
        *aged("old-8", 400, status="failed", retry_count=1, updated_at=datetime.now(UTC)),
        published_events(15, 1, 15),
        left("old-2", "old-3", "old-4", "old-5", "old-6", "old-7", "old-8"),
        published_events(None, 1, 7),
        published_events(0, 0, 7),
        published_events(-3, 0, 7),
        published_events(5, 1, 5),
        left("old-4", "old-5", "old-6", "old-7", "old-8"),
        failed_events(35, 1, 35),
        failed_events(None, 1, 30),
        failed_events(0, 0, 30),
        left("old-4", "old-7", "old-8", mends="D28"),
        failed_events(10, 1, 10),
        left("old-4", "old-8"),
        # What is neither published nor given up stays, however old.
        published_events(1, 0, 1),
        failed_events(1, 0, 1),
        sequences(None, 0, 90),
        db.meanwhile(
            lambda kept: (
                update(OutboxSequence)
                .where(OutboxSequence.domain == aging)
                .values(updated_at=datetime.now(UTC) - timedelta(days=60))
            )
        ),
        sequences(None, 0, 90),
        sequences(29, 0, 90),
        sequences(0, 0, 90),
        sequences(70, 0, 70),
        sequences(30, 6, 30),
        db.holds(
            lambda kept: (
                select(func.count()).select_from(OutboxSequence).where(OutboxSequence.domain == aging)
            ),
            (2,),
        ),
        *aged("old-1", 31, status="published"),
        call("fp_universal_outbox_cleanup", gives=[cleaned(1, 7), cleaned(0, 30), cleaned(0, 90)]),
        call("fp_universal_outbox_cleanup", 1, gives=[cleaned(0, 1), cleaned(0, 1), cleaned(0, 90)]),
    ]
