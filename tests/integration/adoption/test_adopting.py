"""From old to head: the plan changes nothing, the run keeps every row, and can be run again."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.engine import make_url
from sqlalchemy.pool import NullPool

from old_checksums import checksums
from old_deployment import OldDeployment
from shardwise.database import ShardedDatabase
from shardwise.errors import MigrationLockedError
from shardwise.finance.chat.drafts import NewMessage
from shardwise.finance.chat.models import MessageType
from shardwise.finance.chat.service import ChatService
from shardwise.finance.identity.service import IdentityService
from shardwise.finance.identity.values import SignUp
from shardwise.finance.ledger.service import LedgerService
from shardwise.finance.portfolios.service import PortfolioService
from shardwise.migrations.adoption import run
from shardwise.migrations.adoption.clock import Clock
from shardwise.migrations.adoption.run import AdoptionPlan, SilentAdoption, adopt
from shardwise.migrations.branches import Branch, expected_head
from shardwise.migrations.locks import lock_name
from shardwise.migrations.runner import MigrationOptions
from shardwise.security.passwords import PasswordHasher
from shardwise.topology.engines import create_engine

NOTES = "SHOW TABLES LIKE 'shardwise_adoption'"
VERSIONS = "SHOW TABLES LIKE 'alembic_version'"


def everything(old: OldDeployment) -> dict[str, Any]:
    """Every definition and every row of every database."""
    return {name: (columns(old, name), checksums(old, name)) for name in old.names}


def columns(old: OldDeployment, name: str) -> Any:
    tables = ", ".join(table for (table,) in old.execute(name, "SHOW TABLES"))
    query = (
        "SELECT table_name, column_name, ordinal_position, column_type, is_nullable, column_default, extra,"
        " (SELECT GROUP_CONCAT(index_name, seq_in_index ORDER BY 1) FROM information_schema.statistics k"
        " WHERE k.table_schema = DATABASE() AND k.table_name = c.table_name) AS indexes"
        " FROM information_schema.columns c WHERE table_schema = DATABASE() ORDER BY 1, 2"
    )
    return old.execute(name, query), old.execute(name, f"CHECKSUM TABLE {tables}")


def test_a_dry_run_changes_nothing_at_all(adopting: Any, old: OldDeployment) -> None:
    before = everything(old)
    shown = adopting.run("--dry-run").stdout
    adopting.run("--dry-run", "--clock", "+09:00", "--json")
    assert everything(old) == before
    for words in ("Databases", "What the revisions do", "What was found", "writers of that table wait"):
        assert words in shown
    assert old.server.password not in shown


def test_the_plan_for_programs(adopting: Any, old: OldDeployment) -> None:
    found = adopting.json("--dry-run")
    assert (found["ok"], found["adopted"], found["dry_run"], found["results"]) == (True, False, True, [])
    assert [(d["name"], d["state"]) for d in found["databases"]] == [(name, "old") for name in old.names]
    tables = {table["name"]: table for table in found["databases"][2]["tables"]}
    messages = tables["table_chat_messages"]
    assert messages["rows"] == old.rows("shard 2")["table_chat_messages"]
    assert (messages["revisions"], messages["bytes"] > 0) == (["s0009"], True)
    missing = {table["name"]: table for table in found["databases"][1]["tables"]}["table_transactions"]
    assert missing["what"].startswith("made; s0003")


def test_rows_are_kept_and_every_database_is_at_head(adopting: Any, old: OldDeployment) -> None:
    before = {name: old.rows(name) for name in old.names}
    found = adopting.json("--canary", "2", "--jobs", "2")
    assert (found["ok"], found["verification"]) == (True, [])
    assert [(r["name"], r["result"]) for r in found["results"]] == [(name, "upgraded") for name in old.names]
    for name in old.names:
        head = expected_head(Branch.GLOBAL if name == "global" else Branch.SHARD)
        assert old.execute(name, "SELECT version_num FROM alembic_version") == [(head,)]
        assert old.execute(name, NOTES) == []
        after = old.rows(name)
        assert {table: after[table] for table in before[name]} == before[name]


@asynccontextmanager
async def migrated_by_somebody_else(old: OldDeployment, name: str) -> AsyncIterator[None]:
    engine = create_engine(old.server.url(old.names[name]), poolclass=NullPool)
    async with engine.connect() as connection:
        await connection.execute(text("SELECT GET_LOCK(:name, 0)"), {"name": lock_name(old.names[name])})
        yield
    await engine.dispose()


async def test_a_canary_that_fails_keeps_the_others_untouched(
    adopting: Any, old: OldDeployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHARDWISE_MIGRATIONS__LOCK_TIMEOUT", "0")
    async with migrated_by_somebody_else(old, "shard 2"):
        result = await asyncio.to_thread(adopting.run, "--canary", "2", code=1)
    assert "shard 2 is being migrated by another process" in result.stderr
    assert "shard 1 was not touched" in result.stderr
    assert old.execute("shard 1", NOTES) == old.execute("shard 1", VERSIONS) == []
    await asyncio.to_thread(adopting.run)
    assert old.execute("shard 1", VERSIONS)


def test_an_unknown_canary_is_refused(adopting: Any, old: OldDeployment) -> None:
    assert "no shard that takes part has the id 7" in adopting.run("--canary", "7", code=1).stderr
    assert old.execute("global", NOTES) == []


async def test_of_two_adoptions_one_waits_and_finds_nothing_to_do(old: OldDeployment) -> None:
    url = make_url(old.url)
    one, other = await asyncio.gather(adopt(url), adopt(url))
    assert one.finished
    assert other.finished
    assert sorted([len(one.results), len(other.results)]) == [0, 3]


async def test_an_adoption_that_need_not_wait_is_refused(old: OldDeployment) -> None:
    url, impatient = make_url(old.url), AdoptionPlan(options=MigrationOptions(lock_timeout=0))
    begun = asyncio.Event()

    class Watching(SilentAdoption):
        def doing(self, what: str) -> None:
            begun.set()

    first = asyncio.create_task(adopt(url, progress=Watching()))
    await begun.wait()
    with pytest.raises(MigrationLockedError, match="another process is adopting this deployment"):
        await adopt(url, plan=impatient)
    assert (await first).finished


def test_rows_that_came_or_went_meanwhile_are_noticed(
    adopting: Any, old: OldDeployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    check = run.verify

    async def write_meanwhile(target: Any, options: Any) -> Any:
        if target.name == "shard 1":
            statement = "DELETE FROM table_chat_messages WHERE message_id IN ('m4', 'm5')"
            await asyncio.to_thread(old.execute, "shard 1", statement)
        return await check(target, options)

    with monkeypatch.context() as patched:
        patched.setattr(run, "verify", write_meanwhile)
        found = adopting.json(code=1)
    (wrong,) = found["verification"]
    assert (wrong["database"], wrong["table"], wrong["count"]) == ("shard 1", "table_chat_messages", 2)
    assert old.execute("global", NOTES)  # the notes stay until it is right
    adopting.run(code=1)
    old.execute("shard 1", wrong["way_out"].partition("now, ")[2].partition(" and go on")[0])
    adopting.run()


async def test_the_new_code_uses_what_was_adopted(old: OldDeployment) -> None:
    with PasswordHasher(memory_kib=8, time_cost=1) as hasher:
        hashed = await hasher.hash("correct horse")
        old.execute("global", f"UPDATE table_accountid SET password_hash = '{hashed}'")
        url = make_url(old.url)
        assert (await adopt(url, plan=AdoptionPlan(clock=Clock(minutes=540)))).finished
        async with ShardedDatabase.from_url(url, topology={"refresh_interval": 0}) as db:
            identity, ledger = IdentityService(db, hasher=hasher), LedgerService(db)
            chat = ChatService(db)
            for number in (1, 2):  # one on each shard
                key = (await identity.log_in(1, f"user{number}", "correct horse")).account_db_key
                assert key == 999 + number
                account = await ledger.get_account(key)
                assert str(account.balance) == f"{number}.01"
                await ledger.deposit(key, Decimal("5.00"))
                assert str((await ledger.get_account(key)).balance) == f"{number + 5}.01"
                positions = await PortfolioService(db).positions(key)
                assert len(positions) == 3
                (room,) = (await chat.rooms(key)).items
                assert (room.room_id, room.title) == (f"r{number}", "部屋")
                messages = (await chat.messages(key, room.room_id)).items
                assert [message.content for message in messages] == ["𝄞 message 2"]  # 1 and 3 are deleted
                assert messages[0].metadata == {"tokens": 3}
                assert messages[0].created_at.isoformat().startswith("2024-02-29T15:30:0")
                said = NewMessage(
                    account_db_key=key,
                    room_id=room.room_id,
                    message_type=MessageType.USER,
                    content="hello",
                )
                assert not (await chat.save_message(said)).repeated
                assert len((await chat.messages(key, room.room_id)).items) == 2
            new = await identity.sign_up(SignUp(account_id="new", password="pass word", nickname="n"))
            assert new.provisioned
            assert new.account_db_key == 1020
            await ledger.deposit(new.account_db_key, Decimal("1.00"))
