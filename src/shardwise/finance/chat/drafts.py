"""A message that is still to be saved, and the tokens that it says it cost."""

from dataclasses import dataclass, field
from typing import TypeGuard

from shardwise.errors import InvalidValueError
from shardwise.finance.chat.models import MessageType
from shardwise.finance.chat.values import Json, Message
from shardwise.finance.documents import check_document
from shardwise.finance.validation import check_code
from shardwise.kit.ids import new_text_id

MOST_CONTENT = 65_535  # bytes that a TEXT column takes
MOST_TOKENS = (1 << 31) - 1
_LONGEST_ID = 128
_TOKEN_WORDS = ("tokens", "total_tokens")


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A message to be saved, as far as the table holds it; checked when it is made.

    Args:
        account_db_key: whose room, also for what the assistant says.
        room_id: the room, up to 128 characters.
        message_type: who speaks.
        content: up to 65,535 bytes in UTF-8.
        message_id: up to 128 characters; give one to be able to repeat the call.
        metadata: anything that JSON can hold and that comes back equal; see `check_document`.
        parent_message_id: the message that this one answers.
        tokens: what it cost, 0 to 2**31 - 1; kept as `metadata["tokens"]`, so that a recount finds it.
        parent_must_exist: refuse a parent that isn't in the room, or is deleted.

    Raises:
        InvalidValueError: one of them can't be stored; it is named.
    """

    account_db_key: int
    room_id: str
    message_type: MessageType
    content: str
    message_id: str = field(default_factory=new_text_id)
    metadata: Json = None
    parent_message_id: str | None = None
    tokens: int | None = None
    parent_must_exist: bool = True

    def __post_init__(self) -> None:
        if not isinstance(self.message_type, MessageType):
            raise InvalidValueError("message_type", f"it must be a MessageType: {', '.join(MessageType)}")
        _check_content(self.content)
        if self.tokens is not None:
            object.__setattr__(self, "metadata", _with_tokens(self.metadata, self.tokens))
        if self.metadata is not None:
            check_document("metadata", self.metadata)

    def is_told_by(self, message: Message) -> bool:
        """Return whether a stored message says the same as this one."""
        return (
            message.message_id == self.message_id  # a server's collation finds those in another case too
            and message.room_id == self.room_id
            and message.message_type is self.message_type
            and message.content == self.content
            and message.metadata == self.metadata
            and message.parent_message_id == self.parent_message_id
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class NewMessage(Draft):
    """A message that `ChatService` saves: a `Draft` that is stricter.

    Args:
        room_id: 1 to 128 visible ASCII characters.
        content: not blank.
        message_id: 1 to 128 visible ASCII characters.
        metadata: an object with text for keys.
        parent_message_id: 1 to 128 visible ASCII characters.

    Raises:
        InvalidValueError: one of them can't be accepted; it is named.
    """

    def __post_init__(self) -> None:
        Draft.__post_init__(self)
        check_id("room_id", self.room_id)
        check_id("message_id", self.message_id)
        if self.parent_message_id is not None:
            check_id("parent_message_id", self.parent_message_id)
        if not self.content.strip():
            raise InvalidValueError("content", "it says nothing")
        if self.metadata is not None and not _is_object(self.metadata):
            raise InvalidValueError("metadata", "it must be an object with text for keys")


def check_id(field: str, value: str) -> str:
    """Return an id of a room or a message: 1 to 128 visible ASCII characters.

    Raises:
        InvalidValueError: it is none.
    """
    return check_code(field, value, longest=_LONGEST_ID)


def tokens_of(metadata: Json) -> int:
    """Return the tokens that metadata name as `tokens` or `total_tokens`; what is no such number is none."""
    if not isinstance(metadata, dict):
        return 0
    for word in _TOKEN_WORDS:
        number = metadata.get(word)
        if _counts_tokens(number):
            return number
    return 0


def _counts_tokens(number: object) -> TypeGuard[int]:
    return type(number) is int and 0 <= number <= MOST_TOKENS


def _with_tokens(metadata: Json, tokens: int) -> Json:
    if not _counts_tokens(tokens):
        raise InvalidValueError("tokens", f"it must be a whole number from 0 to {MOST_TOKENS}")
    if metadata is not None and not isinstance(metadata, dict):
        raise InvalidValueError("metadata", "tokens can be kept in an object only")
    return {**(metadata or {}), "tokens": tokens}


def _check_content(content: object) -> None:
    if not isinstance(content, str):
        raise InvalidValueError("content", f"it must be text, not {type(content).__name__}")
    try:
        size = len(content.encode())
    except UnicodeEncodeError:
        raise InvalidValueError("content", "it holds a character that isn't valid Unicode") from None
    if size > MOST_CONTENT:
        raise InvalidValueError(
            "content", f"it has {size} bytes in UTF-8; at most {MOST_CONTENT} are accepted"
        )


def _is_object(metadata: Json) -> bool:
    return isinstance(metadata, dict) and all(isinstance(key, str) for key in metadata)
