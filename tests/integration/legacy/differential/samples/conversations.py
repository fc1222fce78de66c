"""The shards' procedures of ledger, portfolios, chat, outbox and tutorials."""

from differential.matching import Kept
from differential.samples.sample import (
    ANY,
    FAILED,
    FAILS,
    NONE,
    NOT_FOUND,
    SUCCESS,
    Outcome,
    Sample,
    sample,
)
from differential.steps import First

KEY, EVENT = Kept("owner1"), Kept("event1-m1")
ROOM = "room-1-b"
_KEY = "account_db_key:u64"
_EXISTS = First({"result": "EXISTS"})


def _key(number: int) -> tuple[object, ...]:
    return (KEY,)


def _times(count: int, outcome: Outcome) -> tuple[Outcome, ...]:
    return (outcome,) * count


def _message(number: int) -> tuple[object, ...]:
    return f"sweep-{number}", ROOM, KEY, "USER", "Hello", "{}", "message-1-late"


_MESSAGE = (
    f"message_id:text(128) room_id:text(128) {_KEY} message_type:enum(USER,AI,SYSTEM) content:text(65535)"
    " metadata:JSON parent_message_id:text(128)"
)
# Shard 2 made the ids itself: without one, both do.
_MESSAGE_NULLS = (SUCCESS, *_times(4, FAILS), SUCCESS, SUCCESS)
_PAGE = f"room_id:text(128) {_KEY} limit:i32 offset:i32"
_PAGE_NULLS = (NONE, NONE, First({"message_id": "message-1-late"}), First({"message_id": "message-1-late"}))


def _page(number: int) -> tuple[object, ...]:
    return ROOM, KEY, 1, 0


_ACCOUNTS = (
    sample(
        "fp_create_account",
        f"{_KEY} account_type:enum(checking,savings,investment)",
        lambda n: (KEY, "savings"),
        FAILS, _EXISTS,
    ),
    sample("fp_get_account_info", _KEY, _key, NONE),
    sample("fp_get_user_portfolios", _KEY, _key, NONE),
    sample("sp_get_shard_user_stats", "", lambda n: ()),
)  # fmt: skip
_CHAT = (
    sample(
        "fp_chat_room_create",
        f"room_id:text(128) {_KEY} title:text(200) ai_persona:text(100)",
        lambda n: (f"sweep-{n}", KEY, "Sweep", "GPT4O"),
        *_times(4, FAILS),
    ),
    sample("fp_chat_message_batch_save", _MESSAGE, _message, *_MESSAGE_NULLS),
    sample("fp_chat_message_insert", _MESSAGE, _message, *_MESSAGE_NULLS),
    sample("fp_chat_messages_get", _PAGE, _page, *_PAGE_NULLS),
    sample("fp_chat_message_list", _PAGE, _page, *_PAGE_NULLS),
    sample("fp_chat_rooms_get", _KEY, _key, NONE),
    sample("fp_chat_room_list", _KEY, _key, NONE),
    sample(
        "fp_chat_room_soft_delete", f"room_id:text(128) {_KEY}", lambda n: ("no-room", KEY), FAILED, FAILED
    ),
    sample(
        "fp_chat_room_update_title",
        f"room_id:text(128) {_KEY} new_title:text(200)",
        lambda n: (ROOM, KEY, "Sweep"),
        FAILED, FAILED, FAILS,
    ),
    sample(
        "fp_chat_message_soft_delete",
        f"message_id:text(128) room_id:text(128) {_KEY}",
        lambda n: ("no-message", ROOM, KEY),
        FAILED, FAILED, FAILED,
    ),
    sample("fp_chat_statistics_update", _KEY, _key, FAILS),
    sample("fp_chat_statistics_update", f"{_KEY} date:date", lambda n: (KEY, "2026-03-01"), FAILS, ANY),
)  # fmt: skip
_DAYS = ("retention_days:i32", lambda n: (90,), SUCCESS)
_OUTBOX = (
    sample(
        "fn_get_next_sequence",
        "domain:text(50) partition_key:text(128)",
        lambda n: ("sweep", "p"),
        FAILS, FAILS,
    ),
    sample(
        "fp_universal_outbox_publish",
        "domain:text(50) partition_key:text(128) event_type:text(100) aggregate_id:text(128) event_data:JSON",
        lambda n: ("sweep", "p", "swept", "a", "{}"),
        *_times(5, FAILS),
    ),
    sample(
        "fp_universal_outbox_get_pending",
        "domain:text(50) batch_size:i32",
        lambda n: ("nothing", 5),
        FAILS, NONE,
    ),
    sample(
        "fp_universal_outbox_update_status",
        "event_id:text(36) status:enum(pending,published,failed,dead_letter) error_message:text(65535)",
        lambda n: (EVENT, "pending", "error"),
        NOT_FOUND, FAILS, SUCCESS,
    ),
    sample("fp_universal_outbox_mark_published", "event_id:text(36)", lambda n: (EVENT,), NOT_FOUND),
    sample(
        "fp_universal_outbox_mark_failed",
        "event_id:text(36) error_message:text(65535)",
        lambda n: (EVENT, "error"),
        NOT_FOUND, SUCCESS,
    ),
    sample("fp_universal_outbox_cleanup_published", *_DAYS),
    sample("fp_universal_outbox_cleanup_failed", *_DAYS),
    sample("fp_universal_outbox_cleanup_sequences", *_DAYS),
    sample("fp_universal_outbox_cleanup", "", lambda n: ()),
    sample("fp_universal_outbox_cleanup", *_DAYS),
)  # fmt: skip
_TUTORIALS = (
    sample(
        "fp_tutorial_complete_step",
        f"{_KEY} tutorial_type:text(50) step_number:i32",
        lambda n: (KEY, "SWEEP", 1),
        FAILS, FAILS, FAILS,
    ),
    sample("fp_tutorial_get_progress", _KEY, _key, NONE),
)  # fmt: skip

SAMPLES: tuple[Sample, ...] = (*_ACCOUNTS, *_CHAT, *_OUTBOX, *_TUTORIALS)
