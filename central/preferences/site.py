"""Search for the retailer's site: a page without JavaScript, the same as a fragment to embed, and as JSON."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, HTTPException, Query, Request
from fastapi.responses import JSONResponse, Response
from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

from central.catalogue import service as catalogue
from central.preferences import service
from central.preferences.asking import audit, subject_for
from central.preferences.lexicon import lexicon
from central.preferences.schemas import SearchOut
from central.preferences.wording import Wording
from central.runtime import RuntimeDep
from central.staff.access import Principal, customer_of, machine_of
from central.web import i18n
from central.web.page import render
from contract.values import Name, Token

PER_ADDRESS: Final = RateLimitItemPerMinute(60)
PER_SITE: Final = RateLimitItemPerMinute(6000)
router = APIRouter(tags=["preferences"])


class SearchLimiter:
    """In this process's memory: searching costs work, and anybody may."""

    def __init__(self) -> None:
        self._limiter = MovingWindowRateLimiter(MemoryStorage())

    def allow(self, principal: Principal | None, address: str) -> bool:
        """Count a search; whether it may go on."""
        if principal is not None and principal.kind == "machine":
            return self._limiter.hit(PER_SITE, "site", principal.id)
        return self._limiter.hit(PER_ADDRESS, "address", address)


@router.get(
    "/site/search",
    summary="Search page for the site",
    responses={
        200: {
            "model": SearchOut | None,
            "description": "A page, a fragment of one, or JSON (null for no question), by Accept",
            "content": {"text/html": {"schema": {"type": "string"}}},
        },
        403: {"description": "A subject without a site's token, or a token of another kind"},
        404: {"description": "No such store or customer"},
        429: {"description": "Too many searches from this address"},
    },
)
async def site_search(
    request: Request,
    runtime: RuntimeDep,
    store: Annotated[Name, Query(description="Store")],
    q: Annotated[str, Query(max_length=400, description="In words: lighter than X, under 10,000")] = "",
    lang: Annotated[str, Query(max_length=5)] = "",
    limit: Annotated[int, Query(ge=1, le=50)] = 10,
    subject: Annotated[Token | None, Query(description="With a site's token: whose taste ranks the results")] = None,
    fragment: Annotated[bool, Query(description="Only the results, to be put into a page of the site")] = False,
) -> Response:
    """Public, as the catalogue is. Personal for a signed-in customer, or for a site that names one who agreed."""
    principal = await _asker(request, runtime, store)
    if not request.app.state.searches.allow(principal, request.client.host if request.client else ""):
        raise HTTPException(429, "too many searches; wait a minute")
    if subject is not None and (principal is None or principal.kind != "machine"):
        raise HTTPException(403, "subject: only with a site's token")
    language = i18n.choose(request)
    async with runtime.db.read() as session:
        place = next(iter(await catalogue.names(session, store)), None)
        if place is None:
            raise HTTPException(404, f"there is no store {store!r}")
        whose = await subject_for(session, principal, store, subject) if principal else None
        found = None
        if q.strip():
            found = await service.search(session, runtime.vault, whose, store, q, limit, runtime.clock.now(), language)
    if found is not None and found.personal and principal is not None:
        await audit(runtime, principal, store, whose, "site search")
    if "application/json" in request.headers.get("accept", ""):
        body = found.model_dump(mode="json") if found else None
        return JSONResponse(body, headers={"Cache-Control": "no-store", "Vary": "Accept, Accept-Language, Cookie"})
    template = "search_results.html" if fragment else "site_search.html"
    links = {item.sku: item.page for item in found.suggestions} if found else {}
    values = {"found": found, "q": q, "store": place, "links": links, "prices": _prices(found, language)}
    return render(request, template, values)


def _prices(found: SearchOut | None, language: i18n.Language) -> dict[str, str]:
    answers = found.suggestions if found else []
    return {item.sku: Wording(language, item.currency, lexicon(), {}).money(item.price) for item in answers}


async def _asker(request: Request, runtime: RuntimeDep, store: str) -> Principal | None:
    """A site by its token, a customer by their cookie, or nobody in particular."""
    machine = await machine_of(request, runtime)
    if machine is not None:
        if machine.role != "site":
            raise HTTPException(403, f"a {machine.role} token may not do this")
        machine.check_store(store)
        return machine
    customer = await customer_of(request, runtime)
    return customer if customer is not None and customer.sees(store) else None
