from sqlalchemy import select, update
from sqlalchemy.dialects import mysql, sqlite

from shardwise.finance.chat.models import ChatRoom
from shardwise.finance.hints import by_index, read_by_index


def test_only_mysql_and_mariadb_are_told_the_index() -> None:
    hinted = by_index(update(ChatRoom), "idx_account_rooms").values(title="t")
    assert "table_chat_rooms FORCE INDEX (idx_account_rooms) SET" in str(
        hinted.compile(dialect=mysql.dialect())
    )
    assert "INDEX" not in str(hinted.compile(dialect=sqlite.dialect()))
    assert "FORCE INDEX (PRIMARY)" in str(by_index(update(ChatRoom)).compile(dialect=mysql.dialect()))
    read = read_by_index(select(ChatRoom), ChatRoom)
    assert "FORCE INDEX (PRIMARY)" in str(read.compile(dialect=mysql.dialect()))
    assert "INDEX" not in str(read.compile(dialect=sqlite.dialect()))
