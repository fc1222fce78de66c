"""Finding rows: the reading half of a repository."""

from collections.abc import Iterable, Sequence
from typing import Any, ClassVar, TypeVar

from sqlalchemy import ColumnElement, Select, func, literal, or_, select
from sqlalchemy.orm import QueryableAttribute
from sqlalchemy.orm.interfaces import ORMOption

from shardwise.errors import EntityNotFoundError, InvalidValueError
from shardwise.kit.pages import Page
from shardwise.repository.bound import BoundRepository
from shardwise.repository.filters import Filters, OrderBy, build_filters, find_attribute
from shardwise.repository.keys import parts_of, with_keys
from shardwise.repository.ordering import build_order
from shardwise.repository.pages import behind_cursor, cursor_behind, page_order
from shardwise.repository.values import check_limit

T = TypeVar("T")
List = list  # `list` is a method below
Options = Sequence[ORMOption]


class ReadRepository(BoundRepository[T]):
    """The methods that read. Rows marked as deleted are left out unless `include_deleted=True`.

    A session that is pinned to an account sees the rows of that account alone.
    """

    max_limit: ClassVar[int] = 10_000
    """The highest `limit` that is accepted."""

    search_fields: ClassVar[tuple[str, ...]] = ()
    """Names of the attributes that `search` looks into unless told otherwise."""

    def query(self, filters: Filters = None, *, include_deleted: bool = False) -> Select[Any]:
        """Return the SELECT of the model that the other methods begin with, for a subclass to go on from.

        Args:
            filters: see `list`.
            include_deleted: also rows that are marked as deleted.
        """
        return select(self.model).where(*self.conditions(filters, include_deleted=include_deleted))

    def conditions(
        self, filters: Filters = None, *, include_deleted: bool = False
    ) -> List[ColumnElement[bool]]:
        """Return the conditions of `query` alone."""
        marked = self.shape.soft_delete
        conditions = [*self.own_rows(), *build_filters(self.shape, filters)]
        if marked is not None and not include_deleted:
            conditions.append(marked.criterion(self.shape.columns[marked.column]))
        return conditions

    async def get_by_id(
        self, id: object, *, include_deleted: bool = False, for_update: bool = False, options: Options = ()
    ) -> T | None:
        """Return the row with this primary key, None if there is none.

        An object that the session has already loaded is returned without asking the database.

        Args:
            id: the value of a single key; of a composite one a tuple in the order of the table, or a
                mapping from names to values.
            include_deleted: also a row that is marked as deleted.
            for_update: read the row anew and lock it until the transaction ends (SQLite locks all anyway).
            options: loader options such as `selectinload(User.orders)`.

        Raises:
            InvalidValueError: this can't be a primary key of the model.
            CrossAccountAccessError: the session is pinned to another account.
        """
        key = self.own_key(id)
        with self.translated():
            if for_update:
                await self.session.flush()
            entity = await self.session.get(
                self.model,
                key,
                options=options,
                populate_existing=for_update,
                with_for_update=True if for_update else None,
            )
        marked = self.shape.soft_delete
        if entity is None or marked is None or include_deleted:
            return entity
        return None if marked.is_deleted(entity) else entity

    async def get_one(
        self, id: object, *, include_deleted: bool = False, for_update: bool = False, options: Options = ()
    ) -> T:
        """Return the row with this primary key; arguments as in `get_by_id`.

        Raises:
            EntityNotFoundError: there is none.
        """
        entity = await self.get_by_id(
            id, include_deleted=include_deleted, for_update=for_update, options=options
        )
        if entity is None:
            raise self._not_found(self.shape.key(id))
        return entity

    def _not_found(self, key: tuple[Any, ...]) -> EntityNotFoundError:
        return EntityNotFoundError(self.shape.name, self.shape.shown(key))

    async def get_many(
        self, ids: Iterable[object], *, include_deleted: bool = False, options: Options = ()
    ) -> List[T]:
        """Return the rows with these primary keys in the order asked, without those that don't exist.

        One query for every 5,000 keys, or 500 that differ in more than their last part. A key asked for
        twice is returned twice.

        Args:
            ids: primary keys, each as in `get_by_id`.
            include_deleted: also rows that are marked as deleted.
            options: loader options.
        """
        asked = [self.own_key(id) for id in ids]
        found: dict[tuple[Any, ...], T] = {}
        for part in parts_of(dict.fromkeys(asked)):
            condition = with_keys(self.shape, part)
            statement = self.query([condition], include_deleted=include_deleted).options(*options)
            for entity in await self._all(statement):
                found[self.shape.key_of(entity)] = entity
        return [found[key] for key in asked if key in found]

    async def exists(
        self, id: object = None, *, filters: Filters = None, include_deleted: bool = False
    ) -> bool:
        """Return whether a row has this primary key, or any row these properties.

        Args:
            id: a primary key as in `get_by_id`, or None.
            filters: see `list`.
            include_deleted: also count a row that is marked as deleted.
        """
        conditions = self.conditions(filters, include_deleted=include_deleted)
        if id is not None:
            conditions.append(with_keys(self.shape, [self.own_key(id)]))
        statement = select(literal(1)).select_from(self.model).where(*conditions).limit(1)
        with self.translated():
            return await self.session.scalar(statement) is not None

    async def count(self, filters: Filters = None, *, include_deleted: bool = False) -> int:
        """Return how many rows have these properties; arguments as in `list`."""
        conditions = self.conditions(filters, include_deleted=include_deleted)
        with self.translated():
            return (
                await self.session.scalar(select(func.count()).select_from(self.model).where(*conditions))
                or 0
            )

    async def page(
        self,
        *,
        order_by: OrderBy = None,
        after: str | None = None,
        limit: int = 50,
        filters: Filters = None,
        include_deleted: bool = False,
        options: Options = (),
    ) -> Page[T]:
        """Return one page; rows that are added or removed between two pages neither skip nor repeat another.

        Args:
            order_by: see `list`. NULLs come before every value, after it when descending.
            after: `next_cursor` of the page before; None = the first page.
            limit: rows a page, 1 to `max_limit`.
            filters: see `list`; give the same ones for each page.
            include_deleted: also rows that are marked as deleted.
            options: loader options.

        Raises:
            InvalidValueError: the cursor is damaged or of another order, `limit` is out of range, or rows
                can't be paged by a term.
            UnknownFilterError: as in `list`.
        """
        check_limit("limit", limit, 1, self.max_limit)
        order = page_order(build_order(self.shape, order_by))
        statement = self.query(filters, include_deleted=include_deleted).options(*options)
        if after is not None:
            statement = statement.where(behind_cursor(self.shape, order, after))
        # The values come from the row, not from an object that the session may have changed since.
        statement = statement.add_columns(
            *(term.expression.label(f"page_{i}") for i, term in enumerate(order))
        )
        statement = statement.order_by(*(term.clause for term in order)).limit(limit + 1)
        with self.translated():
            rows = (await self.session.execute(statement)).unique().all()
        more = len(rows) > limit
        items = [row[0] for row in rows[:limit]]
        values = rows[limit - 1][1:] if more else ()
        return Page(items=items, next_cursor=cursor_behind(self.shape, order, values) if more else None)

    async def search(
        self,
        text: str,
        fields: Sequence[str | QueryableAttribute[Any]] | None = None,
        *,
        filters: Filters = None,
        skip: int = 0,
        limit: int | None = None,
        order_by: OrderBy = None,
        include_deleted: bool = False,
        options: Options = (),
    ) -> List[T]:
        """Return rows with a text in any of some attributes, in upper or lower case.

        The database reads every row for this: it is for small tables, or with filters that use an index.

        Args:
            text: what to look for; % and _ are ordinary characters. The empty text is in every row.
            fields: attributes or their names; by default `search_fields` of the class.
            filters: see `list`, like what follows.
            skip: rows to leave out at the beginning.
            limit: rows at most.
            order_by: the order.
            include_deleted: also rows that are marked as deleted.
            options: loader options.

        Raises:
            InvalidValueError: no field is named.
            UnknownFilterError: as in `list`.
        """
        names = self.search_fields if fields is None else fields
        if not names:
            raise InvalidValueError("fields", f"name the attributes of {self.shape.name} to search in")
        attributes = [find_attribute(self.shape, self.shape.name_of(name) or name) for name in names]
        statement = self.query(filters, include_deleted=include_deleted).options(*options)
        if text:
            statement = statement.where(or_(*(a.icontains(text, autoescape=True) for a in attributes)))
        return await self._all(self._cut(statement, skip, limit, order_by))

    async def list(
        self,
        filters: Filters = None,
        *,
        skip: int = 0,
        limit: int | None = None,
        order_by: OrderBy = None,
        include_deleted: bool = False,
        options: Options = (),
    ) -> List[T]:
        """Return rows.

        Args:
            filters: `{"name": "Ann", "price__gte": 3, "ended_at": None, "state": ["new", "open"]}`; the
                operators are eq, ne, gt, gte, lt, lte, in, not_in, like, ilike, contains, startswith,
                endswith, between and is_null. Or a sequence of SQLAlchemy expressions. All must hold. Case
                counts as in the column's collation.
            skip: rows to leave out at the beginning, 0 or more. `page` is faster than a high one.
            limit: rows at most, 1 to `max_limit`; None = all.
            order_by: "name", "-name" for descending, an attribute, an expression, or a sequence of those. The
                primary key decides between rows that are equal, and is the order if None is given.
            include_deleted: also rows that are marked as deleted.
            options: loader options such as `selectinload(User.orders)`.

        Raises:
            UnknownFilterError: a filter or order names an attribute or operator that isn't there.
            InvalidValueError: a value doesn't suit its attribute, or a number is out of its range.
        """
        statement = self.query(filters, include_deleted=include_deleted).options(*options)
        return await self._all(self._cut(statement, skip, limit, order_by))

    def _cut(self, statement: Select[Any], skip: int, limit: int | None, order_by: OrderBy) -> Select[Any]:
        check_limit("skip", skip, 0, None)
        statement = statement.order_by(*(term.clause for term in build_order(self.shape, order_by)))
        if limit is not None:
            check_limit("limit", limit, 1, self.max_limit)
            statement = statement.limit(limit)
        return statement.offset(skip) if skip else statement

    async def _all(self, statement: Select[Any]) -> List[T]:
        with self.translated():
            return [*(await self.session.scalars(statement)).unique()]
