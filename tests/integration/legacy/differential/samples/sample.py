"""What a sample is, and the outcomes that samples name."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from differential.steps import Answer, Failure, First

Outcome = Answer | First | Failure

# The old log had no place for NULL, so that another error came out; now each failure has its row.
FAILS = Failure()
ERROR_ROW = First({"ErrorCode": 1}, logged=True)
NONE = Answer(())
ANY = First({})
SUCCESS = First({"result": "SUCCESS"})
FAILED = First({"result": "FAILED"})
NOT_FOUND = First({"result": "NOT_FOUND"})
NUMBER_0 = First({"ErrorCode": 0})
NUMBER_1 = First({"ErrorCode": 1})
NUMBER_1002 = First({"ErrorCode": 1002})


@dataclass(frozen=True)
class Sample:
    """One signature of one procedure.

    Attributes:
        name: of the procedure.
        parameters: `name:type` in their order, in the words of the old description.
        arguments: given a number that is never the same, returns arguments that fit.
        nulls: what comes of NULL in each parameter while the others fit.
    """

    name: str
    parameters: tuple[str, ...]
    arguments: Callable[[int], tuple[Any, ...]]
    nulls: tuple[Outcome, ...]


def sample(
    name: str, parameters: str, arguments: Callable[[int], tuple[Any, ...]], *nulls: Outcome
) -> Sample:
    """Return a sample; its parts must be of one length."""
    split = tuple(parameters.split())
    if not len(split) == len(arguments(0)) == len(nulls):
        raise AssertionError(f"the sample of {name} doesn't fit together")
    return Sample(name, split, arguments, nulls)
