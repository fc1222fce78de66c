"""What goes into notifications, and what comes out."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from shardwise.errors import InvalidValueError, ShardwiseError
from shardwise.finance.documents import check_document
from shardwise.finance.notifications.models import DEFAULT_PRIORITY
from shardwise.finance.validation import check_code, check_moment, check_text

LOWEST_PRIORITY = 5
_MOST_BYTES = (1 << 16) - 1  # of a TEXT column


@dataclass(frozen=True, slots=True, kw_only=True)
class NewNotification:
    """A notification to be created.

    Args:
        account_db_key: for whom.
        type_id: what kind it is, such as `price_alert`; 1 to 64 characters.
        title: 1 to 255 characters on one line.
        message: 1 to 65,535 bytes in UTF-8.
        data: what the application needs to act on it, as JSON; see `check_document`.
        priority: 1 (most urgent) to 5.
        expires_at: the moment from which it isn't shown any more, aware; None = never.
        notification_id: 1 to 128 visible ASCII characters; give one to be able to repeat the call. None for
            a new one.
    """

    account_db_key: int
    type_id: str
    title: str
    message: str
    data: object = None
    priority: int = DEFAULT_PRIORITY
    expires_at: datetime | None = None
    notification_id: str | None = None

    def check(self) -> None:
        """Check every field. (The old procedures take what fits the columns instead.)

        Raises:
            InvalidValueError: one of them can't be accepted; it is named.
        """
        check_text("type_id", self.type_id, longest=64)
        check_text("title", self.title, longest=255)
        _check_message(self.message)
        check_document("data", self.data)
        if type(self.priority) is not int or not 1 <= self.priority <= LOWEST_PRIORITY:
            raise InvalidValueError("priority", f"{self.priority!r} is not from 1 to {LOWEST_PRIORITY}")
        if self.expires_at is not None:
            check_moment("expires_at", self.expires_at)
        if self.notification_id is not None:
            check_code("notification_id", self.notification_id, longest=128)


@dataclass(frozen=True, slots=True, kw_only=True)
class InAppNotification:
    """A notification as it is stored; the moments are aware, in UTC."""

    account_db_key: int
    idx: int
    notification_id: str
    type_id: str
    title: str
    message: str
    data: object
    priority: int
    is_read: bool
    read_at: datetime | None
    expires_at: datetime | None
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Created:
    """What came of creating a notification.

    Attributes:
        notification: as stored.
        repeated: it was there before under this id, so nothing was stored now.
    """

    notification: InAppNotification
    repeated: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class DayCounts:
    """An account's notifications that were created on one UTC day.

    Attributes:
        date: the day.
        total_count: those that are not deleted.
        read_count: those of them that are read.
        unread_count: those of them that are not.
        priority_1_count: created with priority 1, deleted or not; likewise 2 and 3.
        auto_deleted_count: those that reading has consumed.
        created_at: when the day's first one was counted.
        updated_at: when the counts changed last.
    """

    date: date
    total_count: int
    read_count: int
    unread_count: int
    priority_1_count: int
    priority_2_count: int
    priority_3_count: int
    auto_deleted_count: int
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Statistics:
    """An account's counts.

    Attributes:
        days: newest first; days on which nothing was created are left out.
        unread_now: what `unread` would list now, counted from the notifications themselves.
    """

    days: Sequence[DayCounts]
    unread_now: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CleanedUp:
    """What a clean-up did on one shard.

    Attributes:
        shard_id: the shard.
        deleted: expired notifications that were deleted; those stay deleted if it failed later on.
        error: why it stopped early, None if it came to the end.
    """

    shard_id: int
    deleted: int
    error: ShardwiseError | None = None


def _check_message(message: object) -> None:
    if not isinstance(message, str):
        raise InvalidValueError("message", f"it must be text, not {type(message).__name__}")
    try:
        size = len(message.encode())
    except UnicodeEncodeError:
        raise InvalidValueError("message", "it holds a character that isn't valid Unicode") from None
    if not 1 <= size <= _MOST_BYTES:
        raise InvalidValueError("message", f"it has {size} bytes; 1 to {_MOST_BYTES} are accepted")
    if "\0" in message:
        raise InvalidValueError("message", "the character U+0000 is not accepted")
