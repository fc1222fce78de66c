"""Forks processes that sign accounts up, and kills each at a random moment.

Run by the fault test with its orders as JSON on stdin. Modules are imported once, before forking, so that a
kill costs milliseconds. Writes a line for every sign-up that was answered, and one for every kill.
"""

import asyncio
import json
import os
import random
import signal
import sys
import time
import traceback
from collections.abc import Callable
from typing import Any, NoReturn

from shardwise.database import ShardedDatabase
from shardwise.finance.identity.service import IdentityService
from shardwise.finance.identity.values import SignUp
from shardwise.routing.placement import Placement
from shardwise.security.passwords import PasswordHasher

PAUSE = 0.006  # seconds before and after the shard's part, at most
LIFE = 0.06  # seconds of signing up, at most
SIDE_BY_SIDE = 2


class PausingIdentity(IdentityService):
    def __init__(self, db: ShardedDatabase, begun: Callable[[], None]) -> None:
        super().__init__(db, hasher=PasswordHasher(memory_kib=8, time_cost=1))
        self.begun = begun

    async def _finish_home(self, account_db_key: int, placement: Placement) -> Placement:
        self.begun()
        await asyncio.sleep(random.uniform(0, PAUSE))
        finished = await super()._finish_home(account_db_key, placement)
        await asyncio.sleep(random.uniform(0, PAUSE))
        return finished


def tell(ready: int) -> None:
    os.write(ready, b"!")


def say(line: str) -> None:
    os.write(1, f"{line}\n".encode())


async def sign_up(url: str, process: int, ready: int) -> None:
    topology = {"refresh_interval": 0, "revision_check": "ignore"}
    async with ShardedDatabase.from_url(url, topology=topology) as db:
        # The clock of every second process starts in the gap, so that a slow machine gets there too.
        late = process % 2 == 1
        identity = PausingIdentity(db, (lambda: tell(ready)) if late else (lambda: None))

        async def forever(task: int) -> None:
            number = 0
            while True:
                name = f"p{process}-{task}-{number}"
                number += 1
                await identity.sign_up(SignUp(account_id=name, password=name, nickname=name))
                say(f"answered {name}")

        if not late:
            tell(ready)
        await asyncio.gather(*(forever(task) for task in range(SIDE_BY_SIDE)))


def run_child(url: str, process: int, ready: int) -> NoReturn:
    try:
        random.seed(process)
        asyncio.run(sign_up(url, process, ready))
    except BaseException:
        traceback.print_exc()
    os._exit(1)


def kill_one(url: str, process: int, moments: random.Random) -> None:
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        os.close(reading)
        run_child(url, process, writing)
    os.close(writing)
    began = os.read(reading, 1)
    if began:
        time.sleep(moments.uniform(0, LIFE))
    os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    os.close(reading)
    if not began or os.waitstatus_to_exitcode(status) != -signal.SIGKILL:
        sys.exit(f"process {process} ended by itself: {status}")
    say("killed")


def main() -> None:
    orders: dict[str, Any] = json.load(sys.stdin)
    moments = random.Random(orders["seed"])
    for process in range(orders["kills"]):
        kill_one(orders["url"], process, moments)


if __name__ == "__main__":
    main()
