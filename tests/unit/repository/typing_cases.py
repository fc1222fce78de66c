"""Read by mypy, never run: what a type checker makes of repositories."""

import asyncio
from collections.abc import Iterable
from typing import Any, assert_type

from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from shardwise.repository import UNSET, BaseRepository, Page, ReadRepository, UnsetType
from shardwise.transactions.manager import TransactionManager
from shardwise.transactions.retry import with_db_retry


class Base(DeclarativeBase):
    pass


class User(Base):
    __tablename__ = "users"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]


class UserRepository(BaseRepository[User]):
    pass


class OldStyleRepository(BaseRepository[User]):
    def __init__(self, session: AsyncSession) -> None:
        super().__init__(session, User)


async def results(session: AsyncSession, rows: Iterable[dict[str, Any]]) -> None:
    users = UserRepository(session)
    assert_type(users.model, type[User])
    assert_type(await users.create(User(name="Ann")), User)
    assert_type(await users.create_many([User(name="Ann")]), list[User])
    assert_type(await users.create_many([{"name": "Ann"}]), int)
    assert_type(await users.create_many(rows), int)
    assert_type(await users.get_by_id(1), User | None)
    assert_type(await users.get_one(1), User)
    assert_type(await users.get_many([1, 2]), list[User])
    assert_type(await users.exists(1), bool)
    assert_type(await users.count({User.name: "Ann"}), int)
    assert_type(await users.list({"name": ["Ann", None]}, order_by=[User.name.desc(), "id"]), list[User])
    assert_type(await users.list([User.name == "Ann", User.id > 3], order_by=User.name), list[User])
    assert_type(await users.search("Ann", ["name", User.name]), list[User])
    assert_type(await users.page(order_by="-id"), Page[User])
    assert_type((await users.page()).items, list[User])
    assert_type((await users.page()).next_cursor, str | None)
    assert_type(await users.update(1, name=UNSET), User)
    assert_type(await users.update_rows(rows), list[User])
    assert_type(await users.update_many({"id__lt": 3}, {"name": "Bob"}), int)
    assert_type(await users.upsert({"id": 1, "name": "Ann"}), User)
    assert_type(await users.soft_delete(1), User)
    assert_type(await users.restore(1), User)
    assert_type(await OldStyleRepository(session).get_one(1), User)
    assert_type(await BaseRepository(session, User).get_one(1), User)
    assert_type(await BaseRepository[User](session).get_one(1), User)
    assert_type(await ReadRepository(session, User).get_one(1), User)


async def wrong(session: AsyncSession) -> None:
    users = UserRepository(session)
    await users.create("Ann")  # type: ignore[arg-type]
    await users.list(3)  # type: ignore[arg-type]
    await users.page(after=3)  # type: ignore[arg-type]
    UserRepository(session, str)  # type: ignore[arg-type]


async def patch(users: UserRepository, name: str | UnsetType | None = UNSET) -> User:
    return await users.update(1, name=name)


@with_db_retry(max_attempts=3, backoff_factor=2)
async def sign_up(session: AsyncSession, name: str, *, age: int) -> User:
    async with TransactionManager(session).transaction() as same:
        return await UserRepository(same).create(User(name=name))


async def decorated(session: AsyncSession) -> None:
    assert_type(await sign_up(session, "Ann", age=3), User)
    assert_type(await asyncio.create_task(sign_up(session, "Ann", age=3)), User)
    await sign_up(session, 3, age=3)  # type: ignore[arg-type]
