"""What is wrong with a value of a pydantic model, and what would be accepted, in words."""

from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel, ValidationError

Location = tuple[int | str, ...]

_ACCEPTED = {"ge": "at least", "gt": "more than", "le": "at most", "lt": "less than"}


def problems(error: ValidationError, model: type[BaseModel], *inside: str) -> Iterator[tuple[Location, str]]:
    """Yield where each wrong value is and what is wrong with it; never the value, it may be a secret.

    Args:
        error: what pydantic found.
        model: the model whose declaration says what is accepted.
        inside: the section of `model` that was validated alone.
    """
    for problem in error.errors(include_url=False, include_input=False):
        location = (*inside, *problem["loc"])
        said = problem["msg"].removeprefix("Value error, ")
        yield location, f"{said}{_accepted_range(model, location)}"


def _accepted_range(model: Any, location: Location) -> str:
    """Return the bounds of a value in words, from its declaration."""
    bounds: list[str] = []
    for part in location:
        field = getattr(model, "model_fields", {}).get(part)
        if field is None:
            return ""
        model = field.annotation
        bounds = [
            f"{words} {getattr(rule, short)}"
            for rule in field.metadata
            for short, words in _ACCEPTED.items()
            if getattr(rule, short, None) is not None
        ]
    return f" (accepted: {' and '.join(bounds)})" if bounds else ""
