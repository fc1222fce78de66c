"""Accounts and their homes as the global database has them."""

from collections.abc import Collection, Iterator

from shardwise.migrations.adoption.checks.look import Look
from shardwise.migrations.adoption.findings import Finding, Severity

_CHECK = "directory"
_MAPPING = "table_user_shard_mapping"
_ACCOUNTS = "table_accountid"


def find_lost_accounts(look: Look) -> Iterator[Finding]:
    """Count accounts without a home, and homes without an account."""
    tables = look.database.inventory.tables
    for table, other, message, way_out in (
        (
            _ACCOUNTS,
            _MAPPING,
            "accounts have no home; each gets one at its next login, whichever the strategy of new accounts"
            " chooses, and would not find rows that it has elsewhere",
            f"INSERT INTO {_MAPPING} the shard that holds their rows",
        ),
        (
            _MAPPING,
            _ACCOUNTS,
            "homes of accounts that don't exist; they are kept and count among a shard's accounts",
            f"DELETE them from {_MAPPING}, once nothing needs their rows",
        ),
    ):
        condition = (
            f"NOT EXISTS (SELECT 1 FROM {other} AS other WHERE other.account_db_key = {table}.account_db_key)"
        )
        if count := int(look.scalar(f"SELECT COUNT(*) FROM {table} WHERE {condition}")):
            yield look.finding(
                Severity.ATTENTION,
                _CHECK,
                message,
                table=table,
                count=count,
                way_out=way_out,
                examples=look.keys_where(tables[table], condition),
            )


def find_homeless(look: Look, known: Collection[int], disabled: Collection[int]) -> Iterator[Finding]:
    """Count homes on shards that are not configured, which modulo over a changed count leaves, or disabled.

    Args:
        look: the global database.
        known: the ids of all configured shards.
        disabled: those that take no part.
    """
    found = look.connection.exec_driver_sql(
        f"SELECT shard_id, COUNT(*) FROM {_MAPPING} WHERE shard_id IS NOT NULL"
        " GROUP BY shard_id ORDER BY shard_id"
    )
    for shard_id, count in [tuple(row) for row in found]:
        if shard_id in known and shard_id not in disabled:
            continue
        facts = look.database.inventory.tables[_MAPPING]
        missing = shard_id not in known
        yield look.finding(
            Severity.ATTENTION,
            _CHECK,
            f"homes on shard {shard_id}, which is {'not configured' if missing else 'disabled'}; these"
            " accounts can't use anything that is on a shard",
            table=_MAPPING,
            count=int(count),
            way_out=(
                f"UPDATE {_MAPPING} SET shard_id = … WHERE shard_id = {shard_id}, to where their rows are"
                if missing
                else f"`shardwise shards set-status {shard_id} maintenance` and adopt again"
            ),
            examples=look.keys_where(facts, f"shard_id = {int(shard_id)}"),
        )


def find_other_hashes(look: Look) -> Iterator[Finding]:
    """Count passwords in another form than the one that logins verify."""
    condition = "password_hash NOT LIKE '$argon2id$%'"
    query = f"SELECT COUNT(*) FROM {_ACCOUNTS} WHERE {condition}"
    if count := int(look.scalar(query)):
        yield look.finding(
            Severity.ATTENTION,
            "hashes",
            "passwords are not hashed with argon2id; these accounts can't log in until they have a new one",
            table=_ACCOUNTS,
            count=count,
            way_out="let them set a new password; adopt neither hashes nor encrypts anything",
            examples=look.keys_where(look.database.inventory.tables[_ACCOUNTS], condition),
        )
