"""Publishing events and how far they are (2.10–2.13 and the two aliases), the same on either shard."""

from typing import Any

from sqlalchemy import func, select

from differential.matching import NOW, Json, Keep, Kept, Like
from differential.steps import FAILS, Database, Row, Step, done, words
from shardwise.messaging.models import UniversalOutboxEvent

UUID = Like("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
UPDATED = done("Event status updated")
NOT_FOUND = words("NOT_FOUND", "Event not found")


def published(name: str, sequence_no: int) -> Row:
    """Return the row of 2.11; the id is kept under a name."""
    return done(event_id=Keep(name, UUID), sequence_no=sequence_no)


def steps(shard: int) -> list[Step]:
    """Return the room's script for one shard."""
    db = Database(shard)
    call = db.call
    chat, market = f"chat{shard}", f"market{shard}"
    events = {name: Kept(f"event{shard}-{name}") for name in ("a1", "a2", "b1", "m1")}

    def publish(name: str, domain: str, partition: str, sequence_no: int, data: str = '{"n": 1}') -> Step:
        gives = published(events[name].name, sequence_no)
        return call(
            "fp_universal_outbox_publish", domain, partition, "sent", "aggregate-1", data, gives=gives
        )

    def event(
        name: str, domain: str, partition: str, sequence_no: int, retries: int = 0, data: Any = None
    ) -> Row:
        return {
            "id": events[name],
            "domain": domain,
            "partition_key": partition,
            "sequence_no": sequence_no,
            "event_type": "sent",
            "aggregate_id": "aggregate-1",
            "event_data": Json({"n": 1} if data is None else data),
            "retry_count": retries,
            "max_retries": 3,
            "created_at": NOW,
        }

    def pending(domain: str | None, size: int | None, gives: list[Row], **more: Any) -> Step:
        return call("fp_universal_outbox_get_pending", domain, size, gives=gives, **more)

    def mark(name: str, status: str, error: str | None, gives: Row = UPDATED, **more: Any) -> Step:
        return call("fp_universal_outbox_update_status", events[name], status, error, gives=gives, **more)

    def stored(name: str, *columns: Any) -> Step:
        table = UniversalOutboxEvent
        return db.holds(
            lambda kept: select(
                table.status, table.retry_count, table.error_message, table.published_at.is_not(None)
            ).where(table.id == kept[events[name].name]),
            columns,
        )

    b1, a1, a2 = (
        event("b1", chat, "room-b", 1),
        event("a1", chat, "room-a", 1),
        event("a2", chat, "room-a", 2),
    )
    publishing = [
        pending(chat, 10, []),
        publish("b1", chat, "room-b", 1),
        publish("a1", chat, "room-a", 1),
        publish("a2", chat, "room-a", 2),
        publish("m1", market, "room-a", 1, '{"이름": [1, 2.5, null]}'),
        call("fp_universal_outbox_publish", chat, "room-a", "sent", "x", "no JSON", fails=FAILS),
        call("fp_universal_outbox_publish", chat, "room-a", "sent", None, "{}", fails=FAILS, mends="D1"),
        # A failed event leaves no gap.
        call("fp_universal_outbox_publish", chat, "room-c", "sent", "x", None, fails=FAILS),
        call(
            "fp_universal_outbox_publish",
            chat,
            "room-c",
            "sent",
            "x",
            "{}",
            gives=published(f"event{shard}-c1", 1),
        ),
        call("fp_universal_outbox_mark_published", Kept(f"event{shard}-c1"), gives=UPDATED),
        db.holds(
            lambda kept: (
                select(func.count())
                .select_from(UniversalOutboxEvent)
                .where(UniversalOutboxEvent.domain == chat)
            ),
            (4,),
        ),
    ]
    reading = [
        pending(chat, 10, [a1, a2, b1]),
        pending(chat, None, [a1, a2, b1]),
        pending(chat, 2, [a1, a2]),
        pending(chat, 0, []),
        pending(market, 10, [event("m1", market, "room-a", 1, data={"이름": [1, 2.5, None]})]),
        pending("nothing", 10, []),
        pending(f"{chat}' OR '1'='1", 10, [], mends="D5"),
        pending('x" UNION SELECT 1 -- ', 10, [], mends="D5"),
        call("fp_universal_outbox_get_pending", chat, -1, fails=FAILS),
        call("fp_universal_outbox_get_pending", None, 10, fails=FAILS, mends="D1"),
    ]
    marking = [
        mark("a1", "published", None),
        stored("a1", "published", 0, None, True),
        pending(chat, 10, [a2, b1]),
        mark("a1", "published", None, mends="D16"),
        mark("a2", "failed", "no answer"),
        stored("a2", "failed", 1, "no answer", False),
        pending(chat, 10, [b1]),
        mark("a2", "pending", None),
        stored("a2", "pending", 1, None, False),
        pending(chat, 10, [event("a2", chat, "room-a", 2, retries=1), b1]),
        mark("a2", "FAILED", "again"),
        call("fp_universal_outbox_mark_failed", events["a2"], "and again", gives=UPDATED),
        stored("a2", "failed", 3, "and again", False),
        # Nobody would ever fetch it or clean it up again if it were pending.
        mark("a2", "pending", None),
        db.holds(
            lambda kept: select(UniversalOutboxEvent.status).where(
                UniversalOutboxEvent.id == kept[events["a2"].name]
            ),
            ("dead_letter",),
            mends="D28",
        ),
        pending(chat, 10, [b1]),
        mark("a2", "dead_letter", "given up"),
        stored("a2", "dead_letter", 3, "given up", False),
        call("fp_universal_outbox_mark_published", events["b1"], gives=UPDATED),
        stored("b1", "published", 0, None, True),
        pending(chat, 10, []),
        call("fp_universal_outbox_update_status", "no-event", "published", None, gives=NOT_FOUND),
        call("fp_universal_outbox_mark_published", "no-event", gives=NOT_FOUND),
        call("fp_universal_outbox_mark_failed", "no-event", None, gives=NOT_FOUND),
        call("fp_universal_outbox_update_status", events["m1"], "lost", None, fails=FAILS, mends="D3"),
        stored("m1", "pending", 0, None, False),
    ]
    numbers = [
        call("fn_get_next_sequence", f"numbers{shard}", "p", gives=_number(1)),
        call("fn_get_next_sequence", f"numbers{shard}", "p", gives=_number(2)),
        call("fn_get_next_sequence", f"numbers{shard}", "q", gives=_number(1)),
        call("FN_Get_Next_Sequence", f"numbers{shard}", "p", gives=_number(3)),
        call(
            "fp_universal_outbox_publish",
            f"numbers{shard}",
            "p",
            "sent",
            "x",
            "[]",
            gives=published(f"event{shard}-p4", 4),
        ),
    ]
    return [*publishing, *reading, *marking, *numbers]


def _number(value: int) -> Row:
    """Return the row of the function, named as the server names it."""
    return {"fn_get_next_sequence": value}
