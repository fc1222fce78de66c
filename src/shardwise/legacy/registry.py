"""The procedures that this library answers itself, by name."""

import logging
from collections.abc import Iterable, Mapping
from functools import cache
from importlib import import_module
from types import MappingProxyType

from shardwise.errors import ConfigurationError
from shardwise.legacy.procedure import Procedure, alias

logger = logging.getLogger(__name__)

_ROOMS = (
    "identity", "shards", "ledger", "chat", "outbox", "tutorial", "kalman", "notifications", "signals",
)  # fmt: skip
_ALIASES = {
    "sp_create_account": "fp_user_signup",
    "sp_login_user": "fp_user_login",
    "fp_signal_alarm_insert": "fp_signal_alarm_create",
    "fp_signal_alarm_update": "fp_signal_alarm_toggle",
    "fp_signal_history_insert": "fp_signal_history_save",
    "fp_signal_performance_evaluate": "fp_signal_performance_update",
    "fp_user_signal_statistics": "fp_signal_statistics_get",
    "fp_chat_message_insert": "fp_chat_message_batch_save",
    "fp_chat_room_list": "fp_chat_rooms_get",
    "fp_chat_message_list": "fp_chat_messages_get",
    "fp_inapp_notification_get_unread": "fp_inapp_notifications_get_unread",
}


def registered_procedures() -> tuple[Procedure, ...]:
    """Return every procedure that this library answers itself, aliases too, by name.

    Each says its scope, its signatures, its result columns, and what it is an alias of.
    """
    return tuple(procedure for _, procedure in sorted(_registry().items()))


def find_procedure(name: str) -> Procedure | None:
    """Return the procedure that is called so, in any case as on the server; None if it isn't ours."""
    return _registry().get(name.casefold())


def by_name(procedures: Iterable[Procedure]) -> dict[str, Procedure]:
    """Return procedures by their folded names.

    Raises:
        ConfigurationError: two have the same name.
    """
    found: dict[str, Procedure] = {}
    for procedure in procedures:
        if found.setdefault(procedure.name.casefold(), procedure) is not procedure:
            raise ConfigurationError(f"the procedure {procedure.name} is registered twice")
    return found


@cache
def _registry() -> Mapping[str, Procedure]:
    own = by_name(procedure for room in _ROOMS for procedure in _procedures_of(room))
    others = {
        name: alias(name, own[original])
        for name, original in _ALIASES.items()
        if original in own and name not in own
    }
    return MappingProxyType(own | others)


def _procedures_of(room: str) -> tuple[Procedure, ...]:
    try:  # for as long as the rooms are being written
        procedures: tuple[Procedure, ...] = import_module(f"shardwise.legacy.procedures.{room}").PROCEDURES
    except Exception as error:  # noqa: BLE001
        logger.warning("the procedures of %s can't be loaded: %r", room, error)
        return ()
    return procedures
