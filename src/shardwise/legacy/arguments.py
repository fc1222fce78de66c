"""From the values that a caller passes to the arguments of a procedure's function."""

from collections.abc import Sequence
from typing import Any

from shardwise.errors import InvalidValueError
from shardwise.legacy.procedure import Procedure, Signature
from shardwise.schema.base import SHARD_KEY


def sequence_of(params: Any) -> Sequence[Any]:
    """Return the values of a call: a tuple or list as it is, None as none, anything else as the only one."""
    if params is None:
        return ()
    return params if isinstance(params, (tuple, list)) else (params,)


def signature_for(procedure: Procedure, given: Sequence[Any]) -> Signature | None:
    """Return the signature that a number of values belongs to, None if there is none."""
    return next((one for one in procedure.signatures if len(one) == len(given)), None)


def bind_arguments(procedure: Procedure, given: Sequence[Any]) -> dict[str, Any]:
    """Return the arguments of a procedure's function by name.

    Args:
        procedure: what is called.
        given: the values in the order of one of its signatures.

    Raises:
        InvalidValueError: too few or too many, or one is not of its parameter's type.
    """
    refusal: InvalidValueError | None = None
    for signature in procedure.signatures:
        if len(signature) != len(given):
            continue
        try:
            return {one.name: one.value(value) for one, value in zip(signature, given, strict=True)}
        except InvalidValueError as error:
            refusal = refusal or error
    raise refusal or InvalidValueError(procedure.name, f"{_expected(procedure)}; {len(given)} were given")


def account_of(arguments: dict[str, Any]) -> int | None:
    """Return the account that a call is about, None if it names none."""
    key: int | None = arguments.get(SHARD_KEY)
    return key


def _expected(procedure: Procedure) -> str:
    shapes = (
        f"{len(signature)} ({', '.join(one.name for one in signature)})" if signature else "0"
        for signature in procedure.signatures
    )
    return f"the number of parameters must be {' or '.join(shapes)}"
