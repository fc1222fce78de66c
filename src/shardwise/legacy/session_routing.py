"""Where a logged-in client's session says that its rows are."""

from collections.abc import Mapping
from typing import Any

from shardwise.errors import UnknownShardError


def shard_of_session(client_session: Any) -> int | None:
    """Return the shard of a client's session, None for the global database.

    The shard is `client_session.session.shard_id`. Without a client session, a session or a shard, and for
    shard 0, it is the global database: such clients have not logged in, or have no shard yet.

    Args:
        client_session: of the program; its `session` may be an object or a mapping.

    Raises:
        UnknownShardError: the shard is something that is no number. Never the global database instead.
    """
    session = getattr(client_session, "session", None)
    named = session.get("shard_id") if isinstance(session, Mapping) else getattr(session, "shard_id", None)
    return None if named in (None, 0, "", "0") else checked_shard(named)


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
