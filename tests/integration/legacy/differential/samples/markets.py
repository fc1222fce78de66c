"""The shards' procedures of Kalman filters, notifications and signals."""

import json

from differential.matching import Kept
from differential.samples.sample import (
    ANY,
    ERROR_ROW,
    FAILED,
    FAILS,
    NONE,
    NUMBER_0,
    NUMBER_1,
    NUMBER_1002,
    SUCCESS,
    Outcome,
    Sample,
    sample,
)
from differential.script.kalman import P, X
from differential.steps import First

KEY, OTHER = Kept("owner1"), Kept("other1")
ALARM = "alarm-1-other"
_KEY = "account_db_key:u64"
_APPLE = First({"ticker": "AAPL"})


def _times(count: int, outcome: Outcome) -> tuple[Outcome, ...]:
    return (outcome,) * count


_KALMAN = (
    sample(
        "fp_kalman_history_insert",
        f"ticker:text(20) {_KEY} timestamp:dt6 state_vector_x:JSON covariance_matrix_p:JSON step_count:i32"
        " trading_signal:text(20) market_data:JSON performance_metrics:JSON",
        lambda n: ("SWEEP", KEY, "2026-03-01 10:00:00", json.dumps(X), json.dumps(P), 1, "BUY", "{}", "{}"),
        *_times(5, FAILS), *_times(4, SUCCESS),
    ),
    sample("fp_kalman_latest_state_get", f"ticker:text(20) {_KEY}", lambda n: ("AAPL", KEY), NONE, NONE),
    sample(
        "fp_kalman_history_get",
        f"ticker:text(20) {_KEY} start_date:dt end_date:dt limit:i32 offset:i32",
        lambda n: ("AAPL", KEY, "2026-01-01", "2027-01-01", 1, 0),
        NONE, NONE, NONE, NONE, _APPLE, _APPLE,
    ),
)  # fmt: skip

_LIST = f"{_KEY} type_id:text(64) limit:i32 offset:i32"
_ONE = f"notification_id:text(128) {_KEY}"


def _list(number: int) -> tuple[object, ...]:
    return KEY, "nothing", 1, 0


_NOTIFICATIONS = (
    sample(
        "fp_inapp_notification_create",
        f"notification_id:text(128) {_KEY} type_id:text(64) title:text(255) message:text(65535) data:JSON"
        " priority:u8 expires_at:dt6",
        lambda n: (f"sweep-{n}", KEY, "sweep", "Title", "Text", "{}", 1, "2099-01-01 00:00:00"),
        *_times(5, FAILS), *_times(3, SUCCESS),
    ),
    sample("fp_inapp_notifications_get_unread", _LIST, _list, NONE, ANY, NONE, NONE),
    sample("fp_inapp_notification_get_unread", _LIST, _list, NONE, ANY, NONE, NONE),
    sample("fp_inapp_notifications_get_read_and_delete", _LIST, _list, NONE, ANY, NONE, NONE),
    sample("fp_inapp_notifications_get_all", _LIST, _list, NONE, ANY, NONE, NONE),
    sample("fp_inapp_notification_mark_read", _ONE, lambda n: ("no-note", KEY), FAILED, FAILED),
    sample(
        "fp_inapp_notifications_mark_all_read",
        f"{_KEY} type_id:text(64)",
        lambda n: (KEY, "nothing"),
        First({"result": "SUCCESS", "updated_count": 0}), SUCCESS,
    ),
    sample("fp_inapp_notification_soft_delete", _ONE, lambda n: ("no-note", KEY), FAILED, FAILED),
    sample(
        "fp_inapp_notification_stats_get",
        f"{_KEY} days:i32",
        lambda n: (KEY, 1),
        First({"current_unread_count": 0}), ANY,
    ),
    sample("fp_inapp_notifications_cleanup_expired", "", lambda n: ()),
    sample("fp_inapp_notification_stats_update", _KEY, lambda n: (KEY,), FAILS),
    sample(
        "fp_inapp_notification_stats_update",
        f"{_KEY} date:date",
        lambda n: (KEY, "2026-03-01"),
        FAILS, ANY,
    ),
)  # fmt: skip

_ALARM = (
    f"alarm_id:text(128) {_KEY} symbol:text(50) company_name:text(200) current_price:dec(19,6)"
    " exchange:text(50) currency:text(10) note:text(500)"
)
_ALARM_NULLS = (*_times(3, ERROR_ROW), *_times(5, NUMBER_0))
_ALARM_KEY = f"alarm_id:text(128) {_KEY}"


def _alarm(number: int) -> tuple[object, ...]:
    return f"sweep-{number}", KEY, f"SWEEP{number}", "Company", "1.5", "NYSE", "USD", "note"


# Shard 1 took two words, into a column in which the longest of the four had no room.
_SIGNAL = (
    f"signal_id:text(128) alarm_id:text(128) {_KEY} symbol:text(50)"
    " signal_type:enum(BUY,SELL,STRONG_BUY,STRONG_SELL)"
    " signal_price:dec(19,6) volume:i64"
)
_SIGNAL_NULLS = (ERROR_ROW, NUMBER_1002, *_times(3, ERROR_ROW), NUMBER_0, NUMBER_0)
_SHORT_SIGNAL = "signal_id:text(128) alarm_id:text(128) signal_type:text(20) signal_price:dec(19,6)"
_SHORT_SIGNAL_NULLS = (ERROR_ROW, NUMBER_1002, ERROR_ROW, NUMBER_0)
_FINDING = "signal_id:text(128) price_after_1d:dec(19,6) profit_rate:dec(10,6) is_win:i8"
_FINDING_NULLS = (NUMBER_1002, *_times(3, NUMBER_0))


def _signal(number: int) -> tuple[object, ...]:
    return f"sweep-{number}", ALARM, OTHER, "AAPL", "BUY", "1.5", 10


def _short_signal(number: int) -> tuple[object, ...]:
    return f"sweep-short-{number}", ALARM, "SELL", "1.5"


def _finding(number: int) -> tuple[object, ...]:
    return "signal-1-0", "1.5", "1.5", 1


def _missing_alarm(number: int) -> tuple[object, ...]:
    return "no-alarm", KEY


def _key(number: int) -> tuple[object, ...]:
    return (KEY,)


_SIGNALS = (
    sample("fp_signal_alarm_create", _ALARM, _alarm, *_ALARM_NULLS),
    sample("fp_signal_alarm_insert", _ALARM, _alarm, *_ALARM_NULLS),
    sample("fp_signal_alarms_get_with_stats", _KEY, _key, NONE),
    sample("fp_signal_alarm_toggle", _ALARM_KEY, _missing_alarm, NUMBER_1002, NUMBER_1002),
    sample("fp_signal_alarm_update", _ALARM_KEY, _missing_alarm, NUMBER_1002, NUMBER_1002),
    sample("fp_signal_alarm_soft_delete", _ALARM_KEY, _missing_alarm, NUMBER_1002, NUMBER_1002),
    sample(
        "fp_signal_history_get",
        f"{_KEY} alarm_id:text(128) symbol:text(50) signal_type:text(20) limit:i32",
        lambda n: (KEY, "no-alarm", "AAPL", "BUY", 1),
        *_times(5, NUMBER_0),
    ),
    sample("fp_signal_alarms_get_active", "", lambda n: ()),
    sample("fp_signal_alarms_get_by_symbol", "symbol:text(50)", lambda n: ("AAPL",), NUMBER_1),
    sample("fp_signal_history_save", _SIGNAL, _signal, *_SIGNAL_NULLS),
    sample("fp_signal_history_save", _SHORT_SIGNAL, _short_signal, *_SHORT_SIGNAL_NULLS),
    sample("fp_signal_history_insert", _SIGNAL, _signal, *_SIGNAL_NULLS),
    sample("fp_signal_history_insert", _SHORT_SIGNAL, _short_signal, *_SHORT_SIGNAL_NULLS),
    sample("fp_signal_performance_update", _FINDING, _finding, *_FINDING_NULLS),
    sample("fp_signal_performance_evaluate", _FINDING, _finding, *_FINDING_NULLS),
    sample("fp_signal_get_pending_evaluation", "evaluation_date:date", lambda n: ("2026-03-01",), NUMBER_1),
    sample("fp_signal_statistics_get", _KEY, _key, NUMBER_0),
    sample("fp_user_signal_statistics", _KEY, _key, NUMBER_0),
    sample("fp_signal_symbols_get_active", "", lambda n: ()),
)

SAMPLES: tuple[Sample, ...] = (*_KALMAN, *_NOTIFICATIONS, *_SIGNALS)
