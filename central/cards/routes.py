"""Cards over HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any, Final

from fastapi import APIRouter, HTTPException, Query, Request

from central.alerts.service import ClaimedError
from central.baskets import service as baskets
from central.baskets.schemas import BasketOut, LineIn, Sku
from central.cards import actions, service
from central.cards.comparing import MOST, compare
from central.cards.schemas import (
    AuthoriseBody,
    AuthorisedOut,
    CardDetail,
    CompareOut,
    HandOverBody,
    OpinionBody,
    SuggestedBody,
)
from central.effects import Effects
from central.preferences import service as preferences
from central.preferences.lexicon import Language
from central.preferences.schemas import OpinionOut, SearchOut
from central.pricing.quoting import customer_of
from central.privacy.service import note_reads
from central.runtime import Runtime, RuntimeDep
from central.staff.access import Principal, StaffDep
from central.visits.staffed import TakenError
from central.visits.tables import Visit
from contract.values import Name, Token

router = APIRouter(prefix="/api/v1/cards", tags=["cards"])
StoreQuery = Annotated[Name, Query(description="Store")]
LanguageQuery = Annotated[Language, Query(alias="lang")]
_GONE: Final[dict[int | str, dict[str, Any]]] = {
    404: {"description": "No such visit or product, or not of your store."}
}
_CLOSED: Final[dict[int | str, dict[str, Any]]] = {
    **_GONE,
    409: {"description": "The customer keeps their profile private, or the card is somebody else's."},
}
_CONFLICTS: Final[dict[type[Exception], str]] = {
    actions.NobodyError: "consent",
    preferences.NoConsentError: "consent",
    baskets.NoConsentError: "consent",
    baskets.FullError: "full",
    ClaimedError: "taken",
}
"""What stands in the way, in a word for the page (header `X-Reason`), which has a sentence for each."""
_MISSING = (preferences.UnknownSkuError, baskets.UnknownSkuError, actions.NoColleagueError)
TRIES = "authorise"


@asynccontextmanager
async def changing(
    runtime: Runtime, principal: Principal, store: str, visit: str
) -> AsyncIterator[tuple[Effects, Visit]]:
    """A change on a visit of the reader's store; what goes wrong becomes 404 or 409 with a sentence."""
    principal.check_store(store)
    try:
        async with runtime.change() as effects:
            row = await service.find(effects.session, store, visit)
            if row is None:
                raise HTTPException(404, f"there is no visit {visit!r}")
            yield effects, row
    except tuple(_CONFLICTS) as error:
        raise HTTPException(409, str(error), headers={"X-Reason": _CONFLICTS[type(error)]}) from None
    except _MISSING as error:
        raise HTTPException(404, str(error)) from None


async def open_card(runtime: Runtime, principal: Principal, store: str, visit: str, language: Language) -> CardDetail:
    """The card, with the reading of the profile written to the audit."""
    principal.check_store(store)
    now = runtime.clock.now()
    async with runtime.db.read() as session:
        row = await service.find(session, store, visit)
        if row is None:
            raise HTTPException(404, f"there is no visit {visit!r}")
        found = await service.assemble(session, runtime.vault, row, now, language)
    if found.visitor.id is not None:
        async with runtime.db.write() as session:
            await note_reads(session, principal.reader, [found.visitor.id], "card", now)
    return found


async def look_for(
    runtime: Runtime, principal: Principal, store: str, visit: str, words: str, language: Language
) -> SearchOut:
    """Relative search, ranked by the visitor's taste as far as they allow; then it is a reading of their profile."""
    principal.check_store(store)
    now = runtime.clock.now()
    async with runtime.db.read() as session:
        row = await service.find(session, store, visit)
        if row is None:
            raise HTTPException(404, f"there is no visit {visit!r}")
        found = await preferences.search(session, runtime.vault, row.subject, store, words, 8, now, language)
        customer = await customer_of(session, row.subject) if found.personal else None
    if customer is not None:
        async with runtime.db.write() as session:
            await note_reads(session, principal.reader, [customer.id], "card search", now)
    return found


def limited(request: Request, principal: Principal) -> bool:
    """Numbers may not be tried out: ten in five minutes for each member of staff."""
    address = request.client.host if request.client else ""
    return not request.app.state.limiter.allow(TRIES, principal.id, address)


@router.get("/{visit}", summary="The whole card of a visit", responses=_GONE)
async def card(
    runtime: RuntimeDep, principal: StaffDep, visit: Token, store: StoreQuery, language: LanguageQuery = "en"
) -> CardDetail:
    """Who they are as far as they allow, why they came, what they tried, what matters to them, what may suit them."""
    return await open_card(runtime, principal, store, visit, language)


@router.get("/{visit}/search", summary="Relative search for this visitor", responses=_GONE)
async def search(
    runtime: RuntimeDep,
    principal: StaffDep,
    visit: Token,
    store: StoreQuery,
    words: Annotated[str, Query(alias="q", max_length=400, examples=["lighter than HP-1, more bass"])],
    language: LanguageQuery = "en",
) -> SearchOut:
    """ "Lighter than X, more bass": in English or Russian."""
    return await look_for(runtime, principal, store, visit, words, language)


@router.get("/{visit}/compare", summary="Products side by side", responses=_GONE)
async def side_by_side(
    runtime: RuntimeDep,
    principal: StaffDep,
    visit: Token,
    store: StoreQuery,
    skus: Annotated[list[Sku], Query(alias="sku", min_length=1, max_length=MOST)],
    language: LanguageQuery = "en",
) -> CompareOut:
    """Parameters with units, what differs first; stock, delivery, public and promised personal price."""
    principal.check_store(store)
    async with runtime.db.read() as session:
        row = await service.find(session, store, visit)
        if row is None:
            raise HTTPException(404, f"there is no visit {visit!r}")
        return await compare(session, row, skus, runtime.clock.now(), language)


@router.post("/{visit}/opinions", summary="Write an opinion down", status_code=201, responses=_CLOSED)
async def opine(
    runtime: RuntimeDep, principal: StaffDep, visit: Token, store: StoreQuery, body: OpinionBody
) -> OpinionOut:
    """One opinion a product and visit: a thumb first, parameters and a note later."""
    async with changing(runtime, principal, store, visit) as (effects, row):
        return await actions.opine(effects, row, principal.name, body)


@router.post("/{visit}/suggested", summary="A product was shown", status_code=204, responses=_CLOSED)
async def suggested(
    runtime: RuntimeDep, principal: StaffDep, visit: Token, store: StoreQuery, body: SuggestedBody
) -> None:
    """Counts for the consultant if it is bought."""
    async with changing(runtime, principal, store, visit) as (effects, row):
        await actions.suggest(effects, row, principal.name, body.sku)


@router.put("/{visit}/basket", summary="Put into the customer's basket", responses=_CLOSED)
async def put(runtime: RuntimeDep, principal: StaffDep, visit: Token, store: StoreQuery, body: LineIn) -> BasketOut:
    """The quantity of one article; 0 takes it out."""
    async with changing(runtime, principal, store, visit) as (effects, row):
        return await actions.put(effects, row, principal.name, body.sku, body.quantity)


@router.post("/{visit}/basket/later", summary="Finish on the site", responses=_CLOSED)
async def later(runtime: RuntimeDep, principal: StaffDep, visit: Token, store: StoreQuery) -> BasketOut:
    """The site takes the basket over."""
    async with changing(runtime, principal, store, visit) as (effects, row):
        found = await actions.finish_later(effects, row)
        if found is None:
            raise HTTPException(404, "there is no basket yet")
        return found


@router.post("/{visit}/hand-over", summary="Hand the guest over", status_code=204, responses=_CLOSED)
async def hand_over(
    runtime: RuntimeDep, principal: StaffDep, visit: Token, store: StoreQuery, body: HandOverBody
) -> None:
    """To a colleague of this store; noted for both."""
    async with changing(runtime, principal, store, visit) as (effects, row):
        await actions.hand_over(effects, row, principal, body.to)


@router.post("/{visit}/left", summary="The guest has gone", status_code=204, responses=_CLOSED)
async def left(runtime: RuntimeDep, principal: StaffDep, visit: Token, store: StoreQuery) -> None:
    """For visits no camera sees the end of (409 for others)."""
    async with changing(runtime, principal, store, visit) as (effects, row):
        if not actions.leave(effects, row):
            raise HTTPException(409, "this visit ends by itself, or is over", headers={"X-Reason": "over"})


@router.post(
    "/authorise",
    summary="Recognise a customer by card or phone",
    status_code=201,
    responses={
        404: {"description": "Nobody can be recognised by this here: unknown, shared, blocked or not wanted alike."},
        409: {"description": "The visit named belongs to somebody, or is over."},
        429: {"description": "Too many tries."},
    },
)
async def authorise(request: Request, runtime: RuntimeDep, principal: StaffDep, body: AuthoriseBody) -> AuthorisedOut:
    """Only with the customer before you (`confirmed`); audited, and reversible."""
    principal.check_store(body.store)
    if limited(request, principal):
        raise HTTPException(429, "too many tries; wait five minutes")
    try:
        visit = await actions.authorise(runtime, principal, body.store, body.by, body.value, body.visit)
    except actions.UnknownError as error:
        raise HTTPException(404, str(error)) from None
    except TakenError as error:
        raise HTTPException(409, str(error)) from None
    return AuthorisedOut(visit=visit)


@router.post("/{visit}/authorise/undo", summary="It was somebody else", status_code=204, responses=_CLOSED)
async def unauthorise(runtime: RuntimeDep, principal: StaffDep, visit: Token, store: StoreQuery) -> None:
    """The visit, its card and its shares are as if the number had not been told."""
    async with changing(runtime, principal, store, visit) as (effects, row):
        if not await actions.unauthorise(effects, row):
            raise HTTPException(
                409, "nobody was recognised by card or phone in this visit", headers={"X-Reason": "over"}
            )
