from pathlib import Path
from types import SimpleNamespace

import pytest
from pydantic import SecretStr, ValidationError

from shardwise.config import Settings
from shardwise.database import ShardedDatabase
from shardwise.errors import ConfigurationError
from shardwise.legacy.config import DatabaseConfig, database_for


def test_the_fields_become_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "mysql://other/elsewhere")
    monkeypatch.setenv("DATABASE_POOL_SIZE", "77")
    config = DatabaseConfig(
        type="mysql", host="db", port=3307, database="finance", user="u", password=SecretStr("p@ss"),
        pool_size=3, max_overflow=4, connect_timeout=5, read_timeout=6, write_timeout=7,
    )  # fmt: skip
    database = database_for(config).settings.database
    url = database.sqlalchemy_url()
    assert url.render_as_string(hide_password=False) == "mysql+asyncmy://u:p%40ss@db:3307/finance"
    assert database.pool().model_dump(exclude={"pool_timeout", "pool_recycle"}) == {
        "pool_size": 3, "max_overflow": 4, "connect_timeout": 5, "read_timeout": 6, "write_timeout": 7,
        "charset": "utf8mb4",
    }  # fmt: skip


def test_the_password_is_not_shown() -> None:
    config = DatabaseConfig.model_validate({"database": "x", "password": "s3cret"})
    assert config.password.get_secret_value() == "s3cret"
    assert "s3cret" not in f"{config!r} {config} {config.model_dump()}"


@pytest.mark.parametrize("odd", [{"database": "x", "password": 51237}, "mysql://u:51237@h/d"])
def test_a_refused_password_is_not_shown(odd: object) -> None:
    with pytest.raises(ValidationError) as caught:
        DatabaseConfig.model_validate(odd)
    assert "51237" not in str(caught.value)


def test_a_programs_own_object_will_do(tmp_path: Path) -> None:
    own = SimpleNamespace(type="mysql", host="h", port=1, database="d", user="u", password="p", extra=1)
    url = database_for(own).settings.database.sqlalchemy_url()
    assert url.render_as_string(hide_password=False) == "mysql+asyncmy://u:p@h:1/d"
    lite = SimpleNamespace(type="sqlite", database=str(tmp_path / "g.db"))
    assert database_for(lite).settings.database.sqlalchemy_url().database == str(tmp_path / "g.db")


def test_a_url_and_settings_will_do() -> None:
    assert database_for("sqlite:///g.db").settings.database.sqlalchemy_url().database == "g.db"
    settings = Settings(database={"url": "sqlite:///g.db"})
    assert database_for(settings).settings is settings
    assert isinstance(database_for(settings), ShardedDatabase)


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (5, "can't be made from a int"),
        (None, "can't be made from a NoneType"),
        (DatabaseConfig(database=""), "DATABASE_DATABASE is missing"),
        (DatabaseConfig(database="d", type="oracle"), "DATABASE_TYPE: 'oracle'"),
        (DatabaseConfig(database="d", charset="latin1"), "DATABASE_CHARSET"),
        (DatabaseConfig(database="d", pool_size=0), "DATABASE_POOL_SIZE"),
    ],
)
def test_what_can_not_be_used_is_named(config: object, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        database_for(config)
