"""The repository that users derive theirs from."""

from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, delete, update
from sqlalchemy.engine import CursorResult
from sqlalchemy.orm.exc import StaleDataError
from sqlalchemy.sql.dml import Delete, Update

from shardwise.errors import InvalidValueError
from shardwise.repository.changes import checked_changes, without_identity
from shardwise.repository.creates import CreateRepository
from shardwise.repository.filters import Filters
from shardwise.repository.reads import List
from shardwise.repository.rows import Row
from shardwise.repository.soft_delete import SoftDelete

T = TypeVar("T")


class BaseRepository(CreateRepository[T]):
    """All statements for one model, in one session.

        class UserRepository(BaseRepository[User]):
            async def by_email(self, email: str) -> User | None:
                return await self.session.scalar(self.query({"email": email}))

    It never commits: whoever opened the session does. After an error of the database, leave the session's
    block with it, or catch it outside a `TransactionManager(session).transaction()`, which undoes what
    was begun inside.

    Args:
        session: an `AsyncSession`, of this library or not.
        model: the mapped class; by default the type argument (`User` above).
    """

    async def update(self, id: object, /, *, include_deleted: bool = False, **changes: object) -> T:
        """Change some columns of a row and return it.

        Args:
            id: the primary key as in `get_by_id`.
            include_deleted: also change a row that is marked as deleted.
            changes: values by attribute. What isn't given, or is UNSET, stays as it is; None means NULL; an
                expression such as `User.visits + 1` is computed by the database.

        Raises:
            EntityNotFoundError: there is no such row.
            InvalidValueError: a name isn't a column or belongs to the primary key, or a value isn't of its
                column's type.
            ShardKeyChangedError: `account_db_key` would change.
            DuplicateEntityError, ConstraintViolationError, ValueRefusedError: the database refuses it.
        """
        given = checked_changes(self.shape, changes)
        key = self.own_key(id)
        given = without_identity(self.shape, given, key)
        entity = await self.get_one(id, include_deleted=include_deleted)
        return (await self._change([(entity, given)]))[0]

    async def update_rows(self, rows: Iterable[Row], *, include_deleted: bool = False) -> List[T]:
        """Change rows by primary key, all or none of them, and return them.

        Args:
            rows: mappings that hold the primary key and the changes, as in `update`.
            include_deleted: also change rows that are marked as deleted.

        Raises:
            EntityNotFoundError: a row isn't there; nothing was changed.
            InvalidValueError, DatabaseError: as in `update`.
        """
        shape = self.shape
        given = [checked_changes(shape, row) for row in rows]
        keys = [self.own_key({name: row.get(name) for name in shape.identity}) for row in given]
        found = await self.get_many(keys, include_deleted=include_deleted)
        entities = {shape.key_of(entity): entity for entity in found}
        for key in keys:
            if key not in entities:
                raise self._not_found(key)
        return await self._change(
            [(entities[key], without_identity(shape, row, key)) for key, row in zip(keys, given, strict=True)]
        )

    async def update_many(
        self,
        filters: Filters,
        changes: Mapping[str, object],
        *,
        all_rows: bool = False,
        include_deleted: bool = False,
    ) -> int:
        """Change all rows with some properties in one statement.

        Args:
            filters: as in `list`; empty ones are refused unless `all_rows`.
            changes: values by attribute as in `update`.
            all_rows: empty filters are meant.
            include_deleted: also rows that are marked as deleted.

        Returns:
            How many rows have the properties.

        Raises:
            InvalidValueError: the filters are empty, or as in `update`.
            UnknownFilterError: as in `list`.
            DatabaseError: as in `update`.
        """
        given = without_identity(self.shape, checked_changes(self.shape, changes), None)
        conditions = self._chosen(filters, all_rows=all_rows, include_deleted=include_deleted)
        if not given:
            return await self.count(filters, include_deleted=include_deleted)
        return await self._execute_on_many(update(self.model).where(*conditions).values(given))

    async def delete(self, id: object) -> None:
        """Delete a row for good, and what its relationships cascade to.

        Raises:
            EntityNotFoundError: there is no such row. One that is marked as deleted is found.
            ConstraintViolationError: another row refers to it.
        """
        entity = await self.get_one(id, include_deleted=True)
        with self.translated():
            await self.session.delete(entity)
        await self._flush_of(entity)

    async def delete_many(self, filters: Filters, *, all_rows: bool = False) -> int:
        """Delete all rows with some properties for good, marked ones too, in one statement.

        Relationships don't cascade in Python here, only as the database's foreign keys say.

        Args:
            filters: as in `list`; empty ones are refused unless `all_rows`.
            all_rows: empty filters are meant.

        Returns:
            How many rows were deleted.
        """
        conditions = self._chosen(filters, all_rows=all_rows, include_deleted=True)
        return await self._execute_on_many(delete(self.model).where(*conditions))

    async def soft_delete(self, id: object) -> T:
        """Mark a row as deleted, so that queries leave it out, and return it.

        Raises:
            EntityNotFoundError: there is no such row, or it is marked already.
            InvalidValueError: the model has no column for it.
        """
        marked = self._deletion_column()
        value = marked.mark(self.shape.columns[marked.column])
        return (await self._change([(await self.get_one(id), {marked.column: value})]))[0]

    async def restore(self, id: object) -> T:
        """Take the mark off a row that was soft-deleted, and return it; an unmarked one stays as it is.

        Raises:
            EntityNotFoundError: there is no such row.
            InvalidValueError: the model has no column for it.
        """
        marked = self._deletion_column()
        entity = await self.get_one(id, include_deleted=True)
        if marked.is_deleted(entity):
            await self._change([(entity, {marked.column: marked.alive})])
        return entity

    def _deletion_column(self) -> SoftDelete:
        found = self.shape.soft_delete
        if found is None:
            raise InvalidValueError(
                self.shape.name,
                "has no column that marks a row as deleted; add deleted_at, or declare __soft_delete__",
            )
        return found

    def _chosen(
        self, filters: Filters, *, all_rows: bool, include_deleted: bool
    ) -> List[ColumnElement[bool]]:
        empty = filters is None or (isinstance(filters, (Mapping, list, tuple)) and not filters)
        if empty and not all_rows:
            raise InvalidValueError(
                "filters", "are empty, which means every row; say all_rows=True if you mean it"
            )
        return self.conditions(filters, include_deleted=include_deleted)

    async def _change(self, changes: List[tuple[T, dict[str, Any]]]) -> List[T]:
        entities = [entity for entity, _ in changes]
        for entity, values in changes:
            for name, value in values.items():
                setattr(entity, name, value)
        await self._flush_of(*entities)
        await self._complete(entities)
        return entities

    async def _flush_of(self, *entities: T) -> None:
        keys = [self.shape.key_of(entity) for entity in entities]
        try:
            with self.translated():
                await self.session.flush()
        except StaleDataError as error:
            # Somebody else deleted the row after this session had loaded it.
            raise self._not_found(keys[0] if len(keys) == 1 else tuple(keys)) from error

    async def _execute_on_many(self, statement: Update | Delete) -> int:
        model = self.model
        with self.translated():
            await self.session.flush()
            loaded = any(isinstance(item, model) for item in self.session.identity_map.values())
            # "fetch": comparing in Python, the other way, doesn't know the database's collations.
            options = {"synchronize_session": "fetch" if loaded else False}
            result: Any = await self.session.execute(statement, execution_options=options)
        return result.rowcount if isinstance(result, CursorResult) else 0
