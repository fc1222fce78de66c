import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.engine import URL

from shardwise.config import (
    DatabaseSettings,
    Environment,
    PoolSettings,
    RevisionCheck,
    Settings,
    database_url,
)
from shardwise.errors import ConfigurationError

SECRET = "hunter2-secret"
MYSQL_URL = f"mysql+asyncmy://trader:{SECRET}@db.example:3307/platform"

SetVariables = Callable[..., None]


@pytest.fixture(autouse=True)
def clean_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.upper().startswith(("DATABASE_", "SHARDWISE_")):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def variables(monkeypatch: pytest.MonkeyPatch) -> SetVariables:
    def set_them(**values: str) -> None:
        for name, value in values.items():
            monkeypatch.setenv(name, value)

    return set_them


def refused(**values: Any) -> str:
    with pytest.raises(ConfigurationError) as caught:
        Settings(**values)
    return str(caught.value)


# What is in force without any setting


def test_defaults() -> None:
    settings = Settings()
    assert settings.environment is Environment.PRODUCTION
    assert str(settings.database.sqlalchemy_url()) == "sqlite+aiosqlite:///data/global.db"
    assert settings.database.pool() == PoolSettings(
        pool_size=10,
        max_overflow=20,
        pool_timeout=30,
        pool_recycle=3600,
        connect_timeout=30,
        read_timeout=30,
        write_timeout=30,
        charset="utf8mb4",
    )
    assert settings.database.port == 3306
    assert settings.database.password is None, "there is no default password"
    assert (settings.retry.attempts, settings.retry.backoff) == (3, 2)
    assert settings.topology.revision_check is RevisionCheck.REFUSE
    assert settings.topology.refresh_interval == 30
    assert settings.routing.strategy == "modulo"
    assert settings.migrations.script_location is None


# Where settings come from


def test_every_database_variable_is_understood(variables: SetVariables) -> None:
    variables(
        DATABASE_URL=MYSQL_URL,
        DATABASE_POOL_SIZE="11",
        DATABASE_MAX_OVERFLOW="0",
        DATABASE_POOL_TIMEOUT="1.5",
        DATABASE_POOL_RECYCLE="-1",
        DATABASE_CONNECT_TIMEOUT="2",
        DATABASE_READ_TIMEOUT="3",
        DATABASE_WRITE_TIMEOUT="4",
        DATABASE_CHARSET="utf8mb4",
        DATABASE_RETRY_ATTEMPTS="7",
        DATABASE_RETRY_BACKOFF="1.5",
    )
    settings = Settings()
    assert settings.database.sqlalchemy_url().render_as_string(hide_password=False) == MYSQL_URL
    assert settings.database.pool().model_dump() == {
        "pool_size": 11,
        "max_overflow": 0,
        "pool_timeout": 1.5,
        "pool_recycle": -1,
        "connect_timeout": 2,
        "read_timeout": 3,
        "write_timeout": 4,
        "charset": "utf8mb4",
    }
    assert (settings.retry.attempts, settings.retry.backoff) == (7, 1.5)


def test_a_database_by_its_parts(variables: SetVariables) -> None:
    variables(
        DATABASE_TYPE="mariadb",
        DATABASE_HOST="db.example",
        DATABASE_PORT="3310",
        DATABASE_DATABASE="platform",
        DATABASE_USER="trader",
        DATABASE_PASSWORD="p@ss:/?#word",
    )
    url = Settings().database.sqlalchemy_url()
    assert url == URL.create("mariadb+asyncmy", "trader", "p@ss:/?#word", "db.example", 3310, "platform")


def test_parts_without_a_type_are_mysql_with_its_port() -> None:
    database = DatabaseSettings(database="platform", user="trader")
    assert str(database.sqlalchemy_url()) == "mysql+asyncmy://trader@localhost:3306/platform"


def test_a_sqlite_file_by_its_parts() -> None:
    database = DatabaseSettings(type="sqlite", database="/srv/data/global.db")
    assert str(database.sqlalchemy_url()) == "sqlite+aiosqlite:////srv/data/global.db"


def test_nested_variables(variables: SetVariables) -> None:
    variables(
        SHARDWISE_ENVIRONMENT="test",
        SHARDWISE_TOPOLOGY__REVISION_CHECK="warn",
        SHARDWISE_TOPOLOGY__REFRESH_INTERVAL="0",
        SHARDWISE_ROUTING__STRATEGY="weighted",
        SHARDWISE_ROUTING__CACHE_SIZE="5",
        SHARDWISE_MIGRATIONS__SCRIPT_LOCATION="/srv/alembic",
        SHARDWISE_DATABASE__POOL_SIZE="3",
        SHARDWISE_RETRY__ATTEMPTS="2",
    )
    settings = Settings()
    assert settings.environment is Environment.TEST
    assert settings.topology.revision_check is RevisionCheck.WARN
    assert settings.topology.refresh_interval == 0
    assert (settings.routing.strategy, settings.routing.cache_size) == ("weighted", 5)
    assert settings.migrations.script_location == Path("/srv/alembic")
    assert settings.database.pool_size == 3
    assert settings.retry.attempts == 2


def test_a_section_as_json(variables: SetVariables) -> None:
    variables(SHARDWISE_ROUTING='{"strategy": "by_region", "cache_ttl": 5}')
    assert Settings().routing.strategy == "by_region"


def test_names_are_understood_in_lower_case(variables: SetVariables) -> None:
    variables(database_pool_size="4", shardwise_routing__cache_ttl="9")
    settings = Settings()
    assert (settings.database.pool_size, settings.routing.cache_ttl) == (4, 9)


def test_a_dotenv_file(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(
        f"# the global database\nDATABASE_URL={MYSQL_URL}\nDATABASE_POOL_SIZE=6\nDATABASE_RETRY_ATTEMPTS=5\n"
        "SHARDWISE_ENVIRONMENT=development\nSHARDWISE_TOPOLOGY__HEALTH_DEADLINE=2\nUNRELATED=1\n"
    )
    settings = Settings()
    assert settings.database.sqlalchemy_url().host == "db.example"
    assert settings.database.pool_size == 6
    assert settings.retry.attempts == 5
    assert settings.environment is Environment.DEVELOPMENT
    assert settings.topology.health_deadline == 2


def test_another_dotenv_file(tmp_path: Path) -> None:
    (tmp_path / "local.env").write_text("DATABASE_POOL_SIZE=2\n")
    assert Settings(_env_file=tmp_path / "local.env").database.pool_size == 2
    assert Settings().database.pool_size == 10


def test_arguments_win_over_the_environment_and_that_over_dotenv(
    tmp_path: Path, variables: SetVariables
) -> None:
    (tmp_path / ".env").write_text(
        "DATABASE_POOL_SIZE=1\nDATABASE_MAX_OVERFLOW=1\nDATABASE_POOL_TIMEOUT=1\nSHARDWISE_ENVIRONMENT=test\n"
    )
    variables(DATABASE_MAX_OVERFLOW="2", DATABASE_POOL_TIMEOUT="2", SHARDWISE_ENVIRONMENT="development")
    settings = Settings(database={"pool_timeout": 3})
    assert settings.database.pool_size == 1, "from .env"
    assert settings.database.max_overflow == 2, "from the environment"
    assert settings.database.pool_timeout == 3, "from the argument"
    assert settings.environment is Environment.DEVELOPMENT


@pytest.mark.parametrize("section", [dict, DatabaseSettings])
def test_parts_of_an_address_win_over_a_url_of_the_environment(
    variables: SetVariables, section: Callable[..., Any]
) -> None:
    variables(DATABASE_URL=MYSQL_URL, DATABASE_POOL_SIZE="3")
    parts = section(type="mysql", host="test.example", database="scratch")
    database = Settings(database=parts).database
    assert database.sqlalchemy_url().render_as_string() == "mysql+asyncmy://test.example:3306/scratch"


def test_parts_in_the_environment_win_over_a_url_in_dotenv(tmp_path: Path, variables: SetVariables) -> None:
    (tmp_path / ".env").write_text(f"DATABASE_URL={MYSQL_URL}\n")
    variables(DATABASE_HOST="test.example", DATABASE_DATABASE="scratch")
    assert Settings().database.sqlalchemy_url().host == "test.example"


def test_a_url_wins_over_parts_in_the_environment(variables: SetVariables) -> None:
    variables(DATABASE_HOST="test.example", DATABASE_DATABASE="scratch")
    assert Settings(database={"url": MYSQL_URL}).database.sqlalchemy_url().host == "db.example"


def test_sections_may_be_models_or_dictionaries() -> None:
    assert Settings(database=DatabaseSettings(pool_size=2)).database.pool_size == 2
    assert Settings(database={"pool_size": 2}).database.pool_size == 2


def test_settings_are_frozen() -> None:
    settings = Settings()
    with pytest.raises(ValueError, match="frozen"):
        settings.environment = Environment.TEST
    with pytest.raises(ValueError, match="frozen"):
        settings.database.pool_size = 3


# What is refused, and how


@pytest.mark.parametrize(
    ("variable", "value", "accepted"),
    [
        ("DATABASE_POOL_SIZE", "0", "at least 1 and at most 1000"),
        ("DATABASE_POOL_SIZE", "many", "at least 1 and at most 1000"),
        ("DATABASE_POOL_SIZE", "1.5", "at least 1 and at most 1000"),
        ("DATABASE_MAX_OVERFLOW", "-1", "at least 0 and at most 1000"),
        ("DATABASE_POOL_TIMEOUT", "0", "more than 0 and at most 3600"),
        ("DATABASE_POOL_TIMEOUT", "inf", "more than 0 and at most 3600"),
        ("DATABASE_POOL_RECYCLE", "-2", "at least -1 and at most 604800"),
        ("DATABASE_CONNECT_TIMEOUT", "-3", "more than 0 and at most 3600"),
        ("DATABASE_READ_TIMEOUT", "nan", "more than 0 and at most 86400"),
        ("DATABASE_WRITE_TIMEOUT", "86401", "more than 0 and at most 86400"),
        ("DATABASE_PORT", "65536", "at least 1 and at most 65535"),
        ("DATABASE_RETRY_ATTEMPTS", "0", "at least 1 and at most 20"),
        ("DATABASE_RETRY_BACKOFF", "0.5", "at least 1 and at most 60"),
        ("SHARDWISE_TOPOLOGY__REFRESH_INTERVAL", "-1", "at least 0 and at most 86400"),
        ("SHARDWISE_TOPOLOGY__HEALTH_DEADLINE", "0", "more than 0 and at most 600"),
        ("SHARDWISE_ROUTING__CACHE_SIZE", "-1", "at least 0 and at most 1000000000"),
        ("SHARDWISE_ROUTING__CACHE_TTL", "0", "more than 0 and at most 86400"),
        ("SHARDWISE_MIGRATIONS__LOCK_TIMEOUT", "-1", "at least 0 and at most 86400"),
        ("SHARDWISE_ENVIRONMENT", "staging", "'production', 'development' or 'test'"),
        ("SHARDWISE_TOPOLOGY__REVISION_CHECK", "maybe", "'refuse', 'warn' or 'ignore'"),
        ("SHARDWISE_ROUTING__STRATEGY", "", "at least 1 character"),
        ("DATABASE_CHARSET", "latin1", "'utf8mb4'"),
        ("DATABASE_TYPE", "postgresql", "mariadb, mariadb+asyncmy, mysql, mysql+asyncmy, sqlite"),
    ],
)
def test_a_bad_value_names_the_variable_and_what_is_accepted(
    variables: SetVariables, variable: str, value: str, accepted: str
) -> None:
    variables(**{variable: value})
    said = refused()
    assert said.startswith(f"{variable}: ")
    assert accepted in said
    assert "\n" not in said


def test_all_bad_values_are_named_at_once(variables: SetVariables) -> None:
    variables(DATABASE_POOL_SIZE="0", DATABASE_RETRY_ATTEMPTS="99", SHARDWISE_ENVIRONMENT="no")
    said = refused()
    for variable in ("DATABASE_POOL_SIZE: ", "DATABASE_RETRY_ATTEMPTS: ", "SHARDWISE_ENVIRONMENT: "):
        assert variable in said


def test_a_bad_value_in_a_dotenv_file_is_named_too(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("DATABASE_POOL_SIZE=none\n")
    assert refused().startswith("DATABASE_POOL_SIZE: ")


def test_a_bad_argument_is_named_as_its_variable() -> None:
    assert refused(database={"pool_size": 0}).startswith("DATABASE_POOL_SIZE: ")
    assert refused(database={"pool_sise": 1}).startswith("DATABASE_POOL_SISE: ")
    assert refused(routing="modulo").startswith("SHARDWISE_ROUTING: ")


def test_unknown_names(variables: SetVariables) -> None:
    assert "no section databse" in refused(databse={})
    variables(SHARDWISE_TOPOLOGI__REFRESH_INTERVAL="1")
    assert refused().startswith("SHARDWISE_TOPOLOGI__REFRESH_INTERVAL: there is no section topologi")


def test_an_unknown_name_within_a_section(variables: SetVariables) -> None:
    variables(SHARDWISE_TOPOLOGY__INTERVAL="1")
    assert refused().startswith("SHARDWISE_TOPOLOGY__INTERVAL: ")


def test_unknown_retry_variable(variables: SetVariables) -> None:
    variables(DATABASE_RETRY_TIMES="1")
    assert refused().startswith("DATABASE_RETRY_TIMES: ")


def test_other_programs_variables_are_left_alone(variables: SetVariables) -> None:
    variables(DATABASE_FLAVOUR="vanilla", SHARDWISE_TEST_SERVER="here")
    assert Settings().database.pool_size == 10


def test_a_section_that_is_not_json(variables: SetVariables) -> None:
    variables(SHARDWISE_TOPOLOGY=SECRET)
    said = refused()
    assert '"topology"' in said
    assert "SHARDWISE_<SECTION>__<NAME>" in said
    assert SECRET not in said


@pytest.mark.parametrize("part", ["HOST", "USER", "PASSWORD", "PORT", "TYPE"])
def test_parts_without_a_database_are_refused_instead_of_using_the_default_file(
    variables: SetVariables, part: str
) -> None:
    variables(**{f"DATABASE_{part}": {"PORT": "3307", "TYPE": "mysql"}.get(part, "x")})
    with pytest.raises(ConfigurationError, match="DATABASE_DATABASE is missing"):
        Settings().database.sqlalchemy_url()


@pytest.mark.parametrize(
    "url",
    [
        SECRET,
        "",
        f"mysql+asyncmy://trader:{SECRET}@db.example:port/platform",
        f"postgresql://trader:{SECRET}@db.example/platform",
        f"mysql+pymysql://trader:{SECRET}@db.example/platform",
        f"mysql://trader:{SECRET}@db.example",
        f"mysql://trader:{SECRET}@db.example/",
        "sqlite://",
        "sqlite+aiosqlite:///:memory:",
        "sqlite+aiosqlite:///file:shared?mode=memory&uri=true",
        "sqlite+aiosqlite:///file::memory:?cache=shared&uri=true",
    ],
)
def test_an_unusable_url_is_refused_without_repeating_it(variables: SetVariables, url: str) -> None:
    variables(DATABASE_URL=url)
    said = refused()
    assert "DATABASE_URL" in said
    assert SECRET not in said
    assert "trader" not in said


def test_drivers_are_completed() -> None:
    assert database_url("mysql://u@h/d").drivername == "mysql+asyncmy"
    assert database_url("mariadb://u@h/d").drivername == "mariadb+asyncmy"
    assert database_url("sqlite:///a.db").drivername == "sqlite+aiosqlite"
    url = database_url("mysql://u:p%40ss@h/d?charset=utf8mb4")
    assert (url.password, url.query) == ("p@ss", {"charset": "utf8mb4"})


# Secrets


def test_secrets_are_in_no_repr_and_no_dump(variables: SetVariables) -> None:
    for given in ({"DATABASE_URL": MYSQL_URL}, {"DATABASE_PASSWORD": SECRET, "DATABASE_DATABASE": "d"}):
        with pytest.MonkeyPatch.context() as patch:
            for name, value in given.items():
                patch.setenv(name, value)
            settings = Settings()
        shown = [
            repr(settings),
            str(settings),
            repr(settings.database),
            repr(settings.database.sqlalchemy_url()),
            str(settings.database.sqlalchemy_url()),
            settings.model_dump_json(),
        ]
        assert not [text for text in shown if SECRET in text]
        assert settings.database.sqlalchemy_url().password == SECRET


def test_secrets_are_in_no_error(variables: SetVariables) -> None:
    variables(DATABASE_URL=MYSQL_URL, DATABASE_PASSWORD=SECRET, DATABASE_POOL_SIZE=SECRET)
    for values in ({}, {"database": {"url": MYSQL_URL, "pasword": SECRET}}, {"database": SECRET}):
        with pytest.raises(ConfigurationError) as caught:
            Settings(**values)
        assert SECRET not in str(caught.value)
        assert caught.value.__suppress_context__, "the chained error must not print the input"


# The pool's part by itself


def test_pool_settings_checked() -> None:
    assert PoolSettings.checked(pool_size=3).pool_size == 3
    with pytest.raises(ConfigurationError, match=r"DATABASE_POOL_SIZE: .*at least 1 and at most 1000"):
        PoolSettings.checked(pool_size=0)
