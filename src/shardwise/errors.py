"""Every error that shardwise raises: one root, one family a room.

Each class says by `retryable` whether running the same unit of work again can help. Names and numbers
that a program may want are attributes; messages never hold parameters of a statement or secrets.
"""

from typing import Any, ClassVar


class ShardwiseError(Exception):
    """Something went wrong in shardwise."""

    retryable: ClassVar[bool] = False

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or (type(self).__doc__ or "").partition("\n")[0])

    def __reduce__(self) -> tuple[Any, ...]:
        # A stock exception is unpickled by calling its class with the message, which ours don't take.
        return _restored, (type(self), self.args), vars(self)


def _restored(kind: type[ShardwiseError], arguments: tuple[Any, ...]) -> ShardwiseError:
    error = kind.__new__(kind)
    error.args = arguments
    return error


class ConfigurationError(ShardwiseError):
    """A setting is missing or has a value that can't be used."""


class InvalidValueError(ShardwiseError, ValueError):
    """A value given by the caller can't be accepted.

    Args:
        field: the name of the value.
        reason: what is wrong with it and what is accepted.
    """

    def __init__(self, field: str, reason: str) -> None:
        self.field = field
        super().__init__(f"{field}: {reason}")


# Databases: what a driver said, in our words


class DatabaseError(ShardwiseError):
    """The database refused or failed an operation."""


class DatabaseConnectionError(DatabaseError):
    """A database can't be reached, or the connection to it was lost."""

    retryable = True


class DatabaseAccessError(DatabaseConnectionError):
    """A database refuses the user, the password or the privilege; trying again can't help."""

    retryable = False


class CommitOutcomeUnknownError(DatabaseError):
    """The connection was lost while COMMIT was under way: the changes may be stored or not.

    Running the unit of work again could apply it twice; look first whether its rows are there.
    """

    commit_outcome_unknown: ClassVar[bool] = True


class TransientDatabaseError(DatabaseError):
    """The database gave up this transaction for another one: a deadlock or a lock wait that took too long."""

    retryable = True


class EntityNotFoundError(DatabaseError):
    """No row has this primary key."""

    def __init__(self, entity: str, identity: object) -> None:
        self.entity = entity
        self.identity = identity
        super().__init__(f"no {entity} has the primary key {identity!r}")


class DuplicateEntityError(DatabaseError):
    """A row with the same unique value exists already."""

    def __init__(self, entity: str, constraint: str | None = None) -> None:
        self.entity = entity
        self.constraint = constraint
        by = f" ({constraint})" if constraint else ""
        super().__init__(f"{entity} exists already: a unique value is taken{by}")


class ConstraintViolationError(DatabaseError):
    """A row breaks a rule of its table.

    Args:
        entity: the model or table.
        rule: foreign key, check, or not null.
        constraint: the constraint's name, or the column's.
    """

    def __init__(self, entity: str, rule: str, constraint: str | None = None) -> None:
        self.entity = entity
        self.rule = rule
        self.constraint = constraint
        which = f" {constraint}" if constraint else ""
        super().__init__(f"{entity}: the {rule} rule{which} forbids this row")


class ValueRefusedError(DatabaseError, InvalidValueError):
    """The database refuses a value: too long, out of range, or not of the column's type."""


class MissingTableError(DatabaseError):
    """A table isn't there.

    Args:
        table: its name, where the driver says it.
    """

    def __init__(self, table: str | None) -> None:
        self.table = table
        super().__init__(f"there is no table {table or 'of this name'}; run `shardwise upgrade`")


class UnknownFilterError(DatabaseError, ValueError):
    """A filter names an attribute or an operator that the model doesn't have."""


# Topology: which databases exist


class TopologyError(ShardwiseError):
    """The set of databases can't be used as it is."""


class UnknownShardError(TopologyError):
    """No shard with this id is configured."""

    def __init__(self, shard_id: object) -> None:
        self.shard_id = shard_id
        super().__init__(
            f"shard {shard_id!r} is not in table_shard_config; `shardwise shards list` shows those that are"
        )


class ShardExistsError(TopologyError):
    """A shard with this id or name is configured already."""

    def __init__(self, shard_id: int, name: str) -> None:
        self.shard_id = shard_id
        self.name = name
        super().__init__(
            f"shard {shard_id} ({name}) is in table_shard_config already; ids and names are unique"
        )


class TopologyChangedError(TopologyError):
    """Another shard was configured meanwhile."""


class NoActiveShardError(TopologyError):
    """No shard is active, so no account can be placed; add one with `shardwise shards add`."""


class ShardUnavailableError(DatabaseConnectionError, TopologyError):
    """A shard can't serve now; other shards are not affected."""

    def __init__(self, shard_id: int, reason: str) -> None:
        self.shard_id = shard_id
        super().__init__(f"shard {shard_id} is unavailable: {reason}")


class ShardAccessError(ShardUnavailableError, DatabaseAccessError):
    """A shard refuses the user, the password or the privilege that its row gives."""


class ShardMaintenanceError(ShardUnavailableError):
    """A shard is in maintenance."""

    def __init__(self, shard_id: int) -> None:
        super().__init__(
            shard_id, "it is in maintenance; operators use shard_session(shard_id, maintenance=True)"
        )


class ShardDisabledError(ShardUnavailableError):
    """A shard is disabled."""

    def __init__(self, shard_id: int) -> None:
        super().__init__(
            shard_id, f"it is disabled; `shardwise shards set-status {shard_id} active` brings it back"
        )


class ShardConfigurationError(ShardUnavailableError):
    """A shard's row in table_shard_config can't be used."""


class DatabaseNotMigratedError(TopologyError):
    """A database has no tables of ours yet."""

    def __init__(self, database: str, expected: str) -> None:
        self.database = database
        self.expected = expected
        super().__init__(
            f"{database} has not been migrated (expected revision {expected}); run `shardwise upgrade`"
        )


class RevisionMismatchError(TopologyError):
    """A database's schema revision isn't the one this code was written for."""

    def __init__(self, database: str, expected: str, found: str) -> None:
        self.database = database
        self.expected = expected
        self.found = found
        super().__init__(
            f"{database} is at revision {found}, this code needs {expected}; run `shardwise upgrade`"
            " (or deploy the code that matches), or set SHARDWISE_TOPOLOGY__REVISION_CHECK=warn"
        )


# Routing: which shard an account lives on


class RoutingError(ShardwiseError):
    """A statement or an account can't be sent to a shard."""


class UnknownAccountError(RoutingError):
    """No placement is recorded for this account."""

    def __init__(self, account_db_key: int) -> None:
        self.account_db_key = account_db_key
        super().__init__(f"account {account_db_key} has no row in table_user_shard_mapping")


class MissingShardKeyError(RoutingError):
    """A statement or a row of a sharded table doesn't name its account_db_key."""


class ScatterRefusedError(MissingShardKeyError):
    """A statement names no single shard and several would have to be asked."""


class UnroutableStatementError(RoutingError):
    """A statement can't be analysed for its shard key; name the account or the shard explicitly."""


# Sessions: guards


class GuardError(ShardwiseError):
    """A session refused to write to the wrong place."""


class ShardKeyChangedError(GuardError):
    """The account_db_key of a stored row was changed; rows move between accounts by delete and create."""


class CrossAccountAccessError(GuardError):
    """A session pinned to one account was handed a row of another one."""


class WrongShardError(GuardError):
    """An object of one shard was put into a session of another one."""


class CrossShardWriteError(GuardError):
    """A session would write to several databases, which one COMMIT can't make atomic."""


class ReadOnlySessionError(GuardError):
    """A read-only session was asked to write."""


# Migrations


class MigrationError(ShardwiseError):
    """A schema migration can't be done."""


class MigrationTargetError(MigrationError):
    """A migration command doesn't name a database that it can be applied to."""


class MigrationLockedError(MigrationError):
    """Another process is migrating this database."""

    retryable = True


# Tests


class PrivateServerError(ShardwiseError):
    """A private server of the tests can't be started or isn't running."""


# The trading domain


class DomainError(ShardwiseError):
    """A rule of the domain forbids the operation."""


class AuthenticationError(DomainError):
    """The account or the password is wrong."""


class AccountBlockedError(DomainError):
    """The account may not log in."""


class InsufficientFundsError(DomainError):
    """The balance doesn't cover the amount."""


class InsufficientHoldingsError(DomainError):
    """The position doesn't hold the quantity to sell."""


class TransactionConflictError(DomainError):
    """The transaction id was used before for something else."""


class SignalEvaluationError(DomainError):
    """The signal was evaluated before, or can't be judged."""


class LedgerAccountError(DomainError):
    """The ledger account is missing or closed to the operation."""


# The old procedures


class ProcedureError(ShardwiseError):
    """A stored procedure can't be called in this way."""


class UnknownProcedureError(ProcedureError):
    """Neither this library nor the database has a procedure of this name."""

    def __init__(self, name: str, reason: str) -> None:
        self.name = name
        super().__init__(f"there is no procedure {name}: {reason}")


class ProcedureScopeError(ProcedureError):
    """A procedure of the shards was called on the global database, or the other way round."""

    def __init__(self, name: str, reason: str) -> None:
        self.name = name
        super().__init__(f"{name}: {reason}")


def note(error: BaseException, **facts: Any) -> None:
    """Add facts (shard, account, attempt) to an error's notes, one line each."""
    for name, value in facts.items():
        error.add_note(f"{name}: {value}")
