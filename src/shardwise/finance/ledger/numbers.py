"""Account numbers: 20 digits that are unique everywhere because they are the account's key, permuted.

A four-round Feistel network (Luby and Rackoff, 1988) over 64 bits is a bijection whatever its round
function, so two accounts can't have one number on any shard, and asking twice gives the same number. The
constants are public: the number doesn't show the key plainly, but it is no secret.
"""

from shardwise.errors import InvalidValueError

DIGITS = 20

_HALF = 32
_MASK = (1 << _HALF) - 1
# Fractional digits of the square roots of 2, 3, 5 and 7, as in SHA-2 (FIPS 180-4).
_ROUNDS = (0x6A09E667, 0xBB67AE85, 0x3C6EF372, 0xA54FF53A)


def account_number(account_db_key: int) -> str:
    """Return the number of an account's ledger account.

    Args:
        account_db_key: 0 to 2**64 - 1.

    Raises:
        InvalidValueError: the key is out of range.
    """
    if not 0 <= account_db_key < 1 << 2 * _HALF:
        raise InvalidValueError("account_db_key", f"{account_db_key} is not from 0 to 2**64 - 1")
    left, right = account_db_key >> _HALF, account_db_key & _MASK
    for constant in _ROUNDS:
        left, right = right, left ^ _mix(right ^ constant)
    return f"{left << _HALF | right:0{DIGITS}d}"


def account_key_of(number: str) -> int:
    """Return the account that a number belongs to, the inverse of `account_number`.

    Raises:
        InvalidValueError: it is not a number that `account_number` gives; old numbers have 15 digits and
            have to be looked up.
    """
    if len(number) != DIGITS or not (number.isascii() and number.isdigit()) or int(number) >> 2 * _HALF:
        raise InvalidValueError(
            "account_number", f"{number!r} is not {DIGITS} digits that stand for an account"
        )
    left, right = int(number) >> _HALF, int(number) & _MASK
    for constant in reversed(_ROUNDS):
        left, right = right ^ _mix(left ^ constant), left
    return left << _HALF | right


def _mix(half: int) -> int:
    """Mix 32 bits (the finalizer of MurmurHash3, Appleby 2011)."""
    half = ((half ^ (half >> 16)) * 0x85EBCA6B) & _MASK
    half = ((half ^ (half >> 13)) * 0xC2B2AE35) & _MASK
    return half ^ (half >> 16)
