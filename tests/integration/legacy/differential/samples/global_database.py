"""The global database's procedures."""

from differential.matching import Kept
from differential.samples.sample import FAILS, NONE, NOT_FOUND, NUMBER_1, SUCCESS, Outcome, Sample, sample

KEY = Kept("fox")
_KEY = "account_db_key:u64"
_FLAGS = (
    "email_notifications_enabled:bit sms_notifications_enabled:bit push_notifications_enabled:bit"
    " price_alert_enabled:bit news_alert_enabled:bit portfolio_alert_enabled:bit trade_alert_enabled:bit"
)
_SECRETS = tuple(f"secret-{number}" for number in range(5))
_API_KEYS = (
    "korea_investment_app_key:text(255) korea_investment_app_secret:text(255) alpha_vantage_key:text(255)"
    " polygon_key:text(255) finnhub_key:text(255)"
)


def _times(count: int, outcome: Outcome) -> tuple[Outcome, ...]:
    return (outcome,) * count


_SIGN_UP = (
    "platform_type:i8 account_id:text(100) password_hash:text(255) email:text(100) nickname:text(50)"
    " birth_year:i32 birth_month:i32 birth_day:i32 gender:enum(M,F,OTHER)"
)
_SIGN_UP_NULLS = (FAILS, FAILS, FAILS, SUCCESS, FAILS, *_times(4, SUCCESS))


def _sign_up(number: int) -> tuple[object, ...]:
    return 1, f"sweep{number}", "secret-hash", f"sweep{number}@example.org", "Sweep", 1999, 12, 31, "OTHER"


def _log_in(number: int) -> tuple[object, ...]:
    return 1, "fox"


def _key(number: int) -> tuple[object, ...]:
    return (KEY,)


SAMPLES: tuple[Sample, ...] = (
    sample("fp_user_signup", _SIGN_UP, _sign_up, *_SIGN_UP_NULLS),
    sample("sp_create_account", _SIGN_UP, _sign_up, *_SIGN_UP_NULLS),
    sample(
        "sp_create_account",
        "account_id:text(100) password_hash:text(255) nickname:text(50) email:text(100)",
        lambda n: (f"sweep{n}", "secret-hash", "Sweep", f"sweep{n}@example.org"),
        FAILS, FAILS, FAILS, SUCCESS,
    ),
    sample("fp_user_login", "platform_type:i8 account_id:text(100)", _log_in, NOT_FOUND, NOT_FOUND),
    sample("sp_login_user", "platform_type:i8 account_id:text(100)", _log_in, NOT_FOUND, NOT_FOUND),
    sample("fp_user_logout", _KEY, _key, NOT_FOUND),
    sample(
        "fp_profile_setup",
        f"{_KEY} investment_experience:enum(BEGINNER,INTERMEDIATE,EXPERT)"
        " risk_tolerance:enum(CONSERVATIVE,MODERATE,AGGRESSIVE)"
        " investment_goal:enum(GROWTH,INCOME,PRESERVATION) monthly_budget:dec(15,2)",
        lambda n: (KEY, "EXPERT", "MODERATE", "INCOME", "1.50"),
        FAILS, *_times(4, SUCCESS),
    ),
    sample("fp_profile_get", _KEY, _key, NONE),
    sample("fp_save_api_keys", f"{_KEY} {_API_KEYS}", lambda n: (KEY, *_SECRETS), FAILS, *_times(5, SUCCESS)),
    sample("fp_get_user_profile_settings", _KEY, _key, NONE),
    sample(
        "fp_update_basic_profile",
        f"{_KEY} nickname:text(50) email:text(100) phone_number:text(20)",
        lambda n: (KEY, "Fox", "fox@example.org", "1"),
        NOT_FOUND, FAILS, SUCCESS, SUCCESS,
    ),
    sample(
        "fp_update_notification_settings",
        f"{_KEY} {_FLAGS}",
        lambda n: (KEY, 1, 1, 1, 1, 1, 1, 1),
        *_times(8, FAILS),
    ),
    sample(
        "fp_change_password",
        f"{_KEY} new_password_hash:text(255) changed_by_ip:text(45)",
        lambda n: (KEY, f"secret-hash{n}", "10.0.0.1"),
        FAILS, FAILS, SUCCESS,
    ),
    sample("fp_get_payment_plan", _KEY, _key, NONE),
    sample("fp_initialize_user_defaults", _KEY, _key, FAILS),
    sample("fp_get_api_keys", _KEY, _key, NONE),
    sample(
        "fp_update_profile_all",
        f"{_KEY} nickname:text(50) email:text(100) phone_number:text(20) {_FLAGS} current_password:text(255)"
        f" new_password:text(255) {_API_KEYS}",
        lambda n: (KEY, "Fox", "fox@example.org", "1", 0, 0, 0, 0, 0, 0, 0, None, None, *_SECRETS),
        FAILS, FAILS, SUCCESS, SUCCESS, *_times(7, FAILS), *_times(7, SUCCESS),
    ),
    sample("fp_get_user_notification_settings", _KEY, _key, NUMBER_1),
    sample("fp_get_user_contact_info", _KEY, _key, NUMBER_1),
    sample("fp_get_active_shard_ids", "", lambda n: ()),
    sample(
        "fp_update_shard_status", "shard_id:i32 status:text(20)", lambda n: (1, "active"), NUMBER_1, NUMBER_1
    ),
)  # fmt: skip
