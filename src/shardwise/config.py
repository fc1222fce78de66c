"""Settings: constructor arguments, the environment and `.env`, checked once and named in every error.

The global database is configured by `DATABASE_URL` or its parts (`DATABASE_HOST`, `DATABASE_POOL_SIZE`, …);
everything else by `SHARDWISE_<SECTION>__<NAME>`. Shards are rows of `table_shard_config`, not settings.
"""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, model_validator
from pydantic_settings import (
    BaseSettings,
    DotEnvSettingsSource,
    EnvSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
)
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from shardwise.errors import ConfigurationError
from shardwise.kit.explain import problems

DRIVERS: Mapping[str, str] = {
    "sqlite": "sqlite+aiosqlite",
    "sqlite+aiosqlite": "sqlite+aiosqlite",
    "mysql": "mysql+asyncmy",
    "mysql+asyncmy": "mysql+asyncmy",
    "mariadb": "mariadb+asyncmy",
    "mariadb+asyncmy": "mariadb+asyncmy",
}
ADDRESS_PARTS = frozenset({"type", "host", "port", "database", "user"})
DEFAULT_URL = "sqlite+aiosqlite:///data/global.db"


def database_url(value: str | URL, setting: str = "database URL") -> URL:
    """Return a URL with the async driver that shardwise uses for its database.

    Args:
        value: such as `sqlite:///data/global.db` or `mysql+asyncmy://user:secret@host:3306/name`.
        setting: what to call the value in an error.

    Raises:
        ConfigurationError: the text is no URL, or its driver is not supported. The text is not repeated,
            it may hold a password.
    """
    try:
        url = make_url(value)
    except (ArgumentError, ValueError):
        raise ConfigurationError(
            f"{setting} is not a database URL; expected one such as"
            " sqlite+aiosqlite:///data/global.db or mysql+asyncmy://USER:PASSWORD@HOST:3306/DATABASE"
        ) from None
    driver = DRIVERS.get(url.drivername)
    if driver is None:
        raise ConfigurationError(
            f"{setting} names the driver {url.drivername!r}; supported are {', '.join(sorted(DRIVERS))}"
        )
    if driver.startswith("sqlite"):
        if not url.database or ":memory:" in url.database or url.query.get("mode") == "memory":
            raise ConfigurationError(f"{setting} names no file; in-memory databases are not supported")
    elif not url.database:
        raise ConfigurationError(f"{setting} names no database after the host")
    return url.set(drivername=driver)


class PoolSettings(BaseModel):
    """How many connections a database gets, and how long each step may take (seconds)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    pool_size: int = Field(default=10, ge=1, le=1000)
    max_overflow: int = Field(default=20, ge=0, le=1000)
    pool_timeout: float = Field(default=30, gt=0, le=3600)
    pool_recycle: int = Field(default=3600, ge=-1, le=604_800)
    connect_timeout: float = Field(default=30, gt=0, le=3600)
    read_timeout: float = Field(default=30, gt=0, le=86_400)
    write_timeout: float = Field(default=30, gt=0, le=86_400)
    charset: Literal["utf8mb4"] = "utf8mb4"

    @classmethod
    def checked(cls, **values: Any) -> Self:
        """Return settings of these values.

        Raises:
            ConfigurationError: one can't be used; the message says what is accepted.
        """
        try:
            return cls.model_validate(values)
        except ValidationError as error:
            raise ConfigurationError(_explain(error, "database")) from None


class DatabaseSettings(PoolSettings):
    """One database: a `url`, or its parts; and its pool."""

    url: SecretStr | None = None
    type: str | None = None
    host: str = "localhost"
    port: int = Field(default=3306, ge=1, le=65_535)
    database: str | None = None
    user: str | None = None
    password: SecretStr | None = None

    @model_validator(mode="after")
    def _one_address(self) -> Self:
        if self.url is not None:
            database_url(self.url.get_secret_value(), "DATABASE_URL")
        elif self.type is not None and self.type not in DRIVERS:
            raise ConfigurationError(
                f"DATABASE_TYPE: {self.type!r} is not one of {', '.join(sorted(DRIVERS))}"
            )
        return self

    def sqlalchemy_url(self) -> URL:
        """Return the address as a SQLAlchemy URL; without any setting, a SQLite file `data/global.db`.

        Raises:
            ConfigurationError: the parts don't make an address.
        """
        if self.url is not None:
            return database_url(self.url.get_secret_value(), "DATABASE_URL")
        if not self.model_fields_set & {*ADDRESS_PARTS, "password"}:
            return database_url(DEFAULT_URL)
        kind = self.type or "mysql"
        if not self.database:
            raise ConfigurationError(
                "DATABASE_DATABASE is missing: the name of the database, or the SQLite file"
            )
        if kind.startswith("sqlite"):
            return database_url(URL.create(kind, database=self.database), "DATABASE_DATABASE")
        secret = self.password.get_secret_value() if self.password else None
        url = URL.create(kind, self.user, secret, self.host, self.port, self.database)
        return database_url(url, "DATABASE_*")

    def pool(self) -> PoolSettings:
        """Return the pool's part alone, which shards inherit."""
        return PoolSettings(**{name: getattr(self, name) for name in PoolSettings.model_fields})


class RetrySettings(BaseModel):
    """How often a unit of work is run again, and how fast the pauses grow."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    attempts: int = Field(default=3, ge=1, le=20)
    backoff: float = Field(default=2, ge=1, le=60)


class RevisionCheck(StrEnum):
    """What a database at another schema revision than the code's means."""

    REFUSE = "refuse"
    WARN = "warn"
    IGNORE = "ignore"


class TopologySettings(BaseModel):
    """How the set of shards is watched."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    refresh_interval: float = Field(default=30, ge=0, le=86_400, description="seconds; 0 = only on request")
    revision_check: RevisionCheck = RevisionCheck.REFUSE
    health_deadline: float = Field(default=5, gt=0, le=600)


class RoutingSettings(BaseModel):
    """How accounts find their shard."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    strategy: str = Field(default="modulo", min_length=1)
    cache_size: int = Field(default=1_000_000, ge=0, le=1_000_000_000)
    cache_ttl: float = Field(default=60, gt=0, le=86_400)


class MigrationSettings(BaseModel):
    """Where the Alembic revisions are, and how long to wait for another upgrader."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    script_location: Path | None = Field(
        default=None, description="None = the revisions shipped with shardwise"
    )
    lock_timeout: float = Field(default=60, ge=0, le=86_400)


class Environment(StrEnum):
    """Where the application runs; destructive commands ask for it."""

    PRODUCTION = "production"
    DEVELOPMENT = "development"
    TEST = "test"


def _refuse_unknown_sections(variables: Iterable[str]) -> None:
    """Refuse a misspelt `SHARDWISE_<SECTION>__<NAME>`, which would leave the default in force."""
    for name in variables:
        section, nested, _ = name.lower().removeprefix("shardwise_").partition("__")
        if nested and name.lower().startswith("shardwise_") and section not in Settings.model_fields:
            known = ", ".join(Settings.model_fields)
            raise ConfigurationError(f"{name.upper()}: there is no section {section}; there are {known}")


def _split(variables: Mapping[str, str | None]) -> dict[str, Any]:
    """Turn DATABASE_* variables into the `database` and `retry` sections."""
    sections: dict[str, dict[str, Any]] = {"database": {}, "retry": {}}
    for name, value in variables.items():
        option = name.lower().removeprefix("database_")
        if option == name.lower() or value is None:
            continue
        if option.startswith("retry_"):
            sections["retry"][option.removeprefix("retry_")] = value
        elif option in DatabaseSettings.model_fields:
            sections["database"][option] = value
    return {name: section for name, section in sections.items() if section}


def _keep_to_one_address(sections: dict[str, Any], before: Any) -> None:
    """Drop a URL that comes after the parts of an address: it names another database, and would win."""
    given = before.model_fields_set if isinstance(before, DatabaseSettings) else set(before or ())
    if given & ADDRESS_PARTS:
        sections.get("database", {}).pop("url", None)


class _DatabaseVariables(PydanticBaseSettingsSource):
    """The DATABASE_* variables of an environment or of a `.env` file."""

    def __init__(self, settings_cls: type[BaseSettings], source: EnvSettingsSource) -> None:
        super().__init__(settings_cls)
        self._variables = source.env_vars

    def get_field_value(self, field: Any, field_name: str) -> tuple[Any, str, bool]:
        return None, field_name, False

    def __call__(self) -> dict[str, Any]:
        _refuse_unknown_sections(self._variables)
        sections = _split(self._variables)
        _keep_to_one_address(sections, self.current_state.get("database"))
        return sections


class Settings(BaseSettings):
    """All settings of shardwise, frozen.

    Arguments win over the environment, which wins over `.env`; so do the parts of an address over a URL
    that comes after them. Sections may be given as dictionaries:
    `Settings(database={"url": "sqlite:///data/global.db", "pool_size": 5})`.

    Raises:
        ConfigurationError: a value can't be used; the message names each variable and what it accepts.
    """

    model_config = SettingsConfigDict(
        env_prefix="SHARDWISE_",
        env_nested_delimiter="__",
        env_file=".env",
        env_file_encoding="utf-8",
        extra="ignore",
        frozen=True,
        hide_input_in_errors=True,
    )

    environment: Environment = Environment.PRODUCTION
    database: DatabaseSettings = DatabaseSettings()
    retry: RetrySettings = RetrySettings()
    topology: TopologySettings = TopologySettings()
    routing: RoutingSettings = RoutingSettings()
    migrations: MigrationSettings = MigrationSettings()

    def __init__(self, **values: Any) -> None:
        unknown = sorted(name for name in values if name not in type(self).model_fields and name[0] != "_")
        if unknown:
            known = ", ".join(type(self).model_fields)
            raise ConfigurationError(f"Settings has no section {', '.join(unknown)}; it has {known}")
        try:
            super().__init__(**values)
        except ValidationError as error:
            raise ConfigurationError(_explain(error)) from None
        except SettingsError as error:
            raise ConfigurationError(f"{error}: use SHARDWISE_<SECTION>__<NAME> for each value") from None

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Read DATABASE_* beside SHARDWISE_*, from the environment and from `.env`."""
        sources: list[PydanticBaseSettingsSource] = [init_settings, env_settings]
        if isinstance(env_settings, EnvSettingsSource):
            sources.append(_DatabaseVariables(settings_cls, env_settings))
        sources.append(dotenv_settings)
        if isinstance(dotenv_settings, DotEnvSettingsSource):
            sources.append(_DatabaseVariables(settings_cls, dotenv_settings))
        return (*sources, file_secret_settings)


def _variable(location: tuple[int | str, ...]) -> str:
    section, *rest = (str(part).upper() for part in location)
    if section == "DATABASE":
        return "_".join([section, *rest])
    if section == "RETRY":
        return "_".join(["DATABASE", section, *rest])
    return "SHARDWISE_" + "__".join([section, *rest])


def _explain(error: ValidationError, *inside: str) -> str:
    found = problems(error, Settings, *inside)
    return "; ".join(f"{_variable(location)}: {problem}" for location, problem in found)
