"""After-visit messages: templates as data, in a sandbox that can only name, loop over and choose what it is given."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final, Literal, cast
from zoneinfo import ZoneInfo

from babel.numbers import get_currency_precision
from jinja2 import StrictUndefined, TemplateError, nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from central.catalogue.tables import Store
from central.database import upsert
from central.effects import Effects
from central.preferences.lexicon import lexicon
from central.privacy.service import purposes_of
from central.privacy.vault import Vault
from central.profiles.service import open_profile
from central.profiles.tables import Customer
from central.visits.tables import Visit
from central.webhooks import contents
from central.webhooks.message_texts import DEFAULTS
from central.webhooks.schemas import AfterVisit, MessageOut, TemplateIn, TemplateOut
from central.webhooks.tables import MessageTemplate

Language = Literal["en", "ru"]
FILTERS: Final = frozenset(
    {"length", "join", "upper", "lower", "title", "round", "default", "first", "last", "escape", "e"}
)
MOST_NESTED: Final = 2
MOST_TEXT: Final = 200_000
_PARTS: Final = (
    nodes.Template, nodes.Output, nodes.TemplateData, nodes.Name, nodes.Getattr, nodes.For, nodes.If, nodes.Filter,
    nodes.Const, nodes.Compare, nodes.Operand, nodes.And, nodes.Or, nodes.Not, nodes.CondExpr,
)  # fmt: skip
SAMPLE: Final[Mapping[str, object]] = {
    "name": "Anna",
    "shop": "The shop",
    "tried": [{"sku": "HP-1", "title": "Headphones One", "liked": True, "opinions": ["bass +2", "weight -1"]}],
    "recommended": [{"sku": "HP-2", "title": "Headphones Two", "price": "149.00", "currency": "EUR",
                     "reasons": ["lighter"], "page": "https://www.example.com/hp-2"}],
    "quotes": [{"sku": "HP-1", "title": "Headphones One", "price": "179.00", "public": "199.00", "currency": "EUR",
                "until": "2026-03-02 13:00"}],
    "disclosure": "This price was personalised for you by automated decision.",
}  # fmt: skip


class TemplateMistakeError(Exception):
    """A template cannot be used; the message names the part and the line."""


@dataclass(frozen=True, slots=True)
class Templates:
    """One message in one language."""

    title: str
    text: str
    html: str


def _environment(*, html: bool) -> ImmutableSandboxedEnvironment:
    return ImmutableSandboxedEnvironment(
        autoescape=html, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )


def check(templates: Templates) -> None:
    """Parse, look at every part, and render with sample data. TemplateMistakeError."""
    for part in ("title", "text", "html"):
        text = getattr(templates, part)
        try:
            _check_nodes(part, _environment(html=part == "html").parse(text), 0)
        except TemplateError as error:
            line = getattr(error, "lineno", None)
            raise TemplateMistakeError(f"{part}:{line or 1}: {error.message or 'not a template'}") from None
    render(templates, SAMPLE)
    render(templates, {**SAMPLE, "tried": [], "recommended": [], "quotes": []})


def _check_nodes(part: str, node: nodes.Node, depth: int) -> None:
    """Nothing that calls, computes, imports or loops over more than what is given: it always ends, quickly."""
    where = f"{part}:{node.lineno}"
    if not isinstance(node, _PARTS):
        raise TemplateMistakeError(f"{where}: only names, loops, conditions and filters may stand in a message")
    if isinstance(node, nodes.Filter) and node.name not in FILTERS:
        raise TemplateMistakeError(f"{where}: there is no filter {node.name!r}; there are {', '.join(sorted(FILTERS))}")
    if isinstance(node, nodes.Getattr) and node.attr.startswith("_"):
        raise TemplateMistakeError(f"{where}: {node.attr!r} is not for messages")
    if isinstance(node, nodes.For):
        depth += 1
        if depth > MOST_NESTED or node.recursive or not isinstance(node.iter, nodes.Name | nodes.Getattr):
            raise TemplateMistakeError(f"{where}: loop over a list that is given, at most {MOST_NESTED} deep")
    for child in node.iter_child_nodes():
        _check_nodes(part, child, depth)


def render(templates: Templates, values: Mapping[str, object]) -> Templates:
    """Fill in. TemplateMistakeError."""
    parts = {}
    for part in ("title", "text", "html"):
        try:
            made = _environment(html=part == "html").from_string(getattr(templates, part)).render(**values)
        except (TemplateError, TypeError, ValueError) as error:
            raise TemplateMistakeError(f"{part}: {error}") from None
        if len(made) > MOST_TEXT:
            raise TemplateMistakeError(f"{part}: longer than {MOST_TEXT} characters")
        parts[part] = made.strip()
    # A line break in a subject would begin another header of the mail.
    parts["title"] = " ".join(parts["title"].split())
    return Templates(**parts)


async def in_force(session: AsyncSession, store: str, language: Language) -> TemplateOut:
    """A store's own templates, else ours."""
    row = await session.get(MessageTemplate, (store, language))
    if row is None:
        ours = DEFAULTS[language]
        return TemplateOut(store=store, language=language, **ours, saved_by=None, saved_at=None)
    return TemplateOut(
        store=store,
        language=language,
        title=row.title,
        text=row.text,
        html=row.html,
        saved_by=row.saved_by,
        saved_at=row.saved_at,
    )


async def put(effects: Effects, language: Language, given: TemplateIn, by: str) -> TemplateOut:
    """Put templates in force. TemplateMistakeError."""
    check(Templates(given.title, given.text, given.html))
    row = {
        "store": given.store,
        "language": language,
        "title": given.title,
        "text": given.text,
        "html": given.html,
        "saved_by": by,
        "saved_at": effects.now,
    }
    await upsert(effects.session, MessageTemplate, [row], ["store", "language"])
    return await in_force(effects.session, given.store, language)


async def message(
    session: AsyncSession, vault: Vault, customer: Customer, now: datetime, language: Language | None
) -> MessageOut | None:
    """What to write to a customer; None without their consent to a profile. TemplateMistakeError."""
    store = await session.get(Store, customer.store)
    if store is None or not (await purposes_of(session, customer.subject)).get("profile", False):
        return None
    chosen = language or contents.language_of(customer)
    last = select(Visit.id).where(Visit.subject == customer.subject, Visit.store == store.id)
    visit = await session.scalar(last.order_by(Visit.first_seen_at.desc()).limit(1))
    said = await contents.after_visit(session, vault, customer, now, visit, chosen)
    found = await in_force(session, store.id, chosen)
    name = open_profile(vault, customer).name
    values = _values(said, store, name, chosen)
    made = disclosed(render(Templates(found.title, found.text, found.html), values), values)
    return MessageOut(customer=customer.id, language=chosen, subject=made.title, text=made.text, html=made.html)


def disclosed(made: Templates, values: Mapping[str, object]) -> Templates:
    """A template may forget what the region prescribes beside a personal price; the message does not."""
    said, quotes = str(values["disclosure"]), cast("list[dict[str, str]]", values["quotes"])
    prices = [quote["price"] for quote in quotes]
    sentence = _environment(html=True).from_string("{{ said }}").render(said=said)
    text, html = made.text, made.html
    if said not in text and any(price in text for price in prices):
        text = f"{text}\n\n{said}"
    if sentence not in html and any(price in html for price in prices):
        html = f"{html}\n<p>{sentence}</p>"
    return Templates(made.title, text, html)


def _values(said: AfterVisit, store: Store, name: str, language: Language) -> dict[str, object]:
    zone = ZoneInfo(store.timezone)
    return {
        "name": name,
        "shop": store.name,
        "tried": [
            {
                "sku": entry.sku,
                "title": entry.title,
                "liked": entry.liked,
                "opinions": [
                    f"{_word(key, language)} {rating:+d}" for key, rating in entry.parameters.items() if rating
                ],
            }
            for entry in said.tried
        ],
        "recommended": [{**item.model_dump(), "price": _money(item.price, item.currency)} for item in said.recommended],
        "disclosure": said.quotes[0].disclosure if said.quotes else "",
        "quotes": [
            {
                "sku": quote.sku,
                "title": quote.title,
                "price": _money(quote.price, quote.currency),
                "public": _money(quote.public, quote.currency),
                "currency": quote.currency,
                "until": quote.valid_until.astimezone(zone).strftime("%Y-%m-%d %H:%M"),
            }
            for quote in said.quotes
        ],
    }


def _word(parameter: str, language: Language) -> str:
    words = lexicon()
    entry = words.entries.get(words.named(parameter) or parameter)
    return entry.spoken(language).noun[0] if entry else parameter


def _money(minor: int, currency: str) -> str:
    digits = get_currency_precision(currency)
    return f"{Decimal(minor).scaleb(-digits):.{digits}f}"
