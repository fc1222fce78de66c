"""What the shipped revisions do to tables, read from themselves."""

import pytest

from shardwise.errors import MigrationError
from shardwise.migrations.adoption.changes import courses, pending_changes
from shardwise.migrations.baseline import GLOBAL, SHARD
from shardwise.migrations.branches import Branch, expected_head


@pytest.mark.parametrize("branch", list(Branch))
def test_every_table_has_a_way_from_the_first_installations(branch: Branch) -> None:
    changes = pending_changes(branch, None)
    assert [changes[0].revision, changes[-1].revision] == [f"{branch[0]}0001", expected_head(branch)]
    ways = courses(changes)
    old = GLOBAL if branch is Branch.GLOBAL else SHARD
    assert ways.keys() >= old.tables.keys()
    for name, table in old.tables.items():
        assert ways[name].before is table


def test_the_revisions_of_one_table_follow_each_other() -> None:
    way = courses(pending_changes(Branch.SHARD, None))["table_signal_alarms"]
    assert way.revisions[:2] == ("s0007", "s0020")
    assert "live_symbol" in way.after.columns


def test_nothing_is_pending_at_head_and_less_on_the_way() -> None:
    assert pending_changes(Branch.GLOBAL, expected_head(Branch.GLOBAL)) == ()
    assert pending_changes(Branch.GLOBAL, "g0009")[0].revision == "g0010"


def test_an_unknown_revision_is_named() -> None:
    with pytest.raises(MigrationError, match="revision x9999 is none of this code's"):
        pending_changes(Branch.GLOBAL, "x9999")
