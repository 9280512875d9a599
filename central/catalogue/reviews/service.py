"""Reading reviews: the rating of a product, and the newest that were written in words."""

from __future__ import annotations

from sqlalchemy import func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from central.catalogue.schemas import RatingOut, ReviewOut
from central.catalogue.tables import ProductReview


async def rating(session: AsyncSession, store: str, sku: str) -> RatingOut | None:
    """Mean and number; None when nobody reviewed it."""
    mine = (ProductReview.store == store, ProductReview.sku == sku)
    statement = select(func.avg(ProductReview.rating), func.count()).where(*mine)
    mean, count = (await session.execute(statement)).one()
    return RatingOut(mean=round(float(mean), 2), count=count) if count else None


async def newest(session: AsyncSession, store: str, sku: str, limit: int) -> list[ReviewOut]:
    """Those with words in them, newest first."""
    said = or_(ProductReview.text != "", ProductReview.title != "")
    statement = select(ProductReview).where(ProductReview.store == store, ProductReview.sku == sku, said)
    ordered = statement.order_by(ProductReview.at.desc(), ProductReview.id).limit(limit)
    return [ReviewOut.model_validate(row) for row in (await session.scalars(ordered)).all()]
