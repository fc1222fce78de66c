"""docker-compose.yml is well formed, keeps no secret, and every service can be waited for."""

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]  # it ships no types

_ROOT = Path(__file__).parents[2]
_COMPOSE = _ROOT / "docker-compose.yml"
_MYSQL = ("global", "shard-1", "shard-2")
_REQUIRED = re.compile(r"^\$\{(?P<name>[A-Z0-9_]+):\?.+\}$")


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(_COMPOSE.read_text())
    return loaded


def _example_variables() -> dict[str, str]:
    lines = (_ROOT / ".env.example").read_text().splitlines()
    pairs = (line.lstrip("#").split("=", 1) for line in lines if re.match(r"#?[A-Z0-9_]+=", line))
    return dict(pairs)


def _has_compose_plugin() -> bool:
    docker = shutil.which("docker")
    if docker is None:
        return False
    return subprocess.run([docker, "compose", "version"], capture_output=True, check=False).returncode == 0


def test_one_global_database_two_shards_and_a_redis(compose: dict[str, Any]) -> None:
    services = compose["services"]
    assert set(services) == {*_MYSQL, "redis"}
    assert {services[name]["image"] for name in _MYSQL} == {"mysql:8.4"}
    databases = {services[name]["environment"]["MYSQL_DATABASE"] for name in _MYSQL}
    assert databases == {"shardwise_global", "shardwise_shard_1", "shardwise_shard_2"}


@pytest.mark.parametrize("name", [*_MYSQL, "redis"])
def test_each_service_has_a_health_check_and_keeps_its_data(compose: dict[str, Any], name: str) -> None:
    service = compose["services"][name]
    assert service["healthcheck"]["test"][0] == "CMD-SHELL"
    volume = service["volumes"][0].partition(":")[0]
    assert volume in compose["volumes"]
    assert [mount for other in compose["services"].values() for mount in other["volumes"]].count(
        service["volumes"][0]
    ) == 1


@pytest.mark.parametrize("name", [*_MYSQL, "redis"])
def test_passwords_are_required_and_have_no_default(compose: dict[str, Any], name: str) -> None:
    environment = compose["services"][name]["environment"]
    passwords = [value for key, value in environment.items() if key in ("MYSQL_PASSWORD", "REDIS_PASSWORD")]
    assert len(passwords) == 1
    required = _REQUIRED.match(passwords[0])
    assert required
    assert _example_variables()[required["name"]] == ""


def test_ports_are_open_on_this_machine_alone_and_differ(compose: dict[str, Any]) -> None:
    ports = [port for service in compose["services"].values() for port in service["ports"]]
    assert all(port.startswith("127.0.0.1:") for port in ports)
    assert len({port.rpartition(":")[0] for port in ports}) == len(ports)


def test_variables_are_all_in_the_example() -> None:
    text = _COMPOSE.read_text().replace("$$", "")
    used = set(re.findall(r"\$\{([A-Z0-9_]+)", text))
    assert used <= set(_example_variables())


def test_the_example_holds_no_secret() -> None:
    secrets = {name: value for name, value in _example_variables().items() if "PASSWORD" in name}
    assert secrets
    assert set(secrets.values()) == {""}


@pytest.mark.skipif(not _has_compose_plugin(), reason="the docker command has no compose plugin here")
def test_docker_compose_accepts_it() -> None:
    variables = {name: value or "x" for name, value in _example_variables().items()}
    command = ["docker", "compose", "--file", str(_COMPOSE), "config", "--quiet"]
    done = subprocess.run(command, env=os.environ | variables, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
