"""What do five requests of the trading platform cost over the stored procedures that they replace?"""

import itertools
import json
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import insert

from benchmarks.harness import Comparison, Work, compare, entry
from benchmarks.old_way import OldPlatform, old_platform
from shardwise.database import ShardedDatabase
from shardwise.finance.chat.drafts import NewMessage
from shardwise.finance.chat.models import MessageType
from shardwise.finance.chat.service import ChatService
from shardwise.finance.identity.service import IdentityService
from shardwise.finance.identity.values import SignUp
from shardwise.finance.notifications.models import Notification
from shardwise.finance.notifications.service import NotificationService
from shardwise.messaging import NewEvent, publish
from shardwise.security.passwords import PasswordHasher
from shardwise.testing.servers import MariaDBServer
from shardwise.testing.templates import TemplateOptions, template_for

ACCOUNTS = 200
UNREAD = READ = 20
PAGE = 20
TASKS = 16
CALLS = 192  # a round; a multiple of TASKS
ROUNDS = 9
PASSWORD = "a long sentence"
DATA = {"room": "r", "text": "what somebody said", "tokens": 42}
CONTENT = "What somebody says, in a sentence or two of the usual length. " * 3
OURS, OLD = "shardwise", "CALL"


@dataclass(frozen=True, slots=True, kw_only=True)
class NewPlatform:
    """What an application does with shardwise for one request each."""

    db: ShardedDatabase
    identity: IdentityService
    chat: ChatService
    notifications: NotificationService

    async def publish(self, key: int, partition: str) -> None:
        """Publish one event in a transaction of its own, run again after a deadlock."""

        @self.db.with_retry
        async def once() -> None:
            async with self.db.session(key) as session:
                event = NewEvent(
                    domain="chat",
                    partition_key=partition,
                    event_type="message_sent",
                    aggregate_id="m-1",
                    event_data=DATA,
                )
                await publish(session, event)

        await once()


@dataclass(frozen=True, slots=True, kw_only=True)
class Accounts:
    """The accounts of one side, which take turns."""

    keys: list[int]
    names: list[str]
    numbers: "itertools.count[int]" = field(default_factory=itertools.count)

    def next(self) -> tuple[int, str, int]:
        """Return an account's key, its name, and a number that was never used."""
        number = next(self.numbers)
        return self.keys[number % len(self.keys)], self.names[number % len(self.keys)], number


async def run(server: MariaDBServer) -> list[dict[str, object]]:
    """Measure each request with one caller and with TASKS at a time."""
    entries = []
    with PasswordHasher(memory_kib=8, time_cost=1, concurrency=2) as hasher:
        async with (
            _new_platform(server, hasher) as new,
            old_platform(server, hasher, connections=TASKS + 4) as old,
        ):
            requests = _requests(new, await _fill_new(new), old, await _fill_old(old))
            for name, variants in requests.items():
                trips = {kind: await _round_trips(server, work) for kind, work in variants.items()}
                for tasks in (1, TASKS):
                    result = await compare(variants, calls=CALLS, rounds=ROUNDS, tasks=tasks)
                    entries += _lines(name, tasks, result, trips)
    return entries


def _requests(
    new: NewPlatform, ours: Accounts, old: OldPlatform, theirs: Accounts
) -> Mapping[str, Mapping[str, Work]]:
    """Return the variants of each request, the old way first."""
    data = json.dumps(DATA)

    async def sign_up() -> None:
        number = ours.next()[2]
        name = f"new{number}"
        await new.identity.sign_up(
            SignUp(account_id=name, password=PASSWORD, nickname=name, email=f"{name}@example.com")
        )

    async def old_sign_up() -> None:
        name = f"new{theirs.next()[2]}"
        await old.sign_up(name, PASSWORD, f"{name}@example.com")

    async def old_sign_up_and_account() -> None:
        name = f"new{theirs.next()[2]}"
        await old.open_account(await old.sign_up(name, PASSWORD, f"{name}@example.com"))

    async def log_in() -> None:
        await new.identity.log_in(1, ours.next()[1], PASSWORD)

    async def old_log_in() -> None:
        await old.log_in(theirs.next()[1], PASSWORD)

    async def save_message() -> None:
        key, name, number = ours.next()
        await new.chat.save_message(
            NewMessage(
                account_db_key=key,
                room_id=f"room-{name}",
                message_type=MessageType.USER,
                content=CONTENT,
                message_id=f"m-{number}",
            )
        )

    async def old_save_message() -> None:
        key, name, number = theirs.next()
        await old.save_message(key, f"m-{number}", f"room-{name}", CONTENT)

    async def publish_event() -> None:
        key, name, _ = ours.next()
        await new.publish(key, name)

    async def old_publish() -> None:
        key, name, _ = theirs.next()
        await old.publish(key, name, data)

    async def unread() -> None:
        assert len((await new.notifications.unread(ours.next()[0], limit=PAGE)).items) == PAGE

    async def old_unread() -> None:
        assert len(await old.unread(theirs.next()[0], PAGE)) == PAGE

    return {
        "log in": {OLD: old_log_in, OURS: log_in},
        "save a chat message": {OLD: old_save_message, OURS: save_message},
        "publish an event": {OLD: old_publish, OURS: publish_event},
        f"{PAGE} unread notifications": {OLD: old_unread, OURS: unread},
        "sign up": {
            OLD: old_sign_up,
            OURS: sign_up,
            "CALL, and CALL for the ledger account that shardwise opens too": old_sign_up_and_account,
        },
    }


def _lines(name: str, tasks: int, result: Comparison, trips: Mapping[str, float]) -> list[dict[str, object]]:
    ours = result.samples[OURS]
    lines = []
    for peer, sample in result.samples.items():
        if peer == OURS:
            continue
        speed = result.speed_ratio[OURS] / result.speed_ratio[peer]
        cpu = result.cpu_ratio[OURS] / result.cpu_ratio[peer]
        how = (
            f"median of {ROUNDS} rounds of {CALLS} calls; {trips[OURS]:g} round trips against {trips[peer]:g}"
        )
        lines += [
            entry(
                f"{name}, {tasks} at a time: calls a second",
                speed,
                "× peer",
                bound="none yet",
                peer=peer,
                how=f"{how}; {ours.per_second:.0f} calls/s against {sample.per_second:.0f}",
            ),
            entry(
                f"{name}, {tasks} at a time: client CPU",
                cpu,
                "× peer",
                bound="none yet",
                peer=peer,
                how=f"{how}; CPU {ours.cpu_us:.0f} µs against {sample.cpu_us:.0f} µs",
            ),
        ]
    return lines


async def _round_trips(server: MariaDBServer, work: Work) -> float:
    """Count what the server is asked for one call: statements, COMMIT, ROLLBACK."""
    for _ in range(ACCOUNTS):  # an account's first call of a day may do more
        await work()
    calls = 20
    asking = _questions(server)
    idle = _questions(server) - asking
    before = _questions(server)
    for _ in range(calls):
        await work()
    return (_questions(server) - before - idle) / calls


def _questions(server: MariaDBServer) -> int:
    ((_, count),) = server.execute("SHOW GLOBAL STATUS LIKE 'Questions'")
    return int(count)


@asynccontextmanager
async def _new_platform(server: MariaDBServer, hasher: PasswordHasher) -> AsyncIterator[NewPlatform]:
    options = TemplateOptions(settings={"database": {"pool_size": TASKS + 4}})
    with tempfile.TemporaryDirectory() as folder:
        template = template_for(server.url(), options, Path(folder), "finance")
        await template.build()
        async with template.open(Path(folder), real_commits=True) as db:
            yield NewPlatform(
                db=db,
                identity=IdentityService(db, hasher=hasher),
                chat=ChatService(db),
                notifications=NotificationService(db),
            )


async def _fill_new(new: NewPlatform) -> Accounts:
    accounts = Accounts(keys=[], names=[f"somebody{number}" for number in range(ACCOUNTS)])
    for name in accounts.names:
        signed_up = await new.identity.sign_up(SignUp(account_id=name, password=PASSWORD, nickname=name))
        key = signed_up.account_db_key
        accounts.keys.append(key)
        await new.chat.create_room(key, title=name, ai_persona="analyst", room_id=f"room-{name}")
        rows = [
            {
                "account_db_key": key,
                "notification_id": f"{name}-{number}",
                "type_id": "price_alert",
                "title": f"Alert {number}",
                "message": CONTENT,
                "data": DATA,
                "priority": number % 5 + 1,
                "is_read": number >= UNREAD,
            }
            for number in range(UNREAD + READ)
        ]
        async with new.db.session(key) as session:
            await session.execute(insert(Notification), rows)
    return accounts


async def _fill_old(old: OldPlatform) -> Accounts:
    accounts = Accounts(keys=[], names=[f"somebody{number}" for number in range(ACCOUNTS)])
    for name in accounts.names:
        key = await old.sign_up(name, PASSWORD, f"{name}@example.com")
        await old.open_account(key)
        accounts.keys.append(key)
        shard = key % 2 + 1
        await old.execute_many(
            shard,
            "INSERT INTO table_chat_rooms (room_id, account_db_key, title, ai_persona)"
            " VALUES (%s, %s, %s, %s)",
            [(f"room-{name}", key, name, "analyst")],
        )
        await old.execute_many(
            shard,
            "INSERT INTO table_inapp_notifications (notification_id, account_db_key, type_id, title, message,"
            " data, priority, is_read) VALUES (%s, %s, %s, %s, %s, %s, %s, %s)",
            [
                (
                    f"{name}-{number}",
                    key,
                    "price_alert",
                    f"Alert {number}",
                    CONTENT,
                    json.dumps(DATA),
                    number % 5 + 1,
                    number >= UNREAD,
                )
                for number in range(UNREAD + READ)
            ],
        )
    return accounts
