"""Codes of the system in a shop's words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from gettext import NullTranslations
from typing import Protocol

from babel.numbers import format_decimal

from central.web.i18n import Language


class CustomerView(Protocol):
    """The part of an arrival card that says who it is."""

    @property
    def name(self) -> str: ...
    @property
    def guest(self) -> bool: ...
    @property
    def language(self) -> str | None: ...


class CardView(Protocol):
    """What a card's words are made of."""

    @property
    def customer(self) -> CustomerView: ...
    @property
    def method(self) -> str: ...
    @property
    def stage(self) -> str: ...
    @property
    def confidence(self) -> float: ...
    @property
    def kind(self) -> str: ...
    @property
    def topics(self) -> Sequence[str]: ...


@dataclass(frozen=True, slots=True)
class Wording:
    """Words in one language; every method answers something for a code it does not know."""

    translations: NullTranslations
    language: Language

    def number(self, value: int) -> str:
        """A count with the thousands apart, as the language writes it."""
        return format_decimal(value, locale=self.language)

    def decimal(self, value: float, digits: int = 1) -> str:
        """A measured value with so many digits after the point, or comma."""
        return format_decimal(value, "#,##0." + "0" * digits, locale=self.language)

    def who(self, card: CardView) -> str:
        """Name of the visitor, or that it is a guest."""
        _ = self.translations.gettext
        return _("A guest") if card.customer.guest else card.customer.name

    def method(self, code: str) -> str:
        """How a visitor was recognised."""
        _ = self.translations.gettext
        return {
            "qr": _("Checked in with a code"),
            "face": _("Recognised by face"),
            "staff": _("Noted by a colleague"),
            "loyalty": _("Loyalty card"),
        }.get(code, code)

    def identifier(self, kind: str) -> str:
        """What a customer is known by."""
        _ = self.translations.gettext
        return {
            "customer": _("Customer number"),
            "loyalty": _("Loyalty card"),
            "device": _("App on a device"),
            "email": _("E-mail"),
            "phone": _("Phone"),
            "visitor": _("Browser on the site"),
        }.get(kind, kind)

    def evidence(self, what: str) -> str:
        """On what a link stands."""
        _ = self.translations.gettext
        if what.startswith("undone: "):
            return _("taken back: %s") % what.removeprefix("undone: ")
        return {
            "signed-in event": _("used while signed in"),
            "identify": _("told by the site at sign-in"),
            "import": _("imported with the customer"),
            "seen by staff": _("seen by a colleague"),
            "restored": _("linked again"),
        }.get(what, what)

    def reader(self, who: str) -> str:
        """Who looked at a profile."""
        _ = self.translations.gettext
        kind, _sign, name = who.partition(":")
        return _("the customer") if who == "customer" else _("program %s") % name if kind == "machine" else name or who

    def looked(self, place: str) -> str:
        """On which page."""
        _ = self.translations.gettext
        page = place.split("/")[0].split(" ")[0]
        return {
            "arrivals": _("arrivals"),
            "alerts": _("arrivals"),
            "card": _("card"),
            "visits": _("visits"),
            "customers": _("profile"),
            "people": _("profile"),
            "authorised": _("recognised at the counter"),
            "login": _("code for the phone"),
            "export": _("export"),
        }.get(page, place)

    def price_step(self, step: str, place: str) -> str:
        """What happened to a price."""
        _ = self.translations.gettext
        if step == "confirmed":
            return _("seen on the phone") if place == "phone" else _("seen on the label")
        return {
            "quoted": _("calculated"),
            "shown": _("sent to the label"),
            "charged": _("charged"),
            "voided": _("taken back"),
        }.get(step, step)

    def price_reason(self, code: str) -> str:
        """Why a price is lower, for reasons that are not a rule's own name."""
        _ = self.translations.gettext
        return {
            "discount": _("the customer’s own discount"),
            "bonuses": _("bonuses"),
            "promised": _("promised before"),
            "limited": _("the largest discount"),
            "margin_floor": _("the margin"),
        }.get(code, code)

    def deed(self, kind: str) -> str:
        """What a consultant did."""
        _ = self.translations.gettext
        return {
            "claimed": _("took the guest"),
            "opinion": _("recorded an opinion"),
            "suggested": _("suggested it"),
            "basket": _("put it into the basket"),
            "authorised": _("recognised the guest"),
            "handed_over": _("handed over"),
        }.get(kind, kind)

    def told(self, kind: str) -> str:
        """What the site is told."""
        _ = self.translations.gettext
        return {
            "visit.finished": _("a visit ended"),
            "visit.withdrawn": _("a visit was taken back"),
            "product.tried": _("a product was tried"),
            "recommendation.made": _("recommendations"),
            "quote.open": _("prices still valid"),
            "segment.changed": _("a segment changed"),
            "customer.erased": _("a customer erased themselves"),
        }.get(kind, kind)

    def delivered(self, state: str) -> str:
        """How a delivery stands."""
        _ = self.translations.gettext
        return {
            "open": _("waiting"),
            "done": _("delivered"),
            "dead": _("not delivered"),
            "dropped": _("not allowed any more"),
        }.get(state, state)

    def certainty(self, card: CardView) -> str:
        """Confidence in words: nobody on a shop floor wants a decimal fraction."""
        _ = self.translations.gettext
        if card.stage == "provisional":
            return _("still being confirmed")
        if card.method == "qr":
            return _("certain")
        if card.confidence >= 0.9:
            return _("certain")
        return _("very likely") if card.confidence >= 0.6 else _("likely")

    def opening(self, card: CardView) -> str:
        """A first sentence for the consultant."""
        _ = self.translations.gettext
        if card.kind == "call":
            return _("They asked for help: go over to them.")
        if card.customer.guest:
            return _("Welcome them and ask what brings them in today. They keep their profile private.")
        if card.stage == "provisional":
            return _("Wait a moment before using the name: it is still being confirmed.")
        if len(card.topics) > 1:
            text = _("Greet %(name)s by name and offer to show %(first)s or %(second)s.")
            return text % {"name": card.customer.name, "first": card.topics[0], "second": card.topics[1]}
        if card.topics:
            text = _("Greet %(name)s by name and offer to show %(first)s.")
            return text % {"name": card.customer.name, "first": card.topics[0]}
        return _("Greet %(name)s by name and ask what they are looking for today.") % {"name": card.customer.name}

    def guest_name(self, visitor: CustomerView) -> str:
        """Name of the visitor of a card, or that it is a guest."""
        _ = self.translations.gettext
        return _("A guest") if visitor.guest else visitor.name

    def why(self, code: str) -> str:
        """Why a product is on the card."""
        _ = self.translations.gettext
        return {
            "basket": _("left in the basket"),
            "favourite": _("a favourite"),
            "compared": _("compared"),
            "viewed": _("looked at"),
        }.get(code, code)

    def speaks(self, card: CardView) -> str:
        """The visitor's language when it is not the page's; empty otherwise."""
        return self.speaks_language(card.customer.language)

    def speaks_language(self, code: str | None) -> str:
        """The same from the language's code."""
        _ = self.translations.gettext
        if not code or code == self.language:
            return ""
        return {"en": _("Speaks English"), "ru": _("Speaks Russian")}.get(code, _("Speaks: %s") % code)

    def label_state(self, code: str) -> str:
        """Whether the glass shows what it should."""
        _ = self.translations.gettext
        return {
            "shown": _("On the glass"),
            "pending": _("Being updated"),
            "failed": _("Update failed"),
            "unreachable": _("Out of reach"),
            "battery_low": _("Battery low"),
        }.get(code, _("Not reported yet"))

    def node_state(self, code: str) -> str:
        """State of a node."""
        _ = self.translations.gettext
        return {
            "online": _("Online"),
            "offline": _("Offline"),
            "silent": _("Silent"),
        }.get(code, _("Never seen"))

    def camera_state(self, code: str) -> str:
        """State of a camera."""
        _ = self.translations.gettext
        return {"running": _("Running"), "lost": _("No picture"), "starting": _("Starting")}.get(code, code)

    def policy(self, code: str) -> str:
        """Who a node may recognise."""
        _ = self.translations.gettext
        return {
            "qr_only": _("Codes only, no faces"),
            "verify": _("Face confirms a code"),
            "lane": _("Faces in the consent lane"),
            "open": _("Faces in the whole view"),
        }.get(code, code)

    def purpose(self, code: str) -> tuple[str, str]:
        """A purpose of processing: its name and what it means, in plain words."""
        _ = self.translations.gettext
        return {
            "identify": (
                _("Recognise me when I come in"),
                _("With my check-in code and, if I enrolled in the shop, my face. Photos are never kept."),
            ),
            "profile": (
                _("Use my profile"),
                _("My name, interests and purchases help the consultant to advise me."),
            ),
            "personal_price": (
                _("Show me personal prices"),
                _("Shelf labels may show my price while I stand alone at them. It is never above the usual one."),
            ),
            "consultant_alert": (
                _("Tell a consultant that I am here"),
                _("Somebody comes to greet me. Without this I look around undisturbed."),
            ),
            "analytics": (
                _("Count my visit in statistics"),
                _("How long people stay and where, without names."),
            ),
        }.get(code, (code, ""))
