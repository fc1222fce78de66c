"""Tutorials (2.17, 2.18), the same on either shard."""

from differential.matching import NOW, Kept
from differential.steps import FAILS, NO_ACCOUNT, WRONG_SHARD, Database, Row, Step, done

UNKNOWN = 999_999
COMPLETED = done("Tutorial step completed")


def _progress(tutorial_type: str, completed_step: int) -> Row:
    return {"tutorial_type": tutorial_type, "completed_step": completed_step, "updated_at": NOW}


def steps(shard: int) -> list[Step]:
    """Return the room's script for one shard."""
    call = Database(shard).call
    owner, other, stranger = Kept(f"owner{shard}"), Kept(f"other{shard}"), Kept(f"owner{3 - shard}")
    return [
        call("fp_tutorial_get_progress", owner, gives=[]),
        call("fp_tutorial_complete_step", owner, "SIGNALS", 1, gives=COMPLETED),
        call("fp_tutorial_complete_step", owner, "OVERVIEW", 3, gives=COMPLETED),
        call("fp_tutorial_get_progress", owner, gives=[_progress("OVERVIEW", 3), _progress("SIGNALS", 1)]),
        call("fp_tutorial_complete_step", owner, "OVERVIEW", 2, gives=COMPLETED),
        call("fp_tutorial_complete_step", owner, "OVERVIEW", 3, gives=COMPLETED),
        call("fp_tutorial_complete_step", owner, "SIGNALS", 5, gives=COMPLETED),
        call("fp_tutorial_complete_step", owner, "CHAT", 0, gives=COMPLETED),
        call("fp_tutorial_complete_step", owner, "TRADING", -4, gives=COMPLETED),
        call("fp_tutorial_complete_step", owner, "TRADING", -7, gives=COMPLETED),
        call(
            "fp_tutorial_get_progress",
            owner,
            gives=[
                _progress("CHAT", 0),
                _progress("OVERVIEW", 3),
                _progress("SIGNALS", 5),
                _progress("TRADING", -4),
            ],
        ),
        call("fp_tutorial_get_progress", other, gives=[]),
        call("fp_tutorial_complete_step", other, "OVERVIEW", 9, gives=COMPLETED),
        call("fp_tutorial_get_progress", other, gives=[_progress("OVERVIEW", 9)]),
        call("fp_tutorial_complete_step", owner, "OVERVIEW", "4", gives=COMPLETED),
        call("fp_tutorial_complete_step", owner, "OVERVIEW", "four", fails=FAILS),
        call("fp_tutorial_complete_step", owner, "OVERVIEW", 2**31, fails=FAILS),
        call("fp_tutorial_complete_step", UNKNOWN, "OVERVIEW", 1, fails=NO_ACCOUNT, mends="D21"),
        call("fp_tutorial_complete_step", stranger, "OVERVIEW", 1, fails=WRONG_SHARD, mends="D21"),
        call("fp_tutorial_get_progress", UNKNOWN, gives=[]),
        call("fp_tutorial_get_progress", stranger, fails=WRONG_SHARD, mends="D21"),
    ]
