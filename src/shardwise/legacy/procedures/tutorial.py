"""The old procedures of the tutorials."""

from shardwise.errors import InvalidValueError
from shardwise.finance.tutorial.progress import complete_step
from shardwise.finance.tutorial.repository import ProgressRepository
from shardwise.finance.tutorial.values import CompletedStep
from shardwise.legacy.parameters import i32, text, u64
from shardwise.legacy.procedure import Call, Procedure, Rows, Scope
from shardwise.legacy.rows import status


async def _complete_step(
    call: Call, *, account_db_key: int, tutorial_type: str | None, step_number: int | None
) -> Rows:
    if tutorial_type is None or step_number is None:
        missing = "p_tutorial_type" if tutorial_type is None else "p_step_number"
        raise InvalidValueError(missing, "it must not be NULL")
    done = CompletedStep(account_db_key=account_db_key, tutorial_type=tutorial_type, step=step_number)
    await complete_step(call.session, done)
    return [status("SUCCESS", "Tutorial step completed")]


async def _get_progress(call: Call, *, account_db_key: int) -> Rows:
    return [
        {
            "tutorial_type": progress.tutorial_type,
            "completed_step": progress.completed_step,
            "updated_at": progress.updated_at,
        }
        for progress in await ProgressRepository(call.session).all_of(account_db_key)
    ]


PROCEDURES: tuple[Procedure, ...] = (
    Procedure(
        name="fp_tutorial_complete_step",
        scope=Scope.SHARD,
        signatures=((u64("account_db_key"), text("tutorial_type", 50), i32("step_number")),),
        results=(("result", "message"),),
        run=_complete_step,
    ),
    Procedure(
        name="fp_tutorial_get_progress",
        scope=Scope.SHARD,
        signatures=((u64("account_db_key"),),),
        results=(("tutorial_type", "completed_step", "updated_at"),),
        run=_get_progress,
        writes=False,
    ),
)
