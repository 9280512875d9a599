"""What was learned from everybody's purchases: sums that name nobody."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from central.database import Base, JsonDict
from central.holdings import NOBODY


class PredictionModel(Base):
    """The newest of a store (central.predictions.model.Model as JSON)."""

    __tablename__ = "prediction_models"
    __table_args__ = ({"info": NOBODY},)

    store: Mapped[str] = mapped_column(String(40), primary_key=True)
    learned_at: Mapped[datetime]
    content: Mapped[JsonDict]
