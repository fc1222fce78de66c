"""Rows for an old deployment: some of everything, or very many, with one statement a table."""

from old_deployment import OldDeployment


def fill(deployment: OldDeployment, *, accounts: int, each: int = 3) -> None:
    """Put rows into every table, with one statement a table.

    Args:
        deployment: with two shards.
        accounts: how many; odd keys live on shard 2, even ones on shard 1, as modulo put them.
        each: rows of an account in its large tables.
    """
    deployment.execute("global", *_global_rows(accounts))
    for shard in (1, 2):
        name = f"shard {shard}"
        there = set(deployment.tables(name))
        statements = _shard_rows(shard, accounts, each)
        deployment.execute(name, *(sql for table, sql in statements.items() if table in there))


_HASH = "$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHQ$"
_NUMBERED = "s.seq + 999"
_WHEN = "'2024-03-01 00:30:00' + INTERVAL s.seq SECOND"


def _global_rows(accounts: int) -> list[str]:
    some = f"FROM seq_1_to_{accounts} AS s"
    return [
        "INSERT INTO table_accountid (account_db_key, account_id, password_hash, nickname, email,"
        " is_withdraw, block_endtime, withdraw_time, login_time, logout_time, create_time, payment_plan)"
        f" SELECT {_NUMBERED}, CONCAT('user', s.seq), CONCAT('{_HASH}', s.seq), CONCAT('ニック', s.seq),"
        f" CONCAT('u', s.seq, '@example.org'), s.seq % 5 = 0, {_WHEN}, {_WHEN}, {_WHEN}, {_WHEN}, {_WHEN},"
        f" IF(s.seq % 7 = 0, NULL, 'BASIC') {some}",
        "INSERT INTO table_user_shard_mapping (account_db_key, shard_id, assigned_at, updated_at)"
        f" SELECT {_NUMBERED}, ({_NUMBERED}) % 2 + 1, {_WHEN}, {_WHEN} {some}",
        "INSERT INTO table_user_profiles (account_db_key, monthly_budget, profile_completed, created_at,"
        f" updated_at) SELECT {_NUMBERED}, s.seq + 0.25, s.seq % 3, {_WHEN}, {_WHEN} {some}",
        "INSERT INTO table_user_payments (account_db_key, plan_name, plan_price, starts_at, created_at,"
        f" updated_at) SELECT {_NUMBERED}, 'basic', 9.90, {_WHEN}, {_WHEN}, {_WHEN} {some}",
        "INSERT INTO table_user_api_keys (account_db_key, polygon_key, created_at, updated_at)"
        f" SELECT {_NUMBERED}, CONCAT('key-', s.seq), {_WHEN}, {_WHEN} {some}",
        "INSERT INTO table_password_history (account_db_key, old_password_hash, new_password_hash,"
        f" changed_at) SELECT {_NUMBERED}, 'old', 'new', {_WHEN} {some}",
        "INSERT INTO table_errorlog (procedure_name, error_state, error_no, error_message, param,"
        f" create_time) SELECT 'fp_x', '45000', '1062', 'failed', 'p', {_WHEN} {some}",
        "INSERT INTO table_shard_stats (shard_id, user_count, active_users, last_updated)"
        f" SELECT s.seq, {accounts}, 0, {_WHEN} FROM seq_1_to_2 AS s",
    ]


def _shard_rows(shard: int, accounts: int, each: int) -> dict[str, str]:
    # s counts accounts, e the rows of one; n is a number that no other row of the shard has.
    one = f"FROM seq_1_to_{accounts} AS s WHERE ({_NUMBERED}) % 2 + 1 = {shard}"
    several = f"FROM seq_1_to_{accounts} AS s JOIN seq_1_to_{each} AS e WHERE ({_NUMBERED}) % 2 + 1 = {shard}"
    number = f"s.seq * {each} + e.seq"
    micro = f"{_WHEN} + INTERVAL e.seq * 1001 MICROSECOND"
    return {
        "table_user_accounts": "INSERT INTO table_user_accounts (account_db_key, account_number, balance,"
        f" created_at, updated_at) SELECT {_NUMBERED}, CONCAT('AC', s.seq), IF(s.seq % 9 = 0, NULL,"
        f" s.seq + 0.01), {_WHEN}, {_WHEN} {one}",
        "table_transactions": "INSERT INTO table_transactions (transaction_id, account_db_key,"
        f" account_number, amount, transaction_type, created_at) SELECT CONCAT('t', {number}), {_NUMBERED},"
        f" IF(e.seq % 2, NULL, CONCAT('AC', s.seq)), e.seq + 0.5, 'deposit', {_WHEN} {several}",
        "table_user_portfolios": "INSERT INTO table_user_portfolios (account_db_key, asset_code, quantity,"
        f" average_cost, current_value, last_updated) SELECT {_NUMBERED}, CONCAT('A', e.seq),"
        f" e.seq + 0.000001, 1.25, 2.50, {_WHEN} {several}",
        "table_tutorial_progress": "INSERT INTO table_tutorial_progress (account_db_key, tutorial_type,"
        f" completed_step, created_at, updated_at) SELECT {_NUMBERED}, 'first', 2, {_WHEN}, {_WHEN} {one}",
        "table_kalman_history": "INSERT INTO table_kalman_history (ticker, account_db_key, timestamp,"
        " state_vector_x, covariance_matrix_p, created_at)"
        f" SELECT 'T', {_NUMBERED}, {micro}, '[1,2,3,4,5]', '[[1,0,0,0,0],[0,1,0,0,0],[0,0,1,0,0],"
        f"[0,0,0,1,0],[0,0,0,0,1]]', {micro} {several}",
        "table_signal_alarms": "INSERT INTO table_signal_alarms (alarm_id, account_db_key, symbol,"
        " is_active, created_at, updated_at)"
        f" SELECT CONCAT('al', {number}), {_NUMBERED}, CONCAT('S', e.seq), 1, {micro}, {micro} {several}",
        "table_signal_history": "INSERT INTO table_signal_history (signal_id, alarm_id, account_db_key,"
        " symbol, signal_type, signal_price, triggered_at, created_at, updated_at)"
        f" SELECT CONCAT('si', {number}), CONCAT('al', {number}), {_NUMBERED}, 'S1', 'BUY', 1.5, {micro},"
        f" {micro}, {micro} {several}",
        "table_chat_rooms": "INSERT INTO table_chat_rooms (room_id, account_db_key, title, ai_persona,"
        f" message_count, created_at, updated_at) SELECT CONCAT('r', s.seq), {_NUMBERED}, '部屋', 'p',"
        f" {each}, {_WHEN}, {_WHEN} {one}",
        "table_chat_messages": "INSERT INTO table_chat_messages (message_id, room_id, account_db_key,"
        " content, metadata, is_deleted, created_at, updated_at)"
        f" SELECT CONCAT('m', {number}), CONCAT('r', s.seq), {_NUMBERED}, CONCAT('𝄞 message ', e.seq),"
        f" '{{\"tokens\": 3}}', e.seq % 2, {micro}, {micro} {several}",
        "table_chat_statistics": "INSERT INTO table_chat_statistics (account_db_key, date, total_messages,"
        f" created_at, updated_at) SELECT {_NUMBERED}, '2024-03-01', 3, {_WHEN}, {_WHEN} {one}",
        "table_inapp_notifications": "INSERT INTO table_inapp_notifications (notification_id,"
        " account_db_key, type_id, title, message, created_at, updated_at)"
        f" SELECT CONCAT('n', {number}), {_NUMBERED}, 't', 'title', 'text', {micro}, {micro} {several}",
        "table_inapp_notification_stats": "INSERT INTO table_inapp_notification_stats (account_db_key, date,"
        f" total_count, created_at, updated_at) SELECT {_NUMBERED}, '2024-03-01', 3, {_WHEN}, {_WHEN} {one}",
        "outbox_events": "INSERT INTO outbox_events (id, event_type, aggregate_id, aggregate_type,"
        f" event_data, created_at) SELECT CONCAT('e', s.seq), 't', 'a', 'a', '{{}}', {_WHEN} {one}",
        "universal_outbox": "INSERT INTO universal_outbox (id, domain, partition_key, sequence_no,"
        " event_type, aggregate_id, event_data, created_at)"
        f" SELECT CONCAT('u', s.seq), 'd', 'p', s.seq, 't', 'a', '{{}}', {_WHEN} {one}",
        "outbox_sequences": "INSERT INTO outbox_sequences (domain, partition_key, next_sequence,"
        f" updated_at) SELECT 'd', CONCAT('p', s.seq), s.seq, {_WHEN} {one}",
        "saga_instances": "INSERT INTO saga_instances (saga_id, saga_type, initiator_id, total_steps,"
        f" created_at) SELECT CONCAT('g', s.seq), 't', 'i', 1, {_WHEN} {one}",
        "saga_steps": "INSERT INTO saga_steps (saga_id, step_number, step_name, started_at)"
        f" SELECT CONCAT('g', s.seq), 1, 'first', {_WHEN} {one}",
        "table_errorlog": "INSERT INTO table_errorlog (procedure_name, param, create_time)"
        f" SELECT 'fp_y', 'p', {_WHEN} {one}",
    }
