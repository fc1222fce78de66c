"""Storing new rows: the creating half of a repository's writes."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeVar, overload

from sqlalchemy import insert, inspect
from sqlalchemy.orm import InstanceState, attributes

from shardwise.errors import DatabaseError, DuplicateEntityError, InvalidValueError
from shardwise.repository.changes import checked_changes
from shardwise.repository.reads import List, ReadRepository
from shardwise.repository.rows import Row, check_accounts, grouped_rows
from shardwise.repository.upsert import build_upsert, check_conflict_values, conflict_columns
from shardwise.repository.values import check_stored
from shardwise.schema.base import SHARD_KEY
from shardwise.topology.driver_errors import has_several_values

T = TypeVar("T")


class CreateRepository(ReadRepository[T]):
    """The methods that store new rows."""

    async def create(self, entity: T) -> T:
        """Store a new object and return it, with all its columns as the database has them.

        Raises:
            DuplicateEntityError: a unique value is taken.
            MissingShardKeyError: it belongs to no account.
            InvalidValueError: a value is of another type than its column.
            ConstraintViolationError: a foreign key, a check or a missing value forbids it.
            ValueRefusedError: a value doesn't fit its column.
        """
        return (await self._create_all([entity]))[0]

    @overload
    async def create_many(self, rows: Iterable[T]) -> List[T]: ...

    @overload
    async def create_many(self, rows: Iterable[Mapping[str, Any]]) -> int: ...

    async def create_many(self, rows: Iterable[Any]) -> List[T] | int:
        """Store many new rows.

        Given mappings from attribute names to values, the rows go to the database in one executemany, with
        the model's Python-side defaults, and nothing is loaded: this is the fast way. Given objects, they
        are stored as by `create` and belong to the session, so that later changes are stored too; that
        takes about three times as much of the client's time.

        Args:
            rows: mappings, or objects of the model, not both.

        Returns:
            The number of rows if mappings were given, else the objects.

        Raises:
            InvalidValueError: a mapping names what isn't a column, or a value is of another type than its
                column; nothing was sent.
            MissingShardKeyError: a row of a sharded model has no account_db_key; nothing was sent.
            DatabaseError: as in `create`.
        """
        given = list(rows)
        if not given or not isinstance(given[0], Mapping):
            return await self._create_all(given)
        groups = grouped_rows(self.shape, given, self.account_db_key)
        with self.translated():
            await self.session.flush()
            for group in groups.values():
                await self.session.execute(insert(self.shape.table), group)
        return len(given)

    async def upsert(
        self,
        row: Row,
        *,
        on: Sequence[str] | None = None,
        update: Sequence[str] | None = None,
    ) -> T:
        """Store a row, or change the one with the same key, in one statement; return it as it is then.

        A row that is marked as deleted is changed too and stays marked.

        Args:
            row: a mapping from attribute names to values; UNSET ones are left out.
            on: names of the attributes whose equal values mean "the same row": the primary key (default) or
                a unique constraint.
            update: names to overwrite in a row that is there; by default all of `row`.

        Raises:
            DuplicateEntityError: another unique value is taken by another row; nothing is changed.
            InvalidValueError: a name isn't a column, `on` isn't a unique key, or a value of it is None.
            DatabaseError: as in `create`.
        """
        values = checked_changes(self.shape, row)
        await self.upsert_many([values], on=on, update=update)
        target = conflict_columns(self.shape, on, values)
        conditions = [self.shape.columns[name] == values[name] for name in target]
        # FOR UPDATE: a transaction's snapshot lacks the row if others stored it as it should be.
        statement = self.query(conditions, include_deleted=True).with_for_update()
        statement = statement.execution_options(populate_existing=True)
        with self.translated():
            entity: T = (await self.session.scalars(statement)).unique().one()
        return entity

    async def upsert_many(
        self,
        rows: Iterable[Row],
        *,
        on: Sequence[str] | None = None,
        update: Sequence[str] | None = None,
    ) -> int:
        """Store rows, or change those with the same keys; arguments as in `upsert`.

        Objects of the model that the session has loaded are not touched: refresh those that you go on using.

        Returns:
            The number of rows given.
        """
        given = [checked_changes(self.shape, row) for row in rows]
        groups = grouped_rows(self.shape, given, self.account_db_key)
        with self.translated():
            await self.session.flush()
        for names, group in groups.items():
            await self._upsert_group(sorted(names), group, on, update)
        return len(given)

    async def _upsert_group(
        self,
        names: Sequence[str],
        group: Sequence[dict[str, Any]],
        on: Sequence[str] | None,
        update: Sequence[str] | None,
    ) -> None:
        shape = self.shape
        target = conflict_columns(shape, on, names)
        check_conflict_values(shape, target, group)
        dialect = await self._dialect(group[0])
        statement = build_upsert(shape, dialect, on=target, given=names, update=update)
        try:
            with self.translated():
                await self.session.execute(statement, group)
        except DatabaseError as error:
            if has_several_values(error):
                raise DuplicateEntityError(shape.name) from error  # see build_upsert
            raise

    async def _dialect(self, row: Mapping[str, Any]) -> str:
        """Return the dialect of the database that a row goes to."""
        shape = self.shape
        probe = shape.mapper.class_manager.new_instance()
        if shape.shard_key is not None:
            attributes.set_committed_value(probe, shape.shard_key, row[SHARD_KEY])
        bind = await self.session.run_sync(lambda session: session.get_bind(shape.mapper, instance=probe))
        return bind.dialect.name

    async def _create_all(self, entities: List[T]) -> List[T]:
        shape = self.shape
        for entity in entities:
            if not isinstance(entity, shape.model):
                raise InvalidValueError("entity", f"{type(entity).__name__} is not a {shape.name}")
        if shape.shard_key is not None:
            keys = [getattr(entity, shape.shard_key) for entity in entities]
            check_accounts(shape, keys, self.account_db_key)
        for name in shape.writable:
            check_stored(shape.columns[name], [vars(entity).get(name) for entity in entities])
        with self.translated():
            self.session.add_all(entities)
            await self.session.flush()
        await self._complete(entities)
        return entities

    async def _complete(self, entities: Sequence[T]) -> None:
        """Load the columns that the database itself filled in, which asyncio can't do on access."""
        columns = self.shape.columns.keys()
        missing = [entity for entity in entities if _state(entity).expired_attributes & columns]
        if len(missing) > 1:
            await self.get_many(map(self.shape.key_of, missing), include_deleted=True)
        for entity in missing:
            left = _state(entity).expired_attributes & columns
            if left:
                with self.translated():
                    await self.session.refresh(entity, sorted(left))


def _state(entity: object) -> InstanceState[Any]:
    state: InstanceState[Any] = inspect(entity)
    return state
