"""Who may be embedded at this site. What is asked for is granted, or the node falls back to `qr_only` and says why.

A site policy is a JSON object signed with the operator's Ed25519 key. The signature (base64, key `signature`) covers
the context below and the canonical JSON (contract.signing) of all other keys.
"""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from contract.signing import canonical_json
from contract.state import PolicyState
from contract.values import Name, Utc
from edge.config.vision import Mode, PolicyConfig
from edge.regions import (
    RefusedProfileError,
    RegionProfile,
    UnknownRegionError,
    own_profile,
    region_profile,
    regions,
)

POLICY_CONTEXT = b"vitrina/site-policy/v1\0"
MAX_DOCUMENT_BYTES = 2600
_Text = Annotated[str, Field(min_length=3, max_length=300)]


class SitePolicy(BaseModel):
    """What the operator signs: for which store and mode, on what legal basis, until when."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    store: Name
    mode: Mode
    region: Name
    jurisdiction: _Text
    legal_basis: _Text
    assessment: _Text
    """Id of the data protection impact assessment."""
    issued_at: Utc
    expires_at: Utc
    signature: str = ""


@dataclass(frozen=True, slots=True)
class PolicyDecision:
    """What holds. `reason` is empty when everything asked for was granted."""

    mode: Mode
    region: str
    asked: Mode
    reason: str = ""
    expires_at: datetime | None = None

    def state(self) -> PolicyState:
        """As told in the node's status."""
        return PolicyState(mode=self.mode, region=self.region, reason=self.reason[:200])

    def expired(self, now: datetime) -> bool:
        """Whether the document this stands on has run out: then judge again."""
        return self.expires_at is not None and now >= self.expires_at


class PolicyRefusedError(Exception):
    """Why a mode is not granted: from where it is found to where it is answered."""


def judge(
    policy: PolicyConfig, store: str, operator_key: bytes | None, document: bytes | None, now: datetime
) -> PolicyDecision:
    """Grant the mode asked for, or `qr_only` with the reason. Only an unknown region raises (UnknownRegionError)."""
    try:
        profile = _profile(policy, operator_key)
    except RefusedProfileError as refusal:
        return PolicyDecision("qr_only", policy.region, policy.mode or "qr_only", str(refusal))
    asked = policy.mode or profile.default_mode
    try:
        expires = _granted(asked, profile, policy.region, store, operator_key, document, now)
    except PolicyRefusedError as refusal:
        return PolicyDecision("qr_only", policy.region, asked, str(refusal))
    return PolicyDecision(asked, policy.region, asked, "", expires)


def sign_policy(fields: SitePolicy, key: Ed25519PrivateKey) -> bytes:
    """The signed document, ready to be written to a file."""
    body = fields.model_dump(mode="json", exclude={"signature"})
    signature = base64.b64encode(key.sign(POLICY_CONTEXT + canonical_json(body))).decode()
    return canonical_json({**body, "signature": signature})


def _profile(policy: PolicyConfig, operator_key: bytes | None) -> RegionProfile:
    if policy.profile is None:
        return region_profile(policy.region)
    return own_profile(policy.profile, policy.region, operator_key)


def _granted(
    asked: Mode,
    profile: RegionProfile,
    region: str,
    store: str,
    operator_key: bytes | None,
    document: bytes | None,
    now: datetime,
) -> datetime | None:
    if asked in profile.forbidden:
        raise PolicyRefusedError(f"mode {asked} is forbidden in region {region}")
    if asked not in profile.needs_document:
        return None
    if document is None:
        raise PolicyRefusedError(f"mode {asked} in region {region} needs a site policy signed by the operator")
    if operator_key is None:
        raise PolicyRefusedError("the site policy can not be checked: trust.operator_key is not set")
    policy = check_policy(document, operator_key)
    _fits(policy, asked, region, store, now)
    return policy.expires_at


def check_policy(document: bytes, operator_key: bytes) -> SitePolicy:
    """The site policy in a signed document. PolicyRefusedError."""
    if len(document) > MAX_DOCUMENT_BYTES:
        raise PolicyRefusedError(f"the site policy is larger than {MAX_DOCUMENT_BYTES} bytes")
    try:
        body = json.loads(document)
        policy = SitePolicy.model_validate(body)
        signature = base64.b64decode(body.pop("signature", ""), validate=True)
        key = Ed25519PublicKey.from_public_bytes(operator_key)
        key.verify(signature, POLICY_CONTEXT + canonical_json(body))
    except (json.JSONDecodeError, UnicodeDecodeError, RecursionError):
        raise PolicyRefusedError("the site policy is not JSON") from None
    except ValidationError as error:
        fields = ", ".join(".".join(map(str, item["loc"])) or "document" for item in error.errors()[:4])
        raise PolicyRefusedError(f"the site policy is malformed: {fields}") from None
    except (InvalidSignature, binascii.Error, ValueError):
        raise PolicyRefusedError("the site policy is not signed by the operator's key") from None
    return policy


def _fits(policy: SitePolicy, asked: Mode, region: str, store: str, now: datetime) -> None:
    if policy.store != store:
        raise PolicyRefusedError(f"the site policy is for store {policy.store}, this is {store}")
    if policy.mode != asked or policy.region != region:
        raise PolicyRefusedError(
            f"the site policy allows {policy.mode} in {policy.region}, asked is {asked} in {region}"
        )
    if now < policy.issued_at:
        raise PolicyRefusedError(f"the site policy is not valid before {policy.issued_at:%Y-%m-%d}")
    if now >= policy.expires_at:
        raise PolicyRefusedError(f"the site policy expired on {policy.expires_at:%Y-%m-%d}")


__all__ = [
    "PolicyDecision",
    "PolicyRefusedError",
    "RegionProfile",
    "SitePolicy",
    "UnknownRegionError",
    "check_policy",
    "judge",
    "region_profile",
    "regions",
    "sign_policy",
]
