"""The old service while its server goes away and comes back."""

import logging
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from shardwise.errors import DatabaseConnectionError, InvalidValueError, ShardUnavailableError
from shardwise.legacy import DatabaseService
from shardwise.testing.servers import MariaDBServer
from shardwise.testing.templates import TemplateOptions, template_for


@pytest.fixture
async def gone(
    mariadb_installed: None, tmp_path: Path
) -> AsyncIterator[tuple[DatabaseService, MariaDBServer]]:
    """A service whose server may be stopped."""
    options = TemplateOptions(settings={"database": {"connect_timeout": 2, "read_timeout": 2}})
    with MariaDBServer(fast=True) as server:
        template = template_for(server.url(), options, tmp_path, "gone")
        await template.build()
        async with template.open(tmp_path / "db", real_commits=True) as db:
            yield DatabaseService(db), server


async def test_the_original_error_arrives_and_the_log_of_python_says_the_rest(
    gone: tuple[DatabaseService, MariaDBServer], caplog: pytest.LogCaptureFixture
) -> None:
    service, server = gone
    await service.db.place_account(2)
    home = (await service.db.where(2)).shard_id
    call = service.call_shard_procedure
    assert (await call(home, "fp_tutorial_complete_step", (2, "CHAT", 1)))[0]["result"] == "SUCCESS"
    server.kill()
    began = time.monotonic()
    with caplog.at_level(logging.ERROR, "shardwise.legacy"):
        with pytest.raises(ShardUnavailableError):
            await call(home, "fp_tutorial_complete_step", (2, "CHAT", 2))
        with pytest.raises(InvalidValueError):
            await service.call_global_procedure("fp_user_logout", "x")
        with pytest.raises(DatabaseConnectionError):
            await service.execute_query("SELECT 1")
    assert time.monotonic() - began < 20
    messages = [record.getMessage() for record in caplog.records]
    assert len(messages) == 2
    assert f"table_errorlog of shard {home} can't be written" in messages[0]
    assert "fp_user_logout: 0 InvalidValueError" in messages[1]
    server.start()
    rows = await call(home, "fp_tutorial_get_progress", (2,))
    assert [row["completed_step"] for row in rows] == [1]
