"""The certificate file: YAML a person can read, with a digest that tells an altered or half-written one.

The digest is no signature. Who may write this file may write the node's configuration, and with it the threshold; the
digest is against slips of the hand, not against an attacker on the node.
"""

from __future__ import annotations

import hashlib
import json
import math
from pathlib import Path
from typing import Literal, Self

import yaml
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError, model_validator

from calibration.thresholds.errors import ThresholdError

FORMAT = "vitrina threshold certificate 1"
METHOD = "gpd-max-of-n 2"
DAYS_VALID = 90
_MOST_BYTES = 64 * 1024
_SHA256 = r"^[0-9a-f]{64}$"


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Model(_Part):
    """The embedder whose cosines these are; `sha256` of its weights, when it is known."""

    name: str = Field(min_length=1, max_length=80)
    sha256: str | None = Field(default=None, pattern=_SHA256)


class Target(_Part):
    """What was asked for."""

    false_arrivals_per_day: float = Field(gt=0)
    visitors_per_day: float = Field(gt=0)
    fpir: float = Field(gt=0, lt=1)


class Figures(_Part):
    """What speaks for the threshold. Intervals are 95 %, bootstrap by hour."""

    decisions: int = Field(ge=1)
    comparisons: int = Field(ge=1)
    first_at: AwareDatetime
    last_at: AwareDatetime
    level: float
    exceedances: int
    rate: float
    scale: float
    shape: float
    fit_p: float
    missed_share: float
    best_guess: float
    best_guess_interval: tuple[float, float]
    confidence: float
    fpir_at_threshold: float
    fpir_interval: tuple[float, float]
    reach: float
    threshold_if_all_were_strangers: float
    confusable_pairs: int | None = None
    """How many; who they are stands in the report only, so that the file outlives nobody's erasure."""


class Certificate(_Part):
    """A threshold for one store, one embedder, and galleries up to a size, for some weeks."""

    format: Literal["vitrina threshold certificate 1"] = "vitrina threshold certificate 1"
    store: str = Field(min_length=1, max_length=80)
    model: Model
    threshold: float = Field(gt=0, le=0.95)
    margin: float = Field(ge=0, le=0.5)
    gallery_size: int = Field(ge=1)
    holds_to_gallery_size: int = Field(ge=1)
    issued_at: AwareDatetime
    expires_at: AwareDatetime
    target: Target
    figures: Figures
    method: str
    digest: str = ""

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.expires_at <= self.issued_at:
            raise ValueError("expires_at must be after issued_at")
        if self.holds_to_gallery_size < self.gallery_size:
            raise ValueError("holds_to_gallery_size must not be below gallery_size")
        return self

    def score_at(self, fpir: float, templates: int) -> float:
        """The similarity that this share of the store's strangers reaches in a gallery of so many templates: best guess
        of the fitted tail, and its level where the tail does not reach down to it."""
        far = -math.expm1(math.log1p(-fpir) / templates)
        tail = self.figures
        if far >= tail.rate:
            return tail.level
        ratio = math.log(tail.rate / far)
        reach = ratio if abs(tail.shape) < 1e-6 else math.expm1(tail.shape * ratio) / tail.shape
        return tail.level + tail.scale * reach

    def computed_digest(self) -> str:
        """SHA-256 over everything else, in a fixed order."""
        body = self.model_dump(mode="json", exclude={"digest"})
        return hashlib.sha256(json.dumps(body, sort_keys=True, separators=(",", ":")).encode()).hexdigest()

    def sealed(self) -> Certificate:
        """With its digest."""
        return self.model_copy(update={"digest": self.computed_digest()})

    def yaml(self) -> str:
        """As it is written to the file."""
        body = self.model_dump(mode="json")
        return yaml.safe_dump(body, sort_keys=False, allow_unicode=True, default_flow_style=False)


def read_certificate(path: Path) -> Certificate:
    """ThresholdError in words when there is none, it is damaged, or it was altered."""
    try:
        with path.open("rb") as file:
            text = file.read(_MOST_BYTES + 1)
    except FileNotFoundError:
        raise ThresholdError(f"{path.name}: no such certificate") from None
    except OSError as error:
        raise ThresholdError(f"{path.name}: cannot be read: {error.strerror}") from None
    if len(text) > _MOST_BYTES:
        raise ThresholdError(f"{path.name}: too large to be a certificate")
    try:
        certificate = Certificate.model_validate(yaml.safe_load(text))
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError):
        raise ThresholdError(f"{path.name}: not YAML") from None
    except ValidationError as error:
        problem = error.errors()[0]
        where = ".".join(str(part) for part in problem["loc"]) or "content"
        raise ThresholdError(f"{path.name}: {where}: {problem['msg']}") from None
    if certificate.digest != certificate.computed_digest():
        raise ThresholdError(f"{path.name}: altered after it was issued (its digest does not match)")
    return certificate
