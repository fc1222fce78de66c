import inspect
import pickle

import pytest

from shardwise import errors
from shardwise.errors import (
    ConstraintViolationError,
    DatabaseAccessError,
    DatabaseConnectionError,
    DatabaseError,
    DuplicateEntityError,
    EntityNotFoundError,
    InvalidValueError,
    NoActiveShardError,
    RevisionMismatchError,
    ShardDisabledError,
    ShardMaintenanceError,
    ShardUnavailableError,
    ShardwiseError,
    TopologyError,
    UnknownAccountError,
    UnknownShardError,
    note,
)

CLASSES = [
    item for _, item in inspect.getmembers(errors, inspect.isclass) if item.__module__ == errors.__name__
]


@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: kind.__name__)
def test_every_class_belongs_to_the_one_root_and_says_what_it_means(kind: type[Exception]) -> None:
    assert issubclass(kind, ShardwiseError)
    assert kind.__name__.endswith("Error")
    assert inspect.cleandoc(kind.__doc__ or "").partition("\n")[0].endswith(".") or issubclass(
        kind, NoActiveShardError
    )
    assert isinstance(kind.retryable, bool)  # type: ignore[attr-defined]


def test_the_first_line_of_the_docstring_is_the_message_by_default() -> None:
    assert str(DatabaseError()) == "The database refused or failed an operation."
    assert str(DatabaseError("the disk is full")) == "the disk is full"
    assert str(errors.CommitOutcomeUnknownError()).endswith("the changes may be stored or not.")


def test_what_can_be_retried() -> None:
    retryable = {kind.__name__ for kind in CLASSES if kind.retryable}
    assert retryable >= {"DatabaseConnectionError", "TransientDatabaseError", "ShardUnavailableError"}
    never = {
        "CommitOutcomeUnknownError",
        "DatabaseAccessError",
        "DuplicateEntityError",
        "UnknownAccountError",
    }
    assert not retryable & never
    assert not DatabaseAccessError.retryable
    assert DatabaseConnectionError.retryable


def test_an_unavailable_shard_is_both_a_connection_and_a_topology_problem() -> None:
    error = ShardUnavailableError(7, "no answer")
    assert isinstance(error, DatabaseConnectionError)
    assert isinstance(error, TopologyError)
    assert error.shard_id == 7
    assert str(error) == "shard 7 is unavailable: no answer"


def test_ids_are_attributes_and_messages_say_the_way_out() -> None:
    assert UnknownShardError(9).shard_id == 9
    assert "shardwise shards list" in str(UnknownShardError(9))
    assert UnknownAccountError(2**64 - 1).account_db_key == 2**64 - 1
    assert "18446744073709551615" in str(UnknownAccountError(2**64 - 1))
    assert "shard_session(shard_id, maintenance=True)" in str(ShardMaintenanceError(3))
    assert "set-status 3 active" in str(ShardDisabledError(3))
    assert EntityNotFoundError("Portfolio", (1, "a")).identity == (1, "a")
    assert "no Portfolio has the primary key (1, 'a')" in str(EntityNotFoundError("Portfolio", (1, "a")))
    duplicate = DuplicateEntityError("Account", "uk_email")
    assert (duplicate.entity, duplicate.constraint) == ("Account", "uk_email")
    assert "uk_email" in str(duplicate)
    assert "(None)" not in str(DuplicateEntityError("Account"))
    broken = ConstraintViolationError("Account", "not null", "email")
    assert str(broken) == "Account: the not null rule email forbids this row"
    revision = RevisionMismatchError("shard 2 (two)", "0003", "0001")
    assert (revision.expected, revision.found) == ("0003", "0001")
    assert "shardwise upgrade" in str(revision)
    assert "SHARDWISE_TOPOLOGY__REVISION_CHECK=warn" in str(revision)


def test_an_invalid_value_is_also_a_value_error() -> None:
    with pytest.raises(ValueError, match="amount: must be above 0"):
        raise InvalidValueError("amount", "must be above 0")


def test_notes() -> None:
    error = ShardwiseError("no")
    note(error, shard=3, attempt=2)
    assert error.__notes__ == ["shard: 3", "attempt: 2"]


@pytest.mark.parametrize(
    "error",
    [ShardUnavailableError(7, "gone"), UnknownAccountError(5), DuplicateEntityError("Account", "uk")],
    ids=lambda error: type(error).__name__,
)
def test_errors_pass_between_processes(error: ShardwiseError) -> None:
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is type(error)
    assert str(again) == str(error)
    assert vars(again) == vars(error)
