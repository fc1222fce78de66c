"""The application's tables: members are shared by all, their notes lie on their own shard."""

from datetime import datetime

from sqlalchemy import BigInteger, ForeignKeyConstraint, Index, String, Text, UniqueConstraint, false
from sqlalchemy.orm import Mapped, mapped_column

from shardwise import GlobalBase, ShardBase
from shardwise.kit.ids import new_id
from shardwise.schema.columns import account_key_column, created_at_column, updated_at_column
from shardwise.schema.types import AutoUnsignedBigInt, UtcDateTime


class Member(GlobalBase):
    """Somebody who takes notes. The key is the shard key of everything they write."""

    __tablename__ = "members"

    account_db_key: Mapped[int] = mapped_column(AutoUnsignedBigInt(), primary_key=True, autoincrement=True)
    email: Mapped[str] = mapped_column(String(100))
    name: Mapped[str] = mapped_column(String(50))
    created_at: Mapped[datetime] = created_at_column()

    __table_args__ = (UniqueConstraint("email", name="uk_members_email"),)


class Note(ShardBase):
    """A note of one member."""

    __tablename__ = "notes"

    account_db_key: Mapped[int] = account_key_column()
    note_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False, default=new_id)
    title: Mapped[str] = mapped_column(String(200))
    body: Mapped[str] = mapped_column(Text, default="")
    pinned: Mapped[bool] = mapped_column(default=False, server_default=false())
    created_at: Mapped[datetime] = created_at_column()
    updated_at: Mapped[datetime] = updated_at_column()
    deleted_at: Mapped[datetime | None] = mapped_column(UtcDateTime())

    __table_args__ = (Index("ix_notes_created", "account_db_key", "created_at"),)


class Task(ShardBase):
    """One line of a note that can be ticked off."""

    __tablename__ = "tasks"

    account_db_key: Mapped[int] = account_key_column()
    task_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False, default=new_id)
    note_id: Mapped[int] = mapped_column(BigInteger)
    text: Mapped[str] = mapped_column(String(200))
    done: Mapped[bool] = mapped_column(default=False, server_default=false())

    __table_args__ = (
        ForeignKeyConstraint(
            ["account_db_key", "note_id"], ["notes.account_db_key", "notes.note_id"], ondelete="CASCADE"
        ),
    )
