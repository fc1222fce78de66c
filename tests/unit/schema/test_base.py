from datetime import datetime
from typing import ClassVar

import pytest
from sqlalchemy import (
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    String,
    Table,
    UniqueConstraint,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, aliased, declared_attr, mapped_column, registry

from shardwise.schema.base import (
    NAMING_CONVENTION,
    SHARD_KEY,
    GlobalBase,
    ShardBase,
    TablePlacement,
    placement_of,
)
from shardwise.schema.columns import account_key_column, created_at_column, updated_at_column
from shardwise.schema.control import ErrorLog, GlobalErrorLog, ShardConfig, ShardMapping, ShardStats


@pytest.fixture(autouse=True)
def leave_no_models():  # type: ignore[no-untyped-def]
    """Take the test's tables out of the metadata that the project's migrations compare."""
    before = set(ShardBase.metadata.tables), set(GlobalBase.metadata.tables)
    yield
    for base, names in zip((ShardBase, GlobalBase), before, strict=True):
        for name in set(base.metadata.tables) - names:
            base.metadata.remove(base.metadata.tables[name])


# The primary key leads with the account


def test_a_sharded_model() -> None:
    class Order(ShardBase):
        __tablename__ = "t_base_order"
        account_db_key: Mapped[int] = account_key_column()
        id: Mapped[int] = mapped_column(primary_key=True)

    assert [column.name for column in Order.__table__.primary_key] == [SHARD_KEY, "id"]
    assert not Order.__table__.c.account_db_key.nullable
    assert Order.__table__.c.account_db_key.autoincrement is False
    assert placement_of(Order) is TablePlacement.SHARDED
    assert placement_of(Order.__table__) is TablePlacement.SHARDED


def test_a_model_whose_key_is_the_account_alone() -> None:
    class Profile(ShardBase):
        __tablename__ = "t_base_profile"
        account_db_key: Mapped[int] = account_key_column()

    assert placement_of(Profile.__table__) is TablePlacement.SHARDED


def test_the_account_leads_wherever_it_is_written() -> None:
    class Written(ShardBase):
        __tablename__ = "t_base_written"
        id: Mapped[int] = mapped_column(primary_key=True)
        account_db_key: Mapped[int] = account_key_column()

    assert [column.name for column in Written.__table__.primary_key] == [SHARD_KEY, "id"]


def test_an_account_behind_another_column_is_refused() -> None:
    with pytest.raises(
        TypeError, match=r"Late \(t_base_late\) is a sharded model: .* begin with account_db_key"
    ):

        class Late(ShardBase):
            __tablename__ = "t_base_late"
            id: Mapped[int] = mapped_column(primary_key=True)
            account_db_key: Mapped[int] = mapped_column(primary_key=True)


def test_no_account_is_refused() -> None:
    with pytest.raises(TypeError, match=r'set __placement__ = "reference" or "local"'):

        class Without(ShardBase):
            __tablename__ = "t_base_without"
            id: Mapped[int] = mapped_column(primary_key=True)


def test_an_account_that_is_no_key_is_refused() -> None:
    with pytest.raises(TypeError, match="must begin with account_db_key"):

        class Plain(ShardBase):
            __tablename__ = "t_base_plain"
            id: Mapped[int] = mapped_column(primary_key=True)
            account_db_key: Mapped[int] = account_key_column(primary_key=False)


def test_a_table_given_whole_is_checked_too() -> None:
    with pytest.raises(TypeError, match="must begin with account_db_key"):

        class Whole(ShardBase):
            __table__ = Table("t_base_whole", ShardBase.metadata, Column("id", Integer, primary_key=True))


def test_the_account_leads_when_it_comes_from_a_mixin() -> None:
    class Owned:
        account_db_key: Mapped[int] = account_key_column()

    class Owning(Owned, ShardBase):
        __tablename__ = "t_base_owning"
        id: Mapped[int] = mapped_column(primary_key=True)

    assert [column.name for column in Owning.__table__.primary_key] == [SHARD_KEY, "id"]


def test_a_mixin_that_comes_late_is_refused() -> None:
    class Owned:
        @declared_attr
        def account_db_key(cls) -> Mapped[int]:  # noqa: N805
            return account_key_column(sort_order=10)

    with pytest.raises(TypeError, match="must begin with account_db_key"):

        class OwningLate(Owned, ShardBase):
            __tablename__ = "t_base_owning_late"
            id: Mapped[int] = mapped_column(primary_key=True)


def test_an_abstract_base_of_ones_own() -> None:
    class Timed(ShardBase):
        __abstract__ = True
        account_db_key: Mapped[int] = account_key_column()
        made: Mapped[datetime] = created_at_column()

    class Event(Timed):
        __tablename__ = "t_base_event"
        id: Mapped[int] = mapped_column(primary_key=True)

    assert [column.name for column in Event.__table__.primary_key] == [SHARD_KEY, "id"]
    assert placement_of(Event) is TablePlacement.SHARDED


# Where rows live


def test_reference_and_local_models_need_no_account() -> None:
    class Currency(ShardBase):
        __tablename__ = "t_base_currency"
        __placement__ = "reference"
        code: Mapped[str] = mapped_column(String(3), primary_key=True)

    class Journal(ShardBase):
        __tablename__ = "t_base_journal"
        __placement__ = "local"
        id: Mapped[int] = mapped_column(primary_key=True)

    assert placement_of(Currency) is placement_of(Currency.__table__) is TablePlacement.REFERENCE
    assert placement_of(Journal) is placement_of(Journal.__table__) is TablePlacement.LOCAL


def test_an_unknown_placement_is_refused() -> None:
    with pytest.raises(ValueError, match="somewhere"):

        class Lost(ShardBase):
            __tablename__ = "t_base_lost"
            __placement__ = "somewhere"
            id: Mapped[int] = mapped_column(primary_key=True)


def test_a_shard_model_cannot_claim_to_be_global() -> None:
    with pytest.raises(TypeError, match="GlobalBase"):

        class Wrong(ShardBase):
            __tablename__ = "t_base_wrong"
            __placement__ = "global"
            id: Mapped[int] = mapped_column(primary_key=True)


def test_global_models_and_what_belongs_to_neither_base() -> None:
    class Plan(GlobalBase):
        __tablename__ = "t_base_plan"
        id: Mapped[int] = mapped_column(primary_key=True)

    class OtherBase(DeclarativeBase):
        pass

    class Foreign(OtherBase):
        __tablename__ = "foreign"
        id: Mapped[int] = mapped_column(primary_key=True)

    assert placement_of(Plan) is placement_of(Plan.__table__) is TablePlacement.GLOBAL
    assert placement_of(Foreign) is placement_of(Foreign.__table__) is TablePlacement.GLOBAL


def test_a_plain_table_of_the_shard_metadata_is_not_sharded_by_accident() -> None:
    links = Table("t_base_links", ShardBase.metadata, Column("id", Integer, primary_key=True))
    assert placement_of(links) is TablePlacement.GLOBAL, "so that routing refuses it"


@pytest.mark.parametrize(
    ("model", "placement"),
    [
        (ShardConfig, "global"),
        (ShardMapping, "global"),
        (ShardStats, "global"),
        (GlobalErrorLog, "global"),
        (ErrorLog, "local"),
    ],
)
def test_the_control_tables(model: type, placement: str) -> None:
    assert placement_of(model) == placement_of(model.__table__) == placement  # type: ignore[attr-defined]


# Inheritance


def test_joined_inheritance_keeps_the_account_in_both_tables() -> None:
    class Asset(ShardBase):
        __tablename__ = "t_base_asset"
        account_db_key: Mapped[int] = account_key_column()
        id: Mapped[int] = mapped_column(primary_key=True)
        kind: Mapped[str] = mapped_column(String(10))
        __mapper_args__: ClassVar = {"polymorphic_on": "kind", "polymorphic_identity": "asset"}

    class Bond(Asset):
        __tablename__ = "t_base_bond"
        account_db_key: Mapped[int] = account_key_column()
        id: Mapped[int] = mapped_column(primary_key=True)
        __table_args__ = (
            ForeignKeyConstraint(
                ["account_db_key", "id"], ["t_base_asset.account_db_key", "t_base_asset.id"]
            ),
        )
        __mapper_args__: ClassVar = {"polymorphic_identity": "bond"}

    assert placement_of(Bond) is placement_of(Bond.__table__) is TablePlacement.SHARDED
    assert {column.table.name for column in Bond.__mapper__.primary_key} == {"t_base_asset"}


def test_a_joined_child_without_the_account_is_refused() -> None:
    class Deal(ShardBase):
        __tablename__ = "t_base_deal"
        account_db_key: Mapped[int] = account_key_column()
        id: Mapped[int] = mapped_column(primary_key=True, unique=True)

    with pytest.raises(TypeError, match=r"Swap \(t_base_swap\)"):

        class Swap(Deal):
            __tablename__ = "t_base_swap"
            id: Mapped[int] = mapped_column(ForeignKey("t_base_deal.id"), primary_key=True)


def test_single_table_inheritance_shares_the_placement() -> None:
    class Note(ShardBase):
        __tablename__ = "t_base_note"
        account_db_key: Mapped[int] = account_key_column()
        id: Mapped[int] = mapped_column(primary_key=True)
        kind: Mapped[str] = mapped_column(String(10))
        __mapper_args__: ClassVar = {"polymorphic_on": "kind", "polymorphic_identity": "note"}

    class Memo(Note):
        __mapper_args__: ClassVar = {"polymorphic_identity": "memo"}

    assert placement_of(Memo) is TablePlacement.SHARDED
    assert Memo.__table__ is Note.__table__


def test_an_imperative_mapping_onto_the_bases_registry_has_no_placement() -> None:
    table = Table("t_base_imperative", ShardBase.metadata, Column(SHARD_KEY, Integer, primary_key=True))

    class Imperative:
        pass

    registry(metadata=ShardBase.metadata).map_imperatively(Imperative, table)
    assert placement_of(Imperative) is TablePlacement.GLOBAL
    assert aliased(Imperative) is not None


# Names


def test_constraints_have_names() -> None:
    class Named(ShardBase):
        __tablename__ = "t_base_named"
        account_db_key: Mapped[int] = account_key_column()
        id: Mapped[int] = mapped_column(primary_key=True)
        code: Mapped[str] = mapped_column(String(5), index=True)
        __table_args__ = (UniqueConstraint("account_db_key", "code"), Index(None, "code", "id"))

    table = Named.__table__
    assert {index.name for index in table.indexes} == {"ix_t_base_named_code", "ix_t_base_named_code_id"}
    names = {constraint.name for constraint in table.constraints}
    assert "uq_t_base_named_account_db_key_code" in names
    assert ShardBase.metadata.naming_convention == GlobalBase.metadata.naming_convention
    assert set(NAMING_CONVENTION) == {"ix", "uq", "ck", "fk"}


def test_the_metadata_of_the_two_branches_are_apart() -> None:
    assert ShardBase.metadata is not GlobalBase.metadata
    assert "table_user_shard_mapping" in GlobalBase.metadata.tables
    assert "table_user_shard_mapping" not in ShardBase.metadata.tables


# Columns that recur


def test_moment_columns() -> None:
    class Stamped(ShardBase):
        __tablename__ = "t_base_stamped"
        account_db_key: Mapped[int] = account_key_column()
        created_at: Mapped[datetime] = created_at_column()
        changed: Mapped[datetime] = updated_at_column("update_time")

    table = Stamped.__table__
    assert set(table.c.keys()) == {SHARD_KEY, "created_at", "update_time"}
    assert not table.c.created_at.nullable
    assert table.c.created_at.onupdate is None
    assert table.c.update_time.onupdate is not None
    assert table.c.update_time.server_default is not None
