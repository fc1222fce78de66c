"""What an expected value may be besides itself: a moment, an id, a text, something seen before."""

import json
import re
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

# What was written earlier in the script is shown as well; another time zone is further away.
_SLACK = timedelta(minutes=5)
_CLOCKS = timedelta(seconds=2)


def utc_naive_now() -> datetime:
    """Return the time as the old driver would give it."""
    return datetime.now(UTC).replace(tzinfo=None)


@dataclass
class Scene:
    """What expectations are compared in: the values kept so far, and when the call took place."""

    kept: dict[str, Any] = field(default_factory=dict)
    begun: datetime = field(default_factory=utc_naive_now)
    ended: datetime = field(default_factory=utc_naive_now)


class Matcher(ABC):
    """Decides by more than equality."""

    @abstractmethod
    def matches(self, actual: Any, scene: Scene) -> bool: ...


class _Now(Matcher):
    """The time of the call or of one before it, as a naive datetime in UTC."""

    def matches(self, actual: Any, scene: Scene) -> bool:
        if type(actual) is not datetime or actual.tzinfo is not None:
            return False
        return scene.begun - _SLACK <= actual <= scene.ended + _CLOCKS

    def __repr__(self) -> str:
        return "NOW"


class _Moment(Matcher):
    """Some moment, as a naive datetime."""

    def matches(self, actual: Any, scene: Scene) -> bool:
        return type(actual) is datetime and actual.tzinfo is None

    def __repr__(self) -> str:
        return "MOMENT"


class _Today(Matcher):
    """The UTC day of the call."""

    def matches(self, actual: Any, scene: Scene) -> bool:
        return type(actual) is date and scene.begun.date() <= actual <= scene.ended.date()

    def __repr__(self) -> str:
        return "TODAY"


class _Id(Matcher):
    """A positive whole number."""

    def matches(self, actual: Any, scene: Scene) -> bool:
        return type(actual) is int and actual > 0

    def __repr__(self) -> str:
        return "ID"


@dataclass(frozen=True)
class Of(Matcher):
    """Any value of a type."""

    kind: type

    def matches(self, actual: Any, scene: Scene) -> bool:
        return type(actual) is self.kind


@dataclass(frozen=True)
class Like(Matcher):
    """A text that a regular expression matches from end to end."""

    pattern: str

    def matches(self, actual: Any, scene: Scene) -> bool:
        return isinstance(actual, str) and re.fullmatch(self.pattern, actual, re.DOTALL) is not None


@dataclass(frozen=True)
class Json(Matcher):
    """A JSON column, which arrives as text."""

    value: Any

    def matches(self, actual: Any, scene: Scene) -> bool:
        return isinstance(actual, str) and json.loads(actual) == self.value


@dataclass(frozen=True)
class Keep(Matcher):
    """A value to be kept under a name, if it is what `like` says."""

    name: str
    like: Any = None

    def matches(self, actual: Any, scene: Scene) -> bool:
        scene.kept[self.name] = actual
        return self.like is None or same(self.like, actual, scene)


@dataclass(frozen=True)
class Kept:
    """A value kept before, in parameters or in expectations; `then` makes another value of it."""

    name: str
    then: Any = None

    def value(self, scene: Scene) -> Any:
        value = scene.kept[self.name]
        return value if self.then is None else self.then(value)


NOW, MOMENT, TODAY, ID, TEXT = _Now(), _Moment(), _Today(), _Id(), Like(".+")


def same(expected: Any, actual: Any, scene: Scene) -> bool:
    """Return whether a value is the expected one: of the same type, decimals with the same digits."""
    if isinstance(expected, Kept):
        expected = expected.value(scene)
    if isinstance(expected, Matcher):
        return expected.matches(actual, scene)
    if type(expected) is not type(actual):
        return False
    if isinstance(expected, Decimal):
        return str(expected) == str(actual)
    return bool(expected == actual)
