"""Where an account lives, as the router needs it."""

from dataclasses import dataclass

from shardwise.schema.control import PlacementState


@dataclass(frozen=True, slots=True)
class Placement:
    """The shard of an account.

    Attributes:
        shard_id: where its rows are.
        epoch: how often it has been placed; each move raises it.
        state: whether its home on the shard is finished.
    """

    shard_id: int
    epoch: int = 1
    state: PlacementState = PlacementState.ACTIVE
