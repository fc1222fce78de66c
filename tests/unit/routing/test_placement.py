import dataclasses

import pytest

from shardwise.routing.placement import Placement
from shardwise.schema.control import PlacementState


def test_a_placement_is_a_frozen_value() -> None:
    assert Placement(3) == Placement(3, 1, PlacementState.ACTIVE)
    assert hash(Placement(3)) == hash(Placement(3, 1))
    assert Placement(3) != Placement(3, epoch=2)
    with pytest.raises(dataclasses.FrozenInstanceError):
        Placement(3).shard_id = 4  # type: ignore[misc]
