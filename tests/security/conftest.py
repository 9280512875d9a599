"""The world of tests.security.world, on the databases a test asks for."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.security.world import World, opened


@pytest.fixture
async def world(shop: Any, import_document: Any) -> AsyncIterator[World]:
    """Nothing has happened yet; `world.live` lets a day pass."""
    async with opened(shop, import_document) as made:
        yield made
