"""What goes into signing up and logging in, and what comes out."""

import re
import unicodedata
from dataclasses import dataclass, field
from datetime import date, timedelta

from shardwise.errors import InvalidValueError
from shardwise.finance.identity.models import Gender
from shardwise.finance.validation import MOST_PARTS, check_line, check_name, check_text
from shardwise.kit.clock import utc_now

_EMAIL = re.compile(r"[^@\s]{1,64}@[^@\s.]+(\.[^@\s.]+)+")
_PLATFORMS = 127
_LONGEST_NAME = 100
_FIRST_BIRTH_YEAR = 1900
_AHEAD_OF_UTC = timedelta(days=1)  # tomorrow has begun somewhere


@dataclass(frozen=True, slots=True, kw_only=True)
class NewAccount:
    """What the row of a new account says, checked by whoever makes it.

    Attributes:
        password_hash: made by a `PasswordHasher`, or by an old program; never shown.
    """

    platform_type: int
    account_id: str
    password_hash: str = field(repr=False)
    nickname: str
    email: str | None = field(default=None, repr=False)
    birth_year: int | None = None
    birth_month: int | None = None
    birth_day: int | None = None
    gender: Gender | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SignUp:
    """Who wants an account; checked when it is made, the name and the address composed (Unicode's NFC).

    Args:
        platform_type: the platform that the name belongs to, 0 to 127.
        account_id: the name to log in with, 1 to 100 characters, unique in its platform in any case
            (on SQLite: of A to Z).
        password: 1 to 1,024 bytes in UTF-8; never shown.
        nickname: what others see, 1 to 50 characters.
        email: an address, unique likewise.
        birth_year: 1900 to this year.
        birth_month: 1 to 12.
        birth_day: 1 to 31; the three together must be a day that was.
        gender: M, F or OTHER.

    Raises:
        InvalidValueError: one of them can't be accepted; it is named.
    """

    platform_type: int = 1
    account_id: str
    password: str = field(repr=False)
    nickname: str
    email: str | None = field(default=None, repr=False)
    birth_year: int | None = None
    birth_month: int | None = None
    birth_day: int | None = None
    gender: Gender | None = None

    def __post_init__(self) -> None:
        check_platform(self.platform_type)
        name = check_name("account_id", self.account_id, longest=_LONGEST_NAME)
        object.__setattr__(self, "account_id", name)
        check_text("nickname", self.nickname, longest=50)
        if not isinstance(self.password, str):
            raise InvalidValueError("password", "it must be text")
        if self.email is not None:
            object.__setattr__(self, "email", check_email(self.email))
        _check_birth(self.birth_year, self.birth_month, self.birth_day)
        if self.gender is not None and self.gender not in tuple(Gender):
            raise InvalidValueError("gender", f"{self.gender!r} is not one of {', '.join(Gender)}")

    def with_hash(self, password_hash: str) -> NewAccount:
        """Return the account's row, with a hash in place of the password."""
        return NewAccount(
            platform_type=self.platform_type,
            account_id=self.account_id,
            password_hash=password_hash,
            nickname=self.nickname,
            email=self.email,
            birth_year=self.birth_year,
            birth_month=self.birth_month,
            birth_day=self.birth_day,
            gender=self.gender,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedUp:
    """A new account.

    Attributes:
        account_db_key: its key in every database.
        shard_id: where its rows live.
        provisioned: whether its home on the shard is finished; if not, the shard could not serve and
            the next login finishes it.
    """

    account_db_key: int
    shard_id: int
    provisioned: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedIn:
    """An account that has just proved who it is.

    Attributes:
        account_db_key: its key in every database.
        nickname: what others see.
        account_level: what it may do.
        login_count: logins so far, this one included.
        profile_completed: whether it has filled in its profile.
        shard_id: where its rows live.
    """

    account_db_key: int
    nickname: str
    account_level: int
    login_count: int
    profile_completed: bool
    shard_id: int


def check_platform(platform_type: int) -> int:
    """Return a platform's number.

    Raises:
        InvalidValueError: it is not an integer from 0 to 127.
    """
    if type(platform_type) is not int or not 0 <= platform_type <= _PLATFORMS:
        raise InvalidValueError("platform_type", f"{platform_type!r} is not a number from 0 to {_PLATFORMS}")
    return platform_type


def spellings(account_id: object) -> tuple[str, ...]:
    """Return how a name that somebody logs in with may be stored: composed, or as old programs left it.

    Old programs stored names as they came, also such as no sign-up accepts today. What no database can
    store has no spelling.
    """
    if not isinstance(account_id, str) or len(account_id) > _LONGEST_NAME * MOST_PARTS:
        return ()
    try:
        check_line("account_id", account_id)
    except InvalidValueError:
        return ()
    both = (unicodedata.normalize("NFC", account_id), account_id)
    return tuple(name for name in dict.fromkeys(both) if 1 <= len(name) <= _LONGEST_NAME)


def check_email(email: str) -> str:
    """Return an e-mail address, composed.

    Raises:
        InvalidValueError: it has more than 100 characters, or does not look like one.
    """
    address = check_name("email", email, longest=100)
    if not _EMAIL.fullmatch(address):
        raise InvalidValueError("email", "it does not look like name@host.domain")
    return address


def _check_birth(year: int | None, month: int | None, day: int | None) -> None:
    ranges = {
        "birth_year": (year, _FIRST_BIRTH_YEAR, utc_now().year),
        "birth_month": (month, 1, 12),
        "birth_day": (day, 1, 31),
    }
    for name, (value, first, last) in ranges.items():
        if value is not None and (type(value) is not int or not first <= value <= last):
            raise InvalidValueError(name, f"{value!r} is not an integer from {first} to {last}")
    if year is not None and month is not None and day is not None:
        try:
            born = date(year, month, day)
        except ValueError:
            raise InvalidValueError("birth_day", f"{year}-{month:02}-{day:02} is not a day") from None
        if born > utc_now().date() + _AHEAD_OF_UTC:
            raise InvalidValueError("birth_day", f"{born} has not come yet")
