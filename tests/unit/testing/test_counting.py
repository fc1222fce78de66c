from shardwise.database import ShardedDatabase
from shardwise.finance.identity.service import IdentityService
from shardwise.finance.identity.values import SignUp
from shardwise.security.passwords import PasswordHasher
from shardwise.testing.counting import count_statements


async def test_every_statement_of_every_database_is_noted(db: ShardedDatabase) -> None:
    with PasswordHasher(memory_kib=8, time_cost=1) as hasher:
        identity = IdentityService(db, hasher=hasher)
        signed_up = await identity.sign_up(SignUp(account_id="one", password="secret", nickname="One"))
        with count_statements(db) as seen:
            await identity.log_in(1, "one", "secret")
        with count_statements(db) as on_shard:
            async with db.session(signed_up.account_db_key, read_only=True) as session:
                await session.connection()
    assert [sql.split()[0] for sql in seen] == ["SELECT", "UPDATE"]
    assert on_shard == []


async def test_nothing_is_noted_after_the_block(db: ShardedDatabase) -> None:
    with count_statements(db) as seen:
        pass
    async with db.global_session(read_only=True) as session:
        await session.connection()
    assert seen == []
