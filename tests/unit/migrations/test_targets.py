"""What the words of a command ask for."""

import pytest
from sqlalchemy.engine import make_url

from shardwise.errors import MigrationTargetError
from shardwise.migrations.branches import Branch
from shardwise.migrations.targets import Request, Target, parse_request

FORMS = "-x database=global, -x shard=NUMBER or -x shard=all"


@pytest.mark.parametrize(
    ("arguments", "section", "request_"),
    [
        ({"database": "global"}, "alembic", Request(branch=Branch.GLOBAL)),
        ({"shard": "3"}, "alembic", Request(branch=Branch.SHARD, shard_id=3)),
        ({"shard": "all"}, "alembic", Request(branch=Branch.SHARD)),
        ({"shard": "3"}, "shard", Request(branch=Branch.SHARD, shard_id=3)),
        ({}, "global", Request(branch=Branch.GLOBAL)),
        ({"database": "global"}, "global", Request(branch=Branch.GLOBAL)),
        ({"shard": "3", "unrelated": "x"}, "alembic", Request(branch=Branch.SHARD, shard_id=3)),
    ],
)
def test_requests(arguments: dict[str, str], section: str, request_: Request) -> None:
    assert parse_request(arguments, section) == request_


@pytest.mark.parametrize(
    ("arguments", "section", "message"),
    [
        ({}, "alembic", f"no database is named; say which one with {FORMS}"),
        ({}, "shard", f"no database is named; say which one with {FORMS}"),
        ({"database": "shard_1"}, "alembic", f"there is no database 'shard_1'; name one with {FORMS}"),
        ({"shard": "three"}, "alembic", f"'three' is no shard number; name one with {FORMS}"),
        ({"shard": "-3"}, "alembic", f"'-3' is no shard number; name one with {FORMS}"),
        ({"shard": ""}, "alembic", f"'' is no shard number; name one with {FORMS}"),
        ({"shard": "1", "database": "global"}, "alembic", f"one database at a time, please: {FORMS}"),
        ({"shard": "1"}, "global", "section [global] holds no revisions for the shard database"),
        ({"database": "global"}, "shard", "section [shard] holds no revisions for the global database"),
    ],
)
def test_what_cannot_be_meant(arguments: dict[str, str], section: str, message: str) -> None:
    with pytest.raises(MigrationTargetError) as refusal:
        parse_request(arguments, section)
    assert str(refusal.value) == message


def test_a_target_shows_no_password() -> None:
    target = Target.shard(3, make_url("mysql+asyncmy://user:Hunter2@host/shard_3"))
    assert (target.name, target.branch, target.shard_id) == ("shard 3", Branch.SHARD, 3)
    assert "Hunter2" not in repr(target)
