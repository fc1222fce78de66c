"""The procedures are those of the first installations, by name and by parameters."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from shardwise.errors import ConfigurationError
from shardwise.legacy.procedure import Procedure, Scope, alias
from shardwise.legacy.registry import by_name, find_procedure, registered_procedures

CATALOGUE: dict[str, Any] = json.loads(
    (Path(__file__).parents[2] / "data" / "legacy_procedures.json").read_text()
)
SCOPES = {"global": Scope.GLOBAL, "shard": Scope.SHARD, "shard_2": Scope.SHARD}
OLD = [
    pytest.param(SCOPES[database], name, parameters, id=f"{database}-{name}")
    for database in SCOPES
    for name, parameters in CATALOGUE[database].items()
]
ALIASES = {
    "sp_create_account": "fp_user_signup",
    "sp_login_user": "fp_user_login",
    "fp_signal_alarm_insert": "fp_signal_alarm_create",
    "fp_signal_alarm_update": "fp_signal_alarm_toggle",
    "fp_signal_history_insert": "fp_signal_history_save",
    "fp_signal_performance_evaluate": "fp_signal_performance_update",
    "fp_user_signal_statistics": "fp_signal_statistics_get",
    "fp_universal_outbox_mark_published": "fp_universal_outbox_update_status",
    "fp_universal_outbox_mark_failed": "fp_universal_outbox_update_status",
    "fp_chat_message_insert": "fp_chat_message_batch_save",
    "fp_chat_room_list": "fp_chat_rooms_get",
    "fp_chat_message_list": "fp_chat_messages_get",
    "fp_inapp_notification_get_unread": "fp_inapp_notifications_get_unread",
}
MORE = {
    "fp_universal_outbox_cleanup": [0, 1],
    "fp_chat_statistics_update": [1, 2],
    "fp_inapp_notification_stats_update": [1, 2],
    "fp_get_user_portfolios": [1],
    "sp_get_shard_user_stats": [0],
}
# What a type of the old catalogue may be here; a wider one takes whatever the old one took.
KINDS = {
    "bigint(20) unsigned": ["u64"],
    "bigint(20)": ["i64"],
    "int(11)": ["i32"],
    "tinyint(4)": ["i8"],
    "tinyint(3) unsigned": ["u8"],
    "bit(1)": ["bit"],
    "datetime": ["dt", "dt6"],
    "datetime(6)": ["dt6"],
    "date": ["date"],
    "longtext": ["JSON", "text"],
    "text": ["text"],
}


def _is_as_wide(old: str, new: str) -> bool:
    if old in KINDS:
        return new.partition("(")[0] in KINDS[old]
    kind, _, size = old.partition("(")
    if kind == "decimal":
        return new == f"dec({size}"
    if kind == "varchar":
        longest = re.fullmatch(r"text\((\d+)\)", new)
        return new.startswith("enum(") or (longest is not None and int(longest[1]) >= int(size.rstrip(")")))
    words = set(re.findall(r"'([^']+)'", old))
    return new.startswith("text") or words <= set(re.findall(r"\w+", new.removeprefix("enum")))


def test_there_were_sixty() -> None:
    assert len({param.values[1] for param in OLD}) == 60


@pytest.mark.parametrize(("scope", "name", "parameters"), OLD)
def test_an_old_procedure_is_there(scope: Scope, name: str, parameters: list[list[str]]) -> None:
    procedure = find_procedure(name)
    assert procedure is not None
    assert (procedure.name, procedure.scope, procedure.alias_of) == (name, scope, None)
    wanted = [parameter.removeprefix("p_") for parameter, _ in parameters]
    fitting = [one for one in procedure.signatures if [each.name for each in one] == wanted]
    assert len(fitting) == 1, [[each.name for each in one] for one in procedure.signatures]
    for (_, old), new in zip(parameters, fitting[0], strict=True):
        assert _is_as_wide(old, new.type), (new.name, old, new.type)


@pytest.mark.parametrize(("name", "original"), ALIASES.items())
def test_an_alias_is_there(name: str, original: str) -> None:
    procedure, other = find_procedure(name), find_procedure(original)
    assert procedure is not None
    assert other is not None
    assert (procedure.name, procedure.alias_of) == (name, original)
    assert (procedure.scope, procedure.on_error) == (other.scope, other.on_error)


@pytest.mark.parametrize(("name", "lengths"), MORE.items())
def test_other_names_of_the_texts_are_there(name: str, lengths: list[int]) -> None:
    procedure = find_procedure(name)
    assert procedure is not None
    assert procedure.scope is Scope.SHARD
    assert sorted(map(len, procedure.signatures)) == lengths


def test_nothing_else_is_there() -> None:
    names = [procedure.name for procedure in registered_procedures()]
    assert names == sorted(names)
    assert set(names) == {param.values[1] for param in OLD} | ALIASES.keys() | MORE.keys()


@pytest.mark.parametrize("procedure", registered_procedures(), ids=lambda procedure: procedure.name)
def test_a_procedure_says_what_it_takes_and_gives(procedure: Procedure) -> None:
    assert procedure.results
    assert all(columns and len(set(columns)) == len(columns) for columns in procedure.results)
    assert procedure.signatures
    lengths = [len(signature) for signature in procedure.signatures]
    assert len(set(lengths)) == len(lengths)
    for signature in procedure.signatures:
        assert len({one.name for one in signature}) == len(signature)


def test_names_are_found_in_any_case() -> None:
    assert find_procedure("FP_USER_LOGIN") is find_procedure("fp_user_login") is not None
    assert find_procedure("fp_nobody") is None


def test_a_name_given_twice_is_refused() -> None:
    one = registered_procedures()[0]
    with pytest.raises(ConfigurationError, match="registered twice"):
        by_name([one, alias(one.name.upper(), one)])


@pytest.mark.parametrize("procedure", registered_procedures(), ids=lambda procedure: procedure.name)
def test_personal_values_are_kept_out_of_the_log(procedure: Procedure) -> None:
    personal = re.compile(r"password|hash|_key$|secret|email$|phone|nickname")
    shown = {"account_db_key", "partition_key"}
    for signature in procedure.signatures:
        for one in signature:
            if personal.search(one.name) and one.name not in shown and one.type.startswith("text"):
                assert one.secret, one.name
