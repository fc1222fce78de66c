"""Where a logged-in client's session says that its rows are."""

from collections.abc import Mapping
from typing import Any

from shardwise.errors import UnknownShardError


def shard_of_session(client_session: Any) -> int | None:
    """Return the shard of a client's session, None for the global database.

    The shard is `client_session.session.shard_id`. Without a client session, a session or a shard, and for
    shard 0, it is the global database: such clients have not logged in, or have no shard yet.

    Args:
        client_session: of the program; it and its `session` may be objects or mappings. A session by itself
            will do.

    Raises:
        UnknownShardError: the shard is something that is no number. Never the global database instead.
    """
    session = _part(client_session, "session", client_session)
    named = _part(session, "shard_id", None)
    nowhere = named is None or (type(named) in (int, str) and named in (0, "", "0"))
    return None if nowhere else checked_shard(named)


def checked_shard(shard_id: Any) -> int:
    """Return the number of a shard that a program names; also as text, as sessions may store it.

    Raises:
        UnknownShardError: it is no number of a shard.
    """
    if isinstance(shard_id, str) and shard_id.isascii() and shard_id.isdigit():
        shard_id = int(shard_id)
    if not isinstance(shard_id, int) or isinstance(shard_id, bool):
        raise UnknownShardError(shard_id)
    return shard_id


def _part(whole: Any, name: str, default: Any) -> Any:
    return whole.get(name, default) if isinstance(whole, Mapping) else getattr(whole, name, default)
