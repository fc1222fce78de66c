"""What nobody else may know: passwords and keys of other services."""

from shardwise.database import ShardedDatabase
from shardwise.finance.identity.api_keys import ApiKeys, StoredApiKeys, find_api_keys, save_api_keys
from shardwise.finance.identity.password_changes import (
    PasswordChange,
    approve,
    find_recent_passwords,
    replace_password,
)
from shardwise.finance.identity.running import read, write
from shardwise.routing.directory import check_key
from shardwise.security.passwords import PasswordHasher


class SecretService:
    """The passwords of accounts, and the keys that they have left with us.

    Args:
        db: an open database.
        hasher: verifies and hashes passwords; by default one of its own at the recommended cost.
    """

    def __init__(self, db: ShardedDatabase, *, hasher: PasswordHasher | None = None) -> None:
        self._db = db
        self._hasher = hasher or PasswordHasher()

    async def change_password(self, account_db_key: int, change: PasswordChange) -> None:
        """Replace a password and note the change, in one transaction.

        Of several changes at once that were proved with the same password, one is made.

        Raises:
            AuthenticationError: the present password is another one, or was changed meanwhile.
            AccountBlockedError: it is right, but the account is blocked or withdrawn.
            InvalidValueError: the new password is one of the last five, or can't be hashed.
            EntityNotFoundError: there is no such account.
        """
        recent = await read(self._db, find_recent_passwords, account_db_key)
        await write(self._db, replace_password, account_db_key, await approve(self._hasher, recent, change))

    async def save_api_keys(self, account_db_key: int, keys: ApiKeys) -> None:
        """Replace all keys of an account: None removes one, UNSET leaves the stored one.

        Raises:
            InvalidValueError: a key has not 1 to 255 visible ASCII characters.
            EntityNotFoundError: there is no such account.
        """
        keys.check()
        await write(self._db, save_api_keys, account_db_key, keys)

    async def get_api_keys(self, account_db_key: int) -> StoredApiKeys | None:
        """Return the keys of an account, None if none were ever stored."""
        check_key(account_db_key)
        async with self._db.global_session(read_only=True) as session:
            return await find_api_keys(session, account_db_key)
