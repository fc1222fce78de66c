"""Which relationships a routed session may follow without another look at the account."""

from collections.abc import Iterable
from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy import select
from sqlalchemy.orm import ORMExecuteState, RelationshipProperty, aliased

from shardwise.errors import MissingShardKeyError
from shardwise.routing.keys import statement_keys
from shardwise.schema.base import TablePlacement, placement_of
from shardwise.session.guards import key_attribute

_JOINED = ("lazy", "joined")
_joined_on_key: WeakKeyDictionary[RelationshipProperty[Any], bool] = WeakKeyDictionary()


def check_relationship(state: ORMExecuteState) -> None:
    """Refuse to load a relationship whose objects may be on other shards than the object that has it.

    Raises:
        MissingShardKeyError: it isn't joined on account_db_key, so one shard knows only some of them.
    """
    for relationship in _relationships(state):
        known = _joined_on_key.get(relationship)
        if known is None:
            known = _joined_on_key[relationship] = _is_joined_on_key(relationship)
        if not known:
            raise MissingShardKeyError(
                f"{relationship} isn't joined on account_db_key, so its objects may be on other shards; add"
                " the key to its primaryjoin, or select them in db.session(account_db_key)"
            )


def _relationships(state: ORMExecuteState) -> Iterable[RelationshipProperty[Any]]:
    """Yield the relationship that is loaded, and those that options join to it."""
    options: Any = state.statement
    paths: list[Any] = [state.loader_strategy_path]
    for option in options._with_options:
        paths += [part.path for part in getattr(option, "context", ()) if _JOINED in (part.strategy or ())]
    for path in paths:
        steps = [step for step in path.path if isinstance(step, RelationshipProperty)] if path else []
        yield from steps[-1:]


def _is_joined_on_key(relationship: RelationshipProperty[Any]) -> bool:
    parent, target = relationship.parent, aliased(relationship.mapper)
    joined = getattr(parent.class_, relationship.key).of_type(target)
    statement = select(target).select_from(parent).join(joined)
    if placement_of(parent.class_) is TablePlacement.SHARDED:
        statement = statement.where(getattr(parent.class_, key_attribute(parent)) == 0)
    try:
        statement_keys(statement)
    except MissingShardKeyError:
        return False
    return True
