"""Investors who watch prices: alarms, signals, notifications, a talk about them, a tutorial."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, time

from shardwise.cli.demo.investors import Home, side_by_side
from shardwise.cli.demo.watching import PERIODS, Day, Watch
from shardwise.database import ShardedDatabase
from shardwise.finance.chat.drafts import NewMessage
from shardwise.finance.chat.models import MessageType
from shardwise.finance.chat.service import ChatService
from shardwise.finance.notifications.service import NotificationService
from shardwise.finance.notifications.values import NewNotification
from shardwise.finance.signals.bollinger import signal_for
from shardwise.finance.signals.requests import NewAlarm, NewSignal
from shardwise.finance.signals.service import SignalService
from shardwise.finance.signals.types import SignalType
from shardwise.finance.signals.values import Alarm, SignalStatistics
from shardwise.finance.tutorial.service import TutorialService
from shardwise.finance.tutorial.values import TutorialType

TUTORIAL = TutorialType.SIGNALS
TUTORIAL_STEPS = (1, 2, 3, 2)  # the last one takes nothing back
TOKENS = 120  # that the assistant's answer cost
_CLOSE = time(21, tzinfo=UTC)
_HIGH, _NORMAL = 2, 3


class Watchers:
    """Lets investors watch prices, through the services of the trading domain alone.

    Args:
        db: an open database.
        advance: called after each investor, for a progress bar.
    """

    def __init__(self, db: ShardedDatabase, advance: Callable[[], None]) -> None:
        self._signals = SignalService(db)
        self._notifications = NotificationService(db)
        self._chat = ChatService(db)
        self._tutorial = TutorialService(db)
        self._advance = advance

    async def watch(self, watches: Sequence[Watch], homes: Mapping[str, Home]) -> dict[str, SignalStatistics]:
        """Let everybody watch, and return what their statistics say then, by name."""
        standings: dict[str, SignalStatistics] = {}

        async def live(watch: Watch) -> None:
            key = homes[watch.name].account_db_key
            await self._learn(key)
            alarm = await self._set_alarm(key, watch)
            for day in watch.days():
                await self._look(alarm, day)
            await self._talk(alarm)
            await self._read_one(key)
            standings[watch.name] = await self._signals.statistics(key)
            self._advance()

        await side_by_side(watches, live)
        return standings

    async def _learn(self, key: int) -> None:
        for step in TUTORIAL_STEPS:
            await self._tutorial.complete_step(key, TUTORIAL, step)

    async def _set_alarm(self, key: int, watch: Watch) -> Alarm:
        return await self._signals.create_alarm(
            NewAlarm(
                account_db_key=key,
                symbol=watch.symbol,
                current_price=watch.closes[PERIODS].price,
                note="tell me when it leaves its Bollinger band",
            )
        )

    async def _look(self, alarm: Alarm, day: Day) -> None:
        """Record the signal of a day if there is one, tell its owner, and judge it by the next close."""
        band = [close.price for close in day.before]
        word = signal_for(band, day.close.price, periods=PERIODS)
        if word is None:
            return
        signal = await self._signals.record(
            NewSignal(
                account_db_key=alarm.account_db_key,
                alarm_id=alarm.alarm_id,
                signal_type=word,
                signal_price=day.close.price,
                triggered_at=datetime.combine(day.close.day, _CLOSE),
            )
        )
        await self._notifications.create(
            NewNotification(
                account_db_key=alarm.account_db_key,
                type_id="signal_alert",
                title=f"{word} {alarm.symbol} at {day.close.price}",
                message=f"{alarm.symbol} left its band on {day.close.day}, at {day.close.price}.",
                data={"signal_id": signal.signal_id},
                priority=_HIGH if word is SignalType.SELL else _NORMAL,
            )
        )
        await self._signals.evaluate(alarm.account_db_key, signal.signal_id, day.after.price)

    async def _talk(self, alarm: Alarm) -> None:
        """Ask the assistant about the asset, and let it answer."""
        key = alarm.account_db_key
        opened = await self._chat.create_room(key, title=f"About {alarm.symbol}", ai_persona="analyst")
        room_id = opened.room.room_id
        question = await self._chat.save_message(
            NewMessage(
                account_db_key=key,
                room_id=room_id,
                message_type=MessageType.USER,
                content=f"Why do you tell me about {alarm.symbol}?",
            )
        )
        await self._chat.save_message(
            NewMessage(
                account_db_key=key,
                room_id=room_id,
                message_type=MessageType.AI,
                content=f"Its close was two standard deviations from the mean of the {PERIODS} before it.",
                parent_message_id=question.message.message_id,
                tokens=TOKENS,
            )
        )

    async def _read_one(self, key: int) -> None:
        """Read the most urgent notification, if there is one."""
        unread = await self._notifications.unread(key, limit=1)
        for notification in unread.items:
            await self._notifications.mark_read(key, notification.notification_id)
