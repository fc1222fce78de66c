"""Every model that the trading platform stores: importing this fills both metadatas."""

from shardwise.finance.chat.models import ChatMessage, ChatRoom, ChatStatistics
from shardwise.finance.identity.models import Account, PasswordHistory, UserApiKeys, UserPayment, UserProfile
from shardwise.finance.kalman.models import KalmanState
from shardwise.finance.ledger.models import LedgerAccount, LedgerTransaction
from shardwise.finance.notifications.models import Notification, NotificationStats
from shardwise.finance.portfolios.models import PortfolioPosition
from shardwise.finance.signals.models import Signal, SignalAlarm
from shardwise.finance.tutorial.models import TutorialProgress
from shardwise.messaging.models import OutboxEvent, OutboxSequence, UniversalOutboxEvent
from shardwise.saga.models import SagaInstance, SagaStep
from shardwise.schema.control import ErrorLog, GlobalErrorLog, ShardConfig, ShardMapping, ShardStats

__all__ = [
    "Account",
    "ChatMessage",
    "ChatRoom",
    "ChatStatistics",
    "ErrorLog",
    "GlobalErrorLog",
    "KalmanState",
    "LedgerAccount",
    "LedgerTransaction",
    "Notification",
    "NotificationStats",
    "OutboxEvent",
    "OutboxSequence",
    "PasswordHistory",
    "PortfolioPosition",
    "SagaInstance",
    "SagaStep",
    "ShardConfig",
    "ShardMapping",
    "ShardStats",
    "Signal",
    "SignalAlarm",
    "TutorialProgress",
    "UniversalOutboxEvent",
    "UserApiKeys",
    "UserPayment",
    "UserProfile",
]
