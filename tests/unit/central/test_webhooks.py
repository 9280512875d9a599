"""Signatures, pauses, addresses, templates: what of webhooks needs no database."""

from __future__ import annotations

import hmac
import ipaddress
import secrets
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from central.errors import MisconfiguredError
from central.webhooks import messages, signing
from central.webhooks.addresses import ForbiddenAddressError, networks, permitted, target
from central.webhooks.message_texts import DEFAULTS
from central.webhooks.messages import SAMPLE, TemplateMistakeError, Templates
from central.webhooks.schedule import JITTER, PAUSES_S, pause


def test_signatures_are_those_of_the_published_example() -> None:
    """The example of the standard's own libraries."""
    made = signing.headers(
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "msg_p5jXN8AQM9LWM0D4loKWxJek",
        1_614_265_330,
        b'{"test": 2432232314}',
    )
    assert made["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_a_secret_has_the_length_the_standard_asks_for() -> None:
    made = signing.new_secret()
    assert made.startswith("whsec_")
    assert not hmac.compare_digest(made, signing.new_secret())


@given(st.floats(0, 1, exclude_max=True), st.floats(0, 10**9))
def test_pauses_grow_and_stay_around_the_plan(chance: float, asked: float) -> None:
    for attempts, planned in enumerate(PAUSES_S, 1):
        found = pause(attempts, chance)
        assert found is not None
        assert planned * (1 - JITTER) <= found.total_seconds() <= planned * (1 + JITTER)
        kept = pause(attempts, chance, asked)
        assert kept is not None
        assert kept <= timedelta(days=1, hours=6)
    assert pause(len(PAUSES_S) + 1, chance) is None
    assert sum(PAUSES_S) > 3 * 86_400


FORBIDDEN = (
    "127.0.0.1", "10.1.2.3", "192.168.1.1", "172.16.0.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "224.0.0.1",
    "255.255.255.255", "::1", "::", "fe80::1", "fc00::1", "ff02::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1",
    "64:ff9b::7f00:1", "2002:7f00:1::", "2001:db8::1",
)  # fmt: skip


@pytest.mark.parametrize("address", FORBIDDEN)
def test_addresses_inside_are_refused_however_they_are_written(address: str) -> None:
    assert not permitted(ipaddress.ip_address(address), secure=True, allowed=())
    assert not permitted(ipaddress.ip_address(address), secure=False, allowed=())


def test_public_addresses_need_https_and_an_operator_may_allow_others() -> None:
    public, inside = ipaddress.ip_address("93.184.215.14"), ipaddress.ip_address("10.1.2.3")
    assert permitted(public, secure=True, allowed=())
    assert not permitted(public, secure=False, allowed=())
    assert permitted(inside, secure=True, allowed=networks(["10.1.0.0/16"]))
    assert not permitted(inside, secure=False, allowed=networks(["10.0.0.0/8"])), "in clear to this machine alone"
    assert permitted(ipaddress.ip_address("127.0.0.1"), secure=False, allowed=networks(["127.0.0.0/8"]))
    with pytest.raises(MisconfiguredError, match="webhook-network"):
        networks(["10.1.2.3/8"])


@pytest.mark.parametrize(
    "url",
    [
        "https://127.0.0.1/x", "https://127.1/x", "https://2130706433/x", "https://0x7f000001/x", "https://[::1]/x",
        "https://user:word@93.184.215.14/x", "ftp://93.184.215.14/x", "https:///x", "https://localhost:99999/x",
        "http://93.184.215.14/x", "https://[::ffff:10.0.0.1]/x",
    ],
)  # fmt: skip
async def test_urls_that_lead_inside_are_refused(url: str) -> None:
    with pytest.raises((ForbiddenAddressError, OSError)):
        await target(url, ())


async def test_the_connection_goes_to_the_address_that_was_judged() -> None:
    found = await target("https://93.184.215.14:8443/hook?a=1", ())
    assert (found.url, found.host, found.name) == (
        "https://93.184.215.14:8443/hook?a=1",
        "93.184.215.14:8443",
        "93.184.215.14",
    )


@pytest.mark.parametrize("language", ["en", "ru"])
def test_our_own_messages_say_everything_and_keep_names_apart_from_markup(language: str) -> None:
    ours = Templates(**DEFAULTS[language])
    messages.check(ours)
    made = messages.render(ours, {**SAMPLE, "name": "<b>Anna</b>", "shop": "The\r\nBcc: shop"})
    for word in ("Headphones One", "bass +2", "Headphones Two", "149.00", "179.00", "2026-03-02 13:00"):
        assert word in made.text, word
        assert word in made.html, word
    assert "<b>Anna" not in made.html
    assert "\n" not in made.title


@pytest.mark.parametrize(
    "text",
    [
        "{{ name.__class__ }}", "{{ ''.__class__.__mro__ }}", "{% for a in range(9) %}{% endfor %}",
        "{{ name * 100000000 }}", "{{ 9 ** 9 ** 9 }}", "{% include 'x' %}", "{% macro a() %}{% endmacro %}",
        "{{ name | attr('x') }}", "{{ unknown }}", "{% for a in tried %}", "{{ tried | join(sku) }}",
        "{% for a in tried %}{% for b in tried %}{% for c in tried %}{% endfor %}{% endfor %}{% endfor %}",
        "{% set a = 1 %}", "{{ name.upper() }}", "{% for a in tried recursive %}{{ loop(a) }}{% endfor %}",
    ],
)  # fmt: skip
def test_templates_can_do_nothing_else(text: str) -> None:
    with pytest.raises(TemplateMistakeError, match=r"^text"):
        messages.check(Templates("x", text, ""))


def test_made_up_secrets_open_only_with_the_same_keys_and_subscription() -> None:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

    from central.keys import Keys

    def keys() -> Keys:
        return Keys(Ed25519PrivateKey.generate(), X25519PrivateKey.generate(), secrets.token_bytes(32))

    mine, other = keys(), keys()
    sealed = signing.seal_secret(mine, "s1", "whsec_x")
    assert signing.open_secret(mine, "s1", sealed) == "whsec_x"
    assert signing.open_secret(mine, "s2", sealed) is None
    assert signing.open_secret(other, "s1", sealed) is None


@pytest.mark.parametrize("language", sorted(DEFAULTS))
def test_no_message_shows_a_personal_price_without_what_the_region_prescribes(language: str) -> None:
    said = "SET BY AN ALGORITHM & 'YOUR' DATA."
    values = {**SAMPLE, "disclosure": said}
    price = "{% for item in quotes %}{{ item.price }}{% endfor %}"
    for text in (DEFAULTS[language]["text"], price, price + " {{ disclosure }}"):
        templates = Templates("x", text, f"<b>{text}</b>")
        made = messages.disclosed(messages.render(templates, values), values)
        assert made.text.count(said) == 1
        assert made.html.count("SET BY AN ALGORITHM &amp; &#39;YOUR&#39; DATA.") == 1
    for text in ("{% for item in tried %}{{ item.title }}{% endfor %}", "nothing"):
        made = messages.disclosed(messages.render(Templates("x", text, text), values), values)
        assert said not in made.text
    without = {**values, "quotes": [], "disclosure": ""}
    made = messages.disclosed(messages.render(Templates("x", DEFAULTS[language]["text"], ""), without), without)
    assert "ALGORITHM" not in made.text
