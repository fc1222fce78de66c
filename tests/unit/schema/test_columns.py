from sqlalchemy import Column, MetaData, Table
from sqlalchemy.dialects import mysql, sqlite
from sqlalchemy.schema import CreateTable

from shardwise.schema.columns import current_moment
from shardwise.schema.types import UtcDateTime


def test_the_default_in_each_dialect() -> None:
    table = Table(
        "t",
        MetaData(),
        Column("made", UtcDateTime(), server_default=current_moment()),
        Column("changed", UtcDateTime(), server_default=current_moment(on_update=True)),
    )
    on_mysql = str(CreateTable(table).compile(dialect=mysql.dialect()))
    assert "made DATETIME(6) DEFAULT CURRENT_TIMESTAMP(6)" in on_mysql
    assert "DEFAULT CURRENT_TIMESTAMP(6) ON UPDATE CURRENT_TIMESTAMP(6)" in on_mysql
    on_sqlite = str(CreateTable(table).compile(dialect=sqlite.dialect()))
    assert on_sqlite.count("DEFAULT (strftime('%Y-%m-%d %H:%M:%f000', 'now'))") == 2
