"""Checksums of what an old deployment holds, in forms that an adoption must not change."""

from collections import defaultdict

from old_deployment import OldDeployment
from shardwise.migrations.baseline import GLOBAL, SHARD

FILLED = frozenset(
    {
        "table_accountid.payment_plan",
        "table_user_accounts.balance",
        "table_transactions.account_number",
        "outbox_events.updated_at",
        "universal_outbox.updated_at",
        "saga_instances.updated_at",
    }
)
"""Columns of the rows that `fill` makes which have NULLs that get a value."""


def checksums(deployment: OldDeployment, database: str, *, minutes: int = 0) -> dict[str, tuple[int, int]]:
    """Return the rows and a checksum of every column that the first installations had, by table.col.

    Forms are those that stay the same: times with microseconds, flags as yes and no, JSON and texts as they
    are. NULLs are left out where head may fill them.

    Args:
        deployment: the deployment.
        database: such as `shard 1`.
        minutes: how far times are to be moved back before they are compared.
    """
    old = GLOBAL if database == "global" else SHARD
    kinds: dict[str, dict[str, str]] = defaultdict(dict)
    for table, name, kind in deployment.execute(database, _COLUMNS):
        if table in old.tables and name in old.tables[table].columns:
            kinds[table][name] = kind
    each = [
        f"SELECT '{table}', COUNT(*), CONCAT_WS(' ', {_sums(columns, minutes)}) FROM `{table}`"
        for table, columns in kinds.items()
    ]
    return {
        f"{table}.{name}": (int(rows), int(value))
        for table, rows, values in deployment.execute(database, " UNION ALL ".join(each))
        for name, value in zip(kinds[table], values.split(), strict=True)
    }


_COLUMNS = (
    "SELECT table_name, column_name, data_type FROM information_schema.columns"
    " WHERE table_schema = DATABASE() ORDER BY table_name, column_name"
)


def _sums(columns: dict[str, str], minutes: int) -> str:
    return ", ".join(
        f"COALESCE(SUM(CRC32({_form(name, kind, minutes)})), 0)" for name, kind in columns.items()
    )


_FLAGS = ("is_", "email_verified", "phone_verified", "profile_completed", "auto_renewal")


def _form(name: str, kind: str, minutes: int) -> str:
    if kind == "datetime":
        return f"DATE_FORMAT(`{name}` - INTERVAL {minutes} MINUTE, '%Y-%m-%d %H:%i:%s.%f')"
    if name.startswith(_FLAGS) or name.endswith("_enabled"):
        return f"IF(`{name}` <> 0, 'yes', IF(`{name}` = 0, 'no', NULL))"
    return f"CONCAT(`{name}`)"
