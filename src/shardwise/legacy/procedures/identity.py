"""The old procedures of identity, all of the global database."""

from shardwise.legacy.procedure import Procedure
from shardwise.legacy.procedures.identity_accounts import ACCOUNTS
from shardwise.legacy.procedures.identity_profiles import PROFILES
from shardwise.legacy.procedures.identity_secrets import SECRETS

PROCEDURES: tuple[Procedure, ...] = (*ACCOUNTS, *PROFILES, *SECRETS)
