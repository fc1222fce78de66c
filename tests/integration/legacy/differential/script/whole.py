"""The whole script in its order."""

from itertools import chain

from differential import sweeps
from differential.script import (
    accounts,
    alarms,
    chat,
    chat_changes,
    kalman,
    ledger,
    notification_stats,
    notifications,
    outbox,
    outbox_cleanup,
    profiles,
    secrets,
    settings,
    shards,
    signals,
    tutorial,
)
from differential.steps import Step

_ROOMS = (
    ledger,
    tutorial,
    kalman,
    chat,
    chat_changes,
    outbox,
    outbox_cleanup,
    notifications,
    notification_stats,
    alarms,
    signals,
)


def whole_script() -> list[Step]:
    """Return every step: who there is, each room on both shards, then what is swept."""
    people = [*accounts.SIGN_UPS, *accounts.STEPS, *profiles.STEPS, *settings.STEPS, *secrets.STEPS]
    rooms = chain.from_iterable(room.steps(shard) for room in _ROOMS for shard in (1, 2))
    lengths: dict[str, set[int]] = {}
    for sample in (*sweeps.GLOBAL_SAMPLES, *sweeps.SHARD_SAMPLES):
        lengths.setdefault(sample.name, set()).add(len(sample.parameters))
    swept = chain(sweeps.nulls(), sweeps.misfits(), sweeps.miscounts(lengths), sweeps.fits())
    return [*people, *rooms, *shards.STEPS, *swept]
