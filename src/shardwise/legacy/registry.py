"""The procedures that this library answers itself, by name."""

from collections.abc import Iterable, Mapping
from functools import cache
from types import MappingProxyType

from shardwise.errors import ConfigurationError, InvalidValueError
from shardwise.legacy.procedure import Procedure
from shardwise.legacy.procedures import (
    chat,
    identity,
    kalman,
    ledger,
    notifications,
    outbox,
    shards,
    signals,
    tutorial,
)

_ROOMS = (
    identity.PROCEDURES,
    shards.PROCEDURES,
    ledger.PROCEDURES,
    chat.PROCEDURES,
    outbox.PROCEDURES,
    tutorial.PROCEDURES,
    kalman.PROCEDURES,
    notifications.PROCEDURES,
    signals.PROCEDURES,
)


def registered_procedures() -> tuple[Procedure, ...]:
    """Return every procedure that this library answers itself, aliases too, by name.

    Each says its scope, its signatures, its result columns, and what it is an alias of.
    """
    return tuple(procedure for _, procedure in sorted(_registry().items()))


def find_procedure(name: str) -> Procedure | None:
    """Return the procedure that is called so, in any case as on the server; None if it isn't ours.

    Raises:
        InvalidValueError: the name is no text.
    """
    if not isinstance(name, str):
        raise InvalidValueError("procedure_name", f"it must be text, not {type(name).__name__}")
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
    return MappingProxyType(by_name(procedure for room in _ROOMS for procedure in room))
