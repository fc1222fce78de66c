"""Sessions that can't write."""

from typing import Any

from sqlalchemy import event
from sqlalchemy.orm import ORMExecuteState, Session, UOWTransaction

from shardwise.errors import ReadOnlySessionError


class ReadOnlySession(Session):
    """A session that refuses changed objects and writing statements; it ends with a rollback."""


@event.listens_for(ReadOnlySession, "before_flush")
def _refuse_flush(session: Session, context: UOWTransaction, instances: Any) -> None:
    changed = [*session.new, *session.deleted, *(o for o in session.dirty if session.is_modified(o))]
    if changed:
        raise ReadOnlySessionError(
            f"a read-only session holds a changed {type(changed[0]).__name__}; open it without read_only=True"
        )


@event.listens_for(ReadOnlySession, "do_orm_execute")
def _refuse_statement(state: ORMExecuteState) -> None:
    if state.is_insert or state.is_update or state.is_delete:
        raise ReadOnlySessionError(
            "a read-only session was given an INSERT, UPDATE or DELETE; open it without read_only=True"
        )
