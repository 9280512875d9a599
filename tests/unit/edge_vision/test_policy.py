"""What the policy grants: never more than the region and the operator's signature allow."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from edge.config.vision import PolicyConfig
from edge.policy import PolicyDecision, SitePolicy, UnknownRegionError, judge, region_profile, regions, sign_policy

NOW = datetime(2026, 5, 1, tzinfo=UTC)
OPERATOR = Ed25519PrivateKey.generate()
KEY = OPERATOR.public_key().public_bytes_raw()


def document(key: Ed25519PrivateKey = OPERATOR, **change: Any) -> bytes:
    fields: dict[str, Any] = {
        "store": "shop",
        "mode": "open",
        "region": "default",
        "jurisdiction": "Testland",
        "legal_basis": "explicit consent at the door",
        "assessment": "DPIA-2026-07",
        "issued_at": NOW - timedelta(days=1),
        "expires_at": NOW + timedelta(days=90),
    }
    return sign_policy(SitePolicy(**{**fields, **change}), key)


def decide(
    mode: str | None, region: str = "default", paper: bytes | None = None, key: bytes | None = KEY, now: datetime = NOW
) -> PolicyDecision:
    return judge(PolicyConfig(mode=mode, region=region), "shop", key, paper, now)  # type: ignore[arg-type]


def test_every_region_has_a_lawful_default_and_words_for_a_price() -> None:
    assert {"default", "eu", "russia", "kazakhstan", "illinois", "new-york"} <= set(regions())
    for name in regions():
        granted = decide(None, name)
        assert granted.mode == region_profile(name).default_mode
        assert granted.reason == ""
        assert {"en", "ru"} <= set(region_profile(name).disclosure)
        assert all(0 < len(text) <= 120 for text in region_profile(name).disclosure.values())


@pytest.mark.parametrize("region", ["russia", "kazakhstan", "illinois"])
@pytest.mark.parametrize("mode", ["verify", "lane", "open"])
def test_strict_regions_fall_back_to_qr_only(region: str, mode: str) -> None:
    granted = decide(mode, region)
    assert granted.mode == "qr_only"
    assert mode in granted.reason


def test_new_york_prescribes_its_words() -> None:
    words = "THIS PRICE WAS SET BY AN ALGORITHM USING YOUR PERSONAL DATA."
    assert region_profile("new-york").disclosure["en"] == words


def test_open_stands_on_a_good_document() -> None:
    granted = decide("open", paper=document())
    assert (granted.mode, granted.reason) == ("open", "")
    assert not granted.expired(NOW)
    assert granted.expired(NOW + timedelta(days=91))
    assert granted.state().mode == "open"


@pytest.mark.parametrize(
    ("paper", "key", "words"),
    [
        (None, KEY, "needs a site policy"),
        (document(), None, "operator_key is not set"),
        (document(Ed25519PrivateKey.generate()), KEY, "not signed by the operator"),
        (document(store="other"), KEY, "is for store other"),
        (document(mode="lane"), KEY, "allows lane"),
        (document(region="eu"), KEY, "in eu"),
        (document(expires_at=NOW), KEY, "expired"),
        (document(issued_at=NOW + timedelta(days=2)), KEY, "not valid before"),
        (document().replace(b"Testland", b"Anywhere"), KEY, "not signed"),
        (document().replace(b'"open"', b'"lane"'), KEY, "not signed"),
        (b"{}", KEY, "malformed"),
        (b"[1, 2]", KEY, "malformed"),
        (b"not json", KEY, "not JSON"),
        (b"\xff\xfe", KEY, "not JSON"),
        (b" " * 5000, KEY, "larger than"),
        (document(), b"short", "not signed"),
    ],
    ids=range(16),  # the key is another one in every process
)
def test_open_is_refused_with_the_reason(paper: bytes | None, key: bytes | None, words: str) -> None:
    granted = decide("open", paper=paper, key=key)
    assert granted.mode == "qr_only"
    assert words in granted.reason


def test_a_forbidden_mode_is_refused_whatever_is_signed() -> None:
    granted = decide("open", "eu", paper=document(region="eu"))
    assert granted.mode == "qr_only"
    assert "forbidden" in granted.reason


def test_a_document_may_come_from_other_software() -> None:
    """The signature covers the JSON as sent, not our way of writing it."""
    import base64

    from contract.signing import canonical_json
    from edge.policy import POLICY_CONTEXT

    body = json.loads(document())
    del body["signature"]
    body["expires_at"] = "2026-12-31T00:00:00+01:00"
    body["signature"] = base64.b64encode(OPERATOR.sign(POLICY_CONTEXT + canonical_json(body))).decode()
    assert decide("open", paper=json.dumps(body, indent=2).encode()).mode == "open"


def test_an_unknown_region_lists_the_known_ones() -> None:
    with pytest.raises(UnknownRegionError, match="choose one of: .*russia"):
        decide("verify", "atlantis")
