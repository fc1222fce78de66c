"""All SQL for positions."""

from collections.abc import Sequence

from shardwise.finance.portfolios.models import PortfolioPosition
from shardwise.repository import BaseRepository


class PositionRepository(BaseRepository[PortfolioPosition]):
    """Positions, in a session of their shard that the caller ends."""

    async def find(self, account_db_key: int, asset_code: str) -> PortfolioPosition | None:
        """Return an account's position in an asset, also if nothing is left in it."""
        found = self.query({"account_db_key": account_db_key, "asset_code": asset_code})
        with self.translated():
            position: PortfolioPosition | None = await self.session.scalar(found)
        return position

    async def held(self, account_db_key: int) -> Sequence[PortfolioPosition]:
        """Return the positions in which something is held, by asset code."""
        return await self.list({"account_db_key": account_db_key, "quantity__gt": 0}, order_by="asset_code")

    async def all_of(self, account_db_key: int) -> Sequence[PortfolioPosition]:
        """Return an account's positions by asset code, those in which nothing is left too."""
        return await self.list({"account_db_key": account_db_key}, order_by="asset_code")
