"""Stored procedures that do what those of the first installations did, for measuring against.

Written anew from their description, with their order of steps, their transactions and their result rows. One
that fails logs that and raises the error again.
"""

from collections.abc import Sequence

_ON_ERROR = """
    DECLARE EXIT HANDLER FOR SQLEXCEPTION
    BEGIN
        GET DIAGNOSTICS CONDITION 1 @state = RETURNED_SQLSTATE, @number = MYSQL_ERRNO, @text = MESSAGE_TEXT;
        ROLLBACK;
        INSERT INTO table_errorlog (procedure_name, error_state, error_no, error_message, param)
        VALUES ('{name}', @state, @number, @text, CONCAT_WS(',', {param}));
        RESIGNAL;
    END;
"""

_SIGN_UP = """
CREATE PROCEDURE fp_user_signup (
    p_platform_type TINYINT, p_account_id VARCHAR(100), p_password_hash VARCHAR(255), p_email VARCHAR(100),
    p_nickname VARCHAR(50), p_birth_year INT, p_birth_month INT, p_birth_day INT, p_gender VARCHAR(10)
)
BEGIN
    DECLARE taken, shards, shard INT DEFAULT 0;
    DECLARE new_key BIGINT UNSIGNED;
    {on_error}
    SELECT COUNT(*) INTO taken FROM table_accountid
    WHERE platform_type = p_platform_type AND (account_id = p_account_id OR email = p_email);
    IF taken > 0 THEN
        SELECT 'DUPLICATE_ID' AS result, 'Account or email already exists' AS message, 0 AS account_db_key;
    ELSE
        INSERT INTO table_accountid (
            platform_type, account_id, password_hash, email, nickname,
            birth_year, birth_month, birth_day, gender, account_status, login_count
        )
        VALUES (
            p_platform_type, p_account_id, p_password_hash, p_email, p_nickname,
            p_birth_year, p_birth_month, p_birth_day, p_gender, 'Normal', 0
        );
        SET new_key = LAST_INSERT_ID();
        SELECT COUNT(*) INTO shards FROM table_shard_config WHERE status = 'active';
        SET shard = IF(shards = 0, 1, new_key MOD shards + 1);
        INSERT INTO table_user_shard_mapping (account_db_key, shard_id) VALUES (new_key, shard);
        UPDATE table_shard_stats SET user_count = user_count + 1, last_updated = NOW() WHERE shard_id = shard;
        SELECT 'SUCCESS' AS result, 'User signup completed' AS message, new_key AS account_db_key;
    END IF;
END
"""

_LOG_IN = """
CREATE PROCEDURE fp_user_login (p_platform_type TINYINT, p_account_id VARCHAR(100))
BEGIN
    DECLARE found_key BIGINT UNSIGNED DEFAULT NULL;
    DECLARE hash VARCHAR(255);
    DECLARE nick, state VARCHAR(50);
    DECLARE level, completed, shards, shard INT DEFAULT 0;
    {on_error}
    SELECT a.account_db_key, a.password_hash, a.nickname, a.account_status, a.account_level,
        COALESCE(p.profile_completed, 0)
    INTO found_key, hash, nick, state, level, completed
    FROM table_accountid a LEFT JOIN table_user_profiles p ON p.account_db_key = a.account_db_key
    WHERE a.platform_type = p_platform_type AND a.account_id = p_account_id;
    IF found_key IS NULL THEN
        SELECT 'NOT_FOUND' AS result, 0 AS account_db_key, '' AS password_hash, '' AS nickname,
            0 AS account_level, 0 AS profile_completed, 0 AS shard_id;
    ELSEIF state <> 'Normal' THEN
        SELECT 'BLOCKED' AS result, 0 AS account_db_key, '' AS password_hash, '' AS nickname,
            0 AS account_level, 0 AS profile_completed, 0 AS shard_id;
    ELSE
        UPDATE table_accountid SET login_time = NOW(), login_count = login_count + 1
        WHERE account_db_key = found_key;
        SELECT COALESCE(MAX(shard_id), 0) INTO shard FROM table_user_shard_mapping
        WHERE account_db_key = found_key;
        IF shard = 0 THEN
            SELECT COUNT(*) INTO shards FROM table_shard_config WHERE status = 'active';
            SET shard = IF(shards = 0, 1, found_key MOD shards + 1);
            INSERT INTO table_user_shard_mapping (account_db_key, shard_id) VALUES (found_key, shard)
            ON DUPLICATE KEY UPDATE shard_id = shard, updated_at = NOW();
            UPDATE table_shard_stats SET user_count = user_count + 1 WHERE shard_id = shard;
        END IF;
        SELECT 'SUCCESS' AS result, found_key AS account_db_key, hash AS password_hash, nick AS nickname,
            level AS account_level, completed AS profile_completed, shard AS shard_id;
    END IF;
END
"""

_CREATE_ACCOUNT = """
CREATE PROCEDURE fp_create_account (p_account_db_key BIGINT UNSIGNED, p_account_type VARCHAR(20))
BEGIN
    DECLARE number VARCHAR(20) DEFAULT NULL;
    {on_error}
    SELECT MAX(account_number) INTO number FROM table_user_accounts WHERE account_db_key = p_account_db_key;
    IF number IS NOT NULL THEN
        SELECT 'EXISTS' AS result, number AS account_number;
    ELSE
        SET number = CONCAT('1', UNIX_TIMESTAMP(), LPAD(p_account_db_key MOD 10000, 4, '0'));
        INSERT INTO table_user_accounts (
            account_db_key, account_number, balance, account_type, account_status, currency_code
        )
        VALUES (p_account_db_key, number, 0.00, p_account_type, 'active', 'USD');
        SELECT 'SUCCESS' AS result, number AS account_number;
    END IF;
END
"""

_SAVE_MESSAGE = """
CREATE PROCEDURE fp_chat_message_batch_save (
    p_message_id VARCHAR(128), p_room_id VARCHAR(128), p_account_db_key BIGINT UNSIGNED,
    p_message_type VARCHAR(10), p_content TEXT, p_metadata JSON, p_parent_message_id VARCHAR(128)
)
BEGIN
    DECLARE new_idx BIGINT UNSIGNED;
    {on_error}
    START TRANSACTION;
    INSERT INTO table_chat_messages (
        message_id, room_id, account_db_key, message_type, content, metadata, parent_message_id,
        is_deleted, created_at
    )
    VALUES (
        p_message_id, p_room_id, p_account_db_key, p_message_type, p_content, p_metadata,
        p_parent_message_id, 0, NOW(6)
    );
    SET new_idx = LAST_INSERT_ID();
    UPDATE table_chat_rooms
    SET last_message_id = p_message_id, last_message_at = NOW(), message_count = message_count + 1,
        updated_at = NOW()
    WHERE room_id = p_room_id;
    INSERT INTO table_chat_statistics (account_db_key, date, total_messages, user_messages, ai_messages)
    VALUES (p_account_db_key, CURDATE(), 1, p_message_type = 'USER', p_message_type = 'AI')
    ON DUPLICATE KEY UPDATE
        total_messages = total_messages + 1,
        user_messages = user_messages + (p_message_type = 'USER'),
        ai_messages = ai_messages + (p_message_type = 'AI');
    COMMIT;
    SELECT 'SUCCESS' AS result, new_idx AS idx, p_message_id AS message_id;
END
"""

_NEXT_SEQUENCE = """
CREATE FUNCTION fn_get_next_sequence (p_domain VARCHAR(50), p_partition_key VARCHAR(128)) RETURNS BIGINT
    DETERMINISTIC READS SQL DATA
BEGIN
    DECLARE following BIGINT;
    INSERT INTO outbox_sequences (domain, partition_key, next_sequence) VALUES (p_domain, p_partition_key, 2)
    ON DUPLICATE KEY UPDATE next_sequence = next_sequence + 1;
    SELECT next_sequence INTO following FROM outbox_sequences
    WHERE domain = p_domain AND partition_key = p_partition_key;
    RETURN following - 1;
END
"""

_PUBLISH = """
CREATE PROCEDURE fp_universal_outbox_publish (
    p_domain VARCHAR(50), p_partition_key VARCHAR(128), p_event_type VARCHAR(100),
    p_aggregate_id VARCHAR(128), p_event_data JSON
)
BEGIN
    DECLARE new_id VARCHAR(36);
    DECLARE number BIGINT;
    {on_error}
    START TRANSACTION;
    SET new_id = UUID();
    SET number = fn_get_next_sequence(p_domain, p_partition_key);
    INSERT INTO universal_outbox (
        id, domain, partition_key, sequence_no, event_type, aggregate_id, event_data,
        status, retry_count, max_retries, created_at
    )
    VALUES (
        new_id, p_domain, p_partition_key, number, p_event_type, p_aggregate_id, p_event_data,
        'pending', 0, 3, NOW()
    );
    COMMIT;
    SELECT 'SUCCESS' AS result, new_id AS event_id, number AS sequence_no;
END
"""

_GET_UNREAD = """
CREATE PROCEDURE fp_inapp_notifications_get_unread (
    p_account_db_key BIGINT UNSIGNED, p_type_id VARCHAR(64), p_limit INT, p_offset INT
)
BEGIN
    {on_error}
    SELECT idx, notification_id, type_id, title, message, data, priority, is_read, read_at, expires_at,
        created_at, updated_at
    FROM table_inapp_notifications
    WHERE account_db_key = p_account_db_key AND is_deleted = 0 AND is_read = 0
        AND (expires_at IS NULL OR expires_at > NOW(6))
        AND (p_type_id IS NULL OR type_id = p_type_id)
    ORDER BY priority, created_at DESC
    LIMIT p_limit OFFSET p_offset;
END
"""


def _with_log(text: str, name: str, param: str) -> str:
    return text.format(on_error=_ON_ERROR.format(name=name, param=param).strip())


GLOBAL_PROCEDURES: Sequence[str] = (
    _with_log(_SIGN_UP, "fp_user_signup", "p_platform_type, p_account_id, p_email, p_nickname"),
    _with_log(_LOG_IN, "fp_user_login", "p_platform_type, p_account_id"),
)

SHARD_PROCEDURES: Sequence[str] = (
    _with_log(_CREATE_ACCOUNT, "fp_create_account", "p_account_db_key, p_account_type"),
    _with_log(_SAVE_MESSAGE, "fp_chat_message_batch_save", "p_room_id, p_account_db_key, p_message_type"),
    _NEXT_SEQUENCE,
    _with_log(
        _PUBLISH,
        "fp_universal_outbox_publish",
        "p_domain, p_partition_key, p_event_type, p_aggregate_id",
    ),
    _with_log(_GET_UNREAD, "fp_inapp_notifications_get_unread", "p_account_db_key, p_type_id"),
)
