"""Hints for the optimizers of MySQL and MariaDB; other databases get the statement without them."""

from typing import Any

from sqlalchemy import Select, Update

MYSQL_DIALECTS = ("mysql", "mariadb")
PRIMARY = "PRIMARY"


def by_index(statement: Update, index: str = PRIMARY) -> Update:
    """Return an UPDATE that finds its rows by an index, and so locks them in that index first.

    Statements that lock the same rows should come by the same index: one that holds an entry of another
    index while it waits for the row deadlocks with one that holds the row and waits for the entry.
    """
    for dialect in MYSQL_DIALECTS:
        statement = statement.with_hint(f"FORCE INDEX ({index})", dialect_name=dialect)
    return statement


def read_by_index(statement: Select[Any], model: type[Any], index: str = PRIMARY) -> Select[Any]:
    """Return a SELECT that finds a model's rows by an index."""
    for dialect in MYSQL_DIALECTS:
        statement = statement.with_hint(model, f"FORCE INDEX ({index})", dialect)
    return statement
