"""The values that bound parameters stand for."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import BindParameter

Keys = frozenset[int]


class Binds:
    """Resolves the bound parameters of one execution.

    Args:
        parameters: what the statement is executed with.
    """

    __slots__ = ("parameters",)

    def __init__(self, parameters: Mapping[str, Any]) -> None:
        self.parameters = parameters

    def keys(self, element: Any, *, several: bool = False) -> Keys | None:
        """Return the account keys that one side of a comparison stands for, None if they aren't known.

        Args:
            element: a bound parameter or a literal; anything else isn't known.
            several: it is the list of an IN.
        """
        if not isinstance(element, BindParameter) or element.callable is not None:
            return None  # a callable may give another value when the statement is executed
        value = self._value(element)
        if not several:
            return frozenset((value,)) if type(value) is int else None
        if not isinstance(value, (list, tuple, set, frozenset)) or any(
            type(item) is not int for item in value
        ):
            return None
        return frozenset(value)

    def _value(self, bind: BindParameter[Any]) -> Any:
        if not self.parameters:
            return bind.value
        if bind.key in self.parameters:
            return self.parameters[bind.key]
        if bind.unique and any(self._is_compiled_name(name, bind) for name in self.parameters):
            return None  # `key == 1` is compiled as :account_db_key_1, which a parameter can replace
        return bind.value

    def _is_compiled_name(self, name: str, bind: BindParameter[Any]) -> bool:
        head, _, number = name.rpartition("_")
        return head == bind._orig_key and number.isdigit()
