"""Opinions, tastes and search over HTTP."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, HTTPException, Query

from central.preferences import service
from central.preferences.asking import AskerDep, audit, subject_for
from central.preferences.schemas import (
    Choice,
    OpinionBody,
    OpinionIn,
    OpinionOut,
    Preferences,
    SearchIn,
    SearchOut,
    Sku,
    Suggestion,
    Tried,
)
from central.runtime import RuntimeDep
from contract.values import Name, Token

router = APIRouter(prefix="/api/v1/preferences", tags=["preferences"])
StoreQuery = Annotated[Name, Query(description="Store")]
LanguageQuery = Annotated[Literal["en", "ru"], Query(alias="lang")]
_ERRORS: Final[dict[int | str, dict[str, Any]]] = {
    404: {"description": "No such store, customer or product, or not yours."},
    409: {"description": "The customer has not agreed to a profile."},
}


@router.post("/search", summary="Search relative to other products", responses={404: _ERRORS[404]})
async def search(runtime: RuntimeDep, principal: AskerDep, request: SearchIn) -> SearchOut:
    """By text or by query; ranked by the customer's taste where there is consent to a profile."""
    principal.check_store(request.store)
    asked = request.query if request.query is not None else request.text or ""
    async with runtime.db.read() as session:
        subject = await subject_for(session, principal, request.store, request.subject)
        found = await service.search(
            session, runtime.vault, subject, request.store, asked, request.limit, runtime.clock.now(), request.language
        )
    if found.personal:
        await audit(runtime, principal, request.store, subject, "preferences search")
    return found


@router.post("/opinions", summary="Write an opinion down", status_code=201, responses=_ERRORS)
async def opine(runtime: RuntimeDep, principal: AskerDep, body: OpinionBody) -> OpinionOut:
    """By a consultant about `subject`, or by the customer. The same product within a visit is one opinion."""
    principal.check_store(body.store)
    if principal.kind == "machine":
        raise HTTPException(403, "a site token may not do this")
    by = "customer" if principal.kind == "customer" else f"consultant:{principal.name}"
    try:
        async with runtime.change() as effects:
            subject = await subject_for(effects.session, principal, body.store, body.subject)
            if subject is None:
                raise HTTPException(422, "subject: say whose opinion it is")
            return await service.record(effects, OpinionIn(**{**body.model_dump(), "subject": subject, "by": by}))
    except service.UnknownSkuError as error:
        raise HTTPException(404, str(error)) from None
    except service.NoConsentError as error:
        raise HTTPException(409, str(error)) from None


@router.get("/parameters", summary="What to rate a product by")
async def parameters(
    runtime: RuntimeDep,
    principal: AskerDep,
    store: StoreQuery,
    sku: Annotated[Sku, Query()],
    language: LanguageQuery = "en",
) -> list[Choice]:
    """At most six, those people talk about first."""
    principal.check_store(store)
    async with runtime.db.read() as session:
        return await service.parameter_choices(session, store, sku, language)


@router.get("/{subject}", summary="Somebody's taste", responses={404: _ERRORS[404]})
async def taste(runtime: RuntimeDep, principal: AskerDep, subject: Token, store: StoreQuery) -> Preferences:
    """How much each parameter matters to them, how sure that is, and whether they said it themselves."""
    principal.check_store(store)
    async with runtime.db.read() as session:
        who = await subject_for(session, principal, store, subject)
        found = await service.model(session, runtime.vault, who or subject, runtime.clock.now(), store)
    await audit(runtime, principal, store, subject, "preferences")
    return found


@router.get("/{subject}/tried", summary="What somebody tried", responses={404: _ERRORS[404]})
async def tried(runtime: RuntimeDep, principal: AskerDep, subject: Token, store: StoreQuery) -> list[Tried]:
    """The last first; empty without their consent to a profile."""
    principal.check_store(store)
    async with runtime.db.read() as session:
        who = await subject_for(session, principal, store, subject)
        found = await service.tried(session, runtime.vault, who or subject)
    await audit(runtime, principal, store, subject, "tried products")
    return [entry for entry in found if principal.sees(entry.store)]


@router.get("/{subject}/suggestions", summary="What somebody may like next", responses={404: _ERRORS[404]})
async def suggestions(
    runtime: RuntimeDep,
    principal: AskerDep,
    subject: Token,
    store: StoreQuery,
    language: LanguageQuery = "en",
    limit: Annotated[int, Query(ge=1, le=50)] = 5,
) -> list[Suggestion]:
    """Nothing they tried already; each with its reasons."""
    principal.check_store(store)
    async with runtime.db.read() as session:
        who = await subject_for(session, principal, store, subject)
        found = await service.suggest(session, runtime.vault, who, store, limit, runtime.clock.now(), language)
    await audit(runtime, principal, store, subject, "suggestions")
    return found
