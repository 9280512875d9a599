"""Every table, so that migrations and tests see the whole schema."""

from __future__ import annotations

from central.alerts import tables as _alerts
from central.analytics import tables as _analytics
from central.baskets import tables as _baskets
from central.behaviour import tables as _behaviour
from central.catalogue import tables as _catalogue
from central.contribution import tables as _contribution
from central.database import Base
from central.fleet import tables as _fleet
from central.identity import tables as _identity
from central.ingest import tables as _ingest
from central.labels import tables as _labels
from central.outgoing import tables as _outgoing
from central.predictions import tables as _predictions
from central.preferences import tables as _preferences
from central.pricing import tables as _pricing
from central.privacy import tables as _privacy
from central.profiles import tables as _profiles
from central.sales import tables as _sales
from central.segments import tables as _segments
from central.staff import tables as _staff
from central.visits import tables as _visits
from central.webhooks import tables as _webhooks

metadata = Base.metadata
MODULES = (
    _alerts,
    _analytics,
    _baskets,
    _behaviour,
    _catalogue,
    _contribution,
    _fleet,
    _identity,
    _ingest,
    _labels,
    _outgoing,
    _predictions,
    _preferences,
    _pricing,
    _privacy,
    _profiles,
    _sales,
    _segments,
    _staff,
    _visits,
    _webhooks,
)

__all__ = ["MODULES", "metadata"]
