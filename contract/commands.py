"""Commands from central to a node. Whatever changes a label, a gallery or a policy is signed (Ed25519) by central.

The signature covers `signing_bytes(...)` of contract.signing: kind, store, node and every field but the signature.
`sequence` rises per node and session of central's counter; a node refuses one it has already passed.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from contract.values import Base64, Command, Currency, Minor, Name, Sha256, Token, Utc


class Receipt(Command):
    """Everything of `session` up to and including `sequence` is committed at central; the outbox may forget it."""

    session: Token
    sequence: int = Field(ge=0)
    also: tuple[int, ...] = Field(default=(), max_length=256)
    """Committed beyond the gap after `sequence` (selective acknowledgement)."""


class Signed(Command):
    """A command a node obeys only with central's signature, in order, before it expires."""

    sequence: int = Field(ge=1)
    valid_until: Utc
    """A command that arrives later than this is dropped, however it was delayed."""
    signature: Base64 = ""


class LabelContent(Command):
    """Fields of the price template. The edge renders them: images never travel."""

    title: str = Field(min_length=1, max_length=80)
    subtitle: str = Field(default="", max_length=80)
    sku: str = Field(min_length=1, max_length=64)
    link: str = Field(default="", max_length=160)
    """GS1 Digital Link drawn as a QR code; empty for none."""
    price: Minor
    was: Minor | None = None
    """Public price, struck through beside a personal one."""
    currency: Currency
    lines: tuple[str, ...] = Field(default=(), max_length=4)
    disclosure: str = Field(default="", max_length=120)
    language: Literal["en", "ru"] = "en"


class LabelShow(Signed):
    """Show this content: the public price for good, or a personal one until it expires (invariants 4, 5)."""

    label: Name
    variant: Literal["public", "personal"]
    content: LabelContent
    quote: Token | None = None
    visit: Token | None = None
    zone: Name | None = None
    expires_at: Utc | None = None

    @model_validator(mode="after")
    def _personal_prices_are_bounded(self) -> LabelShow:
        if self.variant == "public":
            if self.expires_at is not None or self.quote is not None:
                raise ValueError("expires_at, quote: a public price neither expires nor belongs to a quote")
            return self
        if self.expires_at is None or self.quote is None or self.visit is None:
            raise ValueError("expires_at, quote, visit: a personal price needs all three")
        if self.content.was is None or self.content.price > self.content.was:
            raise ValueError("content.price: a personal price must not be above the public price in content.was")
        if not self.content.disclosure:
            raise ValueError("content.disclosure: a personal price is shown with its disclosure")
        return self


class LabelRevert(Signed):
    """Go back to the public price now. `quote` limits it to that quote; without it whatever is personal goes."""

    label: Name
    quote: Token | None = None
    reason: Literal["left", "shared", "expired", "withdrawn", "redeemed", "operator"]


class GalleryPut(Signed):
    """Hold one template until the lease ends, in memory only. Keys and template are sealed (see EnrolmentCompleted).

    `sealed_key` is the subject's key under HPKE to this node's public key.
    """

    subject: Token
    template: Token
    model_sha256: Sha256
    sealed_template: Base64
    sealed_key: Base64
    lease_until: Utc


class GalleryDrop(Signed):
    """Forget this subject at once (withdrawal, erasure, lease not renewed)."""

    subject: Token
    reason: Literal["withdrawn", "erased", "moved", "retention"]


class PolicySet(Signed):
    """A site policy document, itself signed by the operator's key; the node judges it as it judges its own file."""

    document: str = Field(max_length=2600)
