"""Events that are written in the transaction they tell about."""

from shardwise.messaging.publishing import publish, publish_many
from shardwise.messaging.unordered import NewUnorderedEvent, publish_unordered
from shardwise.messaging.values import NewEvent, Published

__all__ = ["NewEvent", "NewUnorderedEvent", "Published", "publish", "publish_many", "publish_unordered"]
