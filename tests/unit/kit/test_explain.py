from typing import Annotated

import pytest
from pydantic import BaseModel, Field, ValidationError

from shardwise.kit.explain import problems


class Pool(BaseModel):
    size: int = Field(default=1, ge=1, lt=10)
    share: Annotated[float, Field(gt=0, le=1)] = 0.5
    name: str = "a"


class Outer(BaseModel):
    pool: Pool = Pool()


def found(model: type[BaseModel], values: object, *inside: str) -> dict[str, str]:
    with pytest.raises(ValidationError) as caught:
        model.model_validate(values)
    return {".".join(map(str, at)): said for at, said in problems(caught.value, Outer, *inside)}


def test_bounds_are_said_in_words_and_the_value_is_not() -> None:
    said = found(Outer, {"pool": {"size": 4711, "share": 0, "name": 3}})
    assert said.keys() == {"pool.size", "pool.share", "pool.name"}
    assert said["pool.size"].endswith("(accepted: at least 1 and less than 10)")
    assert said["pool.share"].endswith("(accepted: more than 0 and at most 1)")
    assert "accepted" not in said["pool.name"]
    assert "4711" not in "".join(said.values())


def test_a_part_validated_alone_is_found_in_its_section() -> None:
    assert found(Pool, {"size": 0}, "pool")["pool.size"].endswith("(accepted: at least 1 and less than 10)")
