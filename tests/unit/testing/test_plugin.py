"""The fixtures that users get, seen from a project of theirs."""

import subprocess
import sys
from collections.abc import Callable

import pytest

from shardwise.testing.servers import MariaDBServer
from shardwise.testing.statements import Rows

Run = Callable[..., pytest.RunResult]

_INI = """
[pytest]
asyncio_mode = auto
asyncio_default_fixture_loop_scope = function
filterwarnings = error
"""

_ISOLATION = """
    import asyncio
    import pytest
    from sqlalchemy import func, select
    from shardwise.finance.tutorial.models import TutorialProgress
    from shardwise.schema.control import ErrorLog, ShardMapping

    pytestmark = [PYTESTMARK]

    async def count(scope, model):
        async with scope as session:
            return await session.scalar(select(func.count()).select_from(model))

    async def sign_up(db, key, shard_id):
        async with db.global_session() as session:
            session.add(ShardMapping(account_db_key=key, shard_id=shard_id))

    async def use_routed_sessions(db):
        async with db.sharded_session() as session:
            session.add(TutorialProgress(account_db_key=1000, tutorial_type="kept"))
        with pytest.raises(ZeroDivisionError):
            async with db.sharded_session() as session:
                session.add(TutorialProgress(account_db_key=1000, tutorial_type="lost"))
                await session.flush()
                1 / 0
        async with db.session(1000, read_only=True) as session:
            assert list(await session.scalars(select(TutorialProgress.tutorial_type))) == ["kept"]

    async def use_every_database(db):
        assert list(db.topology.shards) == [1, 2]
        assert await count(db.global_session(), ShardMapping) == 0
        await sign_up(db, 1000, 2)
        assert await count(db.session(1000), ErrorLog) == 0
        async with db.session(1000) as session:
            session.add(ErrorLog(procedure_name="test", error_message="for this test only"))
        assert await count(db.shard_session(2), ErrorLog) == 1
        await use_routed_sessions(db)
        with pytest.raises(ZeroDivisionError):
            async with db.global_session() as session:
                session.add(ShardMapping(account_db_key=1001, shard_id=1))
                await session.flush()
                1 / 0
        assert await count(db.global_session(), ShardMapping) == 1

    @pytest.mark.parametrize("turn", [1, 2])
    async def test_rolled_back(sharded_db, turn):
        await use_every_database(sharded_db)

    @pytest.mark.shardwise_real_commits
    @pytest.mark.parametrize("turn", [1, 2])
    async def test_committed(sharded_db, turn):
        await use_every_database(sharded_db)

    @pytest.mark.shardwise_real_commits
    @pytest.mark.parametrize("turn", [1, 2])
    async def test_concurrent_sessions(sharded_db, turn):
        await asyncio.gather(*(sign_up(sharded_db, key, 1) for key in range(1000, 1010)))
        assert await count(sharded_db.global_session(), ShardMapping) == 10
"""


@pytest.fixture
def run(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run a project's tests in a process of their own."""

    def run(source: str, *arguments: str, ini: str = _INI, server: str | None = None) -> pytest.RunResult:
        monkeypatch.delenv("SHARDWISE_TEST_URL", raising=False)
        monkeypatch.delenv("PYTEST_XDIST_WORKER", raising=False)
        if server is not None:
            monkeypatch.setenv("SHARDWISE_TEST_URL", server)
        pytester.makefile(".ini", pytest=ini)
        pytester.makepyfile(source.replace("PYTESTMARK", ""))
        # hypothesis' plugin would import all of hypothesis at the end of every run
        return pytester.runpytest_subprocess("-p", "no:hypothesispytest", *arguments)

    return run


@pytest.fixture
def server_url(engine_kind: str, request: pytest.FixtureRequest) -> str | None:
    """What SHARDWISE_TEST_URL holds: nothing for SQLite, else the session's MariaDB."""
    if engine_kind == "sqlite":
        return None
    server: MariaDBServer = request.getfixturevalue("mariadb_server")
    return server.url()


def _test_databases(server: MariaDBServer) -> Rows:
    return server.execute("SHOW DATABASES LIKE 'test\\\\_%\\\\_global'")


def test_loading_it_imports_nothing_heavy() -> None:
    program = (
        "import sys, shardwise.testing.plugin\n"
        "heavy = {'sqlalchemy', 'alembic', 'pydantic', 'asyncmy', 'aiosqlite', 'shardwise.config'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_project_without_shardwise_is_left_alone(run: Run) -> None:
    source = """
        import sys

        def test_sample():
            assert "sqlalchemy" not in sys.modules
    """
    strict = _INI + "addopts = --strict-markers --strict-config\n"
    run(source, ini=strict).assert_outcomes(passed=1)


def test_without_pytest_asyncio_the_fixture_says_so(run: Run, pytester: pytest.Pytester) -> None:
    (pytester.path / "absent.py").write_text("import sys\nsys.modules['pytest_asyncio'] = None\n")
    source = """
        def test_sample(sharded_db): pass

        def test_other(): pass
    """
    result = run(source, "-p", "absent", "-p", "no:asyncio", ini="[pytest]")
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["*sharded_db needs pytest-asyncio: pip install 'shardwise?test?'*"])


def test_each_test_starts_with_an_empty_migrated_database(run: Run, server_url: str | None) -> None:
    run(_ISOLATION, server=server_url).assert_outcomes(passed=6)


def test_strict_mode_works_too(run: Run) -> None:
    source = _ISOLATION.replace("PYTESTMARK", "pytest.mark.asyncio")
    run(source, ini=_INI.replace("auto", "strict")).assert_outcomes(passed=6)


def test_a_session_left_open_fails_the_test(run: Run, server_url: str | None) -> None:
    source = """
        import pytest
        from sqlalchemy import text

        async def leave_open(db):
            session = await db.global_session().__aenter__()
            await session.execute(text("SELECT 1"))
            db.kept = session

        async def test_leak(sharded_db):
            await leave_open(sharded_db)

        @pytest.mark.shardwise_real_commits
        async def test_leak_with_real_commits(sharded_db):
            await leave_open(sharded_db)

        async def test_after(sharded_db):
            assert (await sharded_db.health())[0].ok
    """
    result = run(source, "-W", "ignore", server=server_url)
    result.assert_outcomes(passed=3, errors=2)
    result.stdout.fnmatch_lines(["*left *"])


def test_overriding_the_shards_and_the_settings(run: Run, server_url: str | None) -> None:
    source = """
        import pytest

        @pytest.fixture(scope="session")
        def shardwise_shard_ids():
            return (3, 7, 9)

        @pytest.fixture(scope="session")
        def shardwise_settings():
            return {"routing": {"strategy": "weighted"}, "database": {"pool_size": 3}}

        async def test_sample(sharded_db):
            assert list(sharded_db.topology.shards) == [3, 7, 9]
            assert sharded_db.settings.routing.strategy == "weighted"
            assert sharded_db.settings.database.pool_size == 3
            for shard_id in (3, 7, 9):
                async with sharded_db.shard_session(shard_id):
                    pass
    """
    run(source, server=server_url).assert_outcomes(passed=1)


def test_a_developers_own_configuration_is_not_read(
    run: Run, monkeypatch: pytest.MonkeyPatch, pytester: pytest.Pytester
) -> None:
    (pytester.path / ".env").write_text("DATABASE_POOL_SIZE=77\n")
    monkeypatch.setenv("DATABASE_URL", "mysql://nobody:nothing@127.0.0.1:1/production")
    source = """
        async def test_sample(sharded_db):
            assert sharded_db.global_manager.dialect_name == "sqlite"
            assert sharded_db.settings.database.pool_size != 77
    """
    run(source).assert_outcomes(passed=1)


def test_different_event_loops_are_refused_with_the_way_out(run: Run) -> None:
    source = """
        import pytest

        @pytest.mark.asyncio(loop_scope="session")
        async def test_sample(sharded_db):
            pass
    """
    result = run(source)
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*Set asyncio_default_fixture_loop_scope and*to the same value*"])


def test_session_wide_event_loops_work(run: Run, mariadb_server: MariaDBServer) -> None:
    ini = _INI.replace("fixture_loop_scope = function", "fixture_loop_scope = session")
    ini += "asyncio_default_test_loop_scope = session\n"
    run(_ISOLATION, ini=ini, server=mariadb_server.url()).assert_outcomes(passed=6)


def test_workers_share_no_databases_and_drop_them(run: Run, mariadb_server: MariaDBServer) -> None:
    before = _test_databases(mariadb_server)
    run(_ISOLATION, "-n", "2", server=mariadb_server.url()).assert_outcomes(passed=6)
    assert _test_databases(mariadb_server) == before


def test_a_wrong_server_is_named(run: Run) -> None:
    source = "async def test_sample(sharded_db): pass"
    result = run(source, server="postgresql://someone:secret@127.0.0.1/")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*the URL of the test server names the driver 'postgresql'*"])


def test_free_port(run: Run) -> None:
    source = """
        import socket

        def test_sample(free_port):
            with socket.socket() as listener:
                listener.bind(("127.0.0.1", free_port))
    """
    run(source).assert_outcomes(passed=1)
