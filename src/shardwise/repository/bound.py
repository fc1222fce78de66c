"""What a repository is bound to: a model and a session."""

import sys
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any, ClassVar, ForwardRef, Generic, TypeVar, get_args, get_origin

from sqlalchemy import ColumnElement
from sqlalchemy.ext.asyncio import AsyncSession

from shardwise.errors import CrossAccountAccessError, TransientDatabaseError
from shardwise.repository.shape import ModelShape, describe
from shardwise.topology.driver_errors import has_undone_transaction, wrapping
from shardwise.transactions.undone import mark_undone

T = TypeVar("T")


class BoundRepository(Generic[T]):
    """A model and a session, and what every statement of a repository goes through.

    Args:
        session: the session that statements run in.
        model: the mapped class; by default the type argument of the subclass.

    Raises:
        TypeError: no model is given or named, or it isn't a mapped class.
    """

    _model_argument: ClassVar[Any] = T  # type: ignore[misc]  # the variable itself, until a subclass names a class

    def __init__(self, session: AsyncSession, model: type[T] | None = None) -> None:
        self.session = session
        self._shape: ModelShape | None = None
        chosen: type[Any] | None = model if model is not None else _resolved(type(self))
        if chosen is not None:
            self._shape = describe(chosen)  # type: ignore[arg-type]  # a class is hashable
        elif not type(self).__parameters__:  # type: ignore[attr-defined]  # set by Generic
            raise _no_model(self)

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        for base in cls.__dict__.get("__orig_bases__", ()):
            origin = get_origin(base)
            if isinstance(origin, type) and issubclass(origin, BoundRepository):
                cls._model_argument = _argument(origin, get_args(base))

    @property
    def shape(self) -> ModelShape:
        """Return what is known about the model."""
        if self._shape is None:
            # `BaseRepository[User](session)`: Python says User only after the constructor.
            alias = getattr(self, "__orig_class__", None)
            if alias is None:
                raise _no_model(self)
            self._shape = describe(_argument(get_origin(alias), get_args(alias)))
        return self._shape

    @property
    def model(self) -> type[T]:
        """Return the mapped class."""
        return self.shape.model

    @property
    def account_db_key(self) -> int | None:
        """Return the account that the session is pinned to, None if it is pinned to none."""
        return getattr(self.session, "account_db_key", None)

    @contextmanager
    def translated(self) -> Generator[None]:
        """Run statements of a subclass's own whose driver errors leave the block as ours."""
        try:
            with wrapping(self.model):
                yield
        except TransientDatabaseError as error:
            if has_undone_transaction(error):
                mark_undone(self.session.sync_session, error)
            raise

    def own_rows(self) -> list[ColumnElement[bool]]:
        """Return the condition that holds a sharded model to the account of a pinned session."""
        name, account = self.shape.shard_key, self.account_db_key
        return [] if name is None or account is None else [self.shape.columns[name] == account]

    def own_key(self, id: object) -> tuple[Any, ...]:
        """Return a primary key as a tuple.

        Raises:
            InvalidValueError: it isn't one of this model.
            CrossAccountAccessError: it belongs to another account than the session.
        """
        shape, account = self.shape, self.account_db_key
        key = shape.key(id)
        if account is not None and shape.shard_key in shape.identity:
            other = key[shape.identity.index(shape.shard_key)]
            if other != account:
                raise CrossAccountAccessError(
                    f"this session is pinned to account {account} and was asked for a {shape.name} of account"
                    f" {other}; open db.session({other}) for it"
                )
        return key


def _no_model(repository: object) -> TypeError:
    name = type(repository).__name__
    return TypeError(f"{name} names no model; derive it from BaseRepository[Model] or pass the model")


def _argument(origin: Any, arguments: tuple[Any, ...]) -> Any:
    """Return what a generic base was given for its model, maybe a type variable again."""
    wanted = origin._model_argument
    if not isinstance(wanted, TypeVar):
        return wanted
    return arguments[origin.__parameters__.index(wanted)]


def _resolved(repository: type[BoundRepository[Any]]) -> type[Any] | None:
    found = repository._model_argument
    if isinstance(found, ForwardRef):
        found = getattr(sys.modules[repository.__module__], found.__forward_arg__, None)
    return None if isinstance(found, TypeVar) else found
