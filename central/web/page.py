"""What every page needs: who asks, which store, which language; and the one way to render a template."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Final, Literal

from fastapi import Depends, HTTPException, Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from starlette.responses import Response

from central.catalogue import service as catalogue
from central.catalogue.schemas import StoreOut
from central.preferences import wording as amounts
from central.preferences.lexicon import lexicon
from central.runtime import Runtime, RuntimeDep
from central.staff.access import PageStaffDep, Principal
from central.web import assets, i18n, wording
from central.web.i18n import Language

STORE_COOKIE: Final = "vitrina_store"
_YEAR_S: Final = 365 * 86400


@cache
def environment(language: Language) -> Environment:
    """Templates in one language; a name that is not given is an error, not a blank."""
    env = Environment(
        loader=FileSystemLoader(assets.HERE / "templates"),
        autoescape=select_autoescape(),
        undefined=StrictUndefined,
        extensions=["jinja2.ext.i18n"],
        trim_blocks=True,
        lstrip_blocks=True,
    )
    # The i18n extension adds this method at run time; Jinja's types do not know it.
    env.install_gettext_translations(i18n.translations(language), newstyle=True)  # type: ignore[attr-defined]
    env.globals |= {"vendor": assets.vendor_url, "own": assets.own_url, "language": language, "languages": i18n.NAMES}
    env.filters |= {"named": lambda names: i18n.localized(names, language)}
    env.globals["words"] = wording.Wording(i18n.translations(language), language)
    return env


def render(request: Request, template: str, values: Mapping[str, object], status: int = 200) -> HTMLResponse:
    """A template as a response; remembers a language that was chosen by `?lang=`."""
    language = i18n.choose(request)
    base: dict[str, object] = {
        "path": request.url.path,
        "query": dict(request.query_params),
        "principal": None,
        "store": None,
        "stores": (),
    }
    text = environment(language).get_template(template).render(base | dict(values))
    response = HTMLResponse(text, status, headers={"Vary": "Accept-Language, Cookie", "Cache-Control": "no-store"})
    if "lang" in request.query_params:
        _remember(response, i18n.COOKIE, language)
    return response


def _remember(response: Response, name: str, value: str) -> None:
    response.set_cookie(name, value, max_age=_YEAR_S, httponly=True, samesite="lax")


@dataclass(frozen=True, slots=True)
class Page:
    """A page of a signed-in member of staff, about one store."""

    request: Request
    runtime: Runtime
    principal: Principal
    stores: Sequence[StoreOut]
    store: StoreOut

    @property
    def language(self) -> Language:
        """Language of the answer."""
        return i18n.choose(self.request)

    def money(self, minor: int) -> str:
        """An amount in the store's currency, as the language of the answer writes it."""
        return amounts.Wording(self.language, self.store.currency, lexicon(), {}).money(minor)

    def need(self, role: Literal["consultant", "manager", "admin"]) -> None:
        """403 for less than this role."""
        if not self.principal.may(role):
            raise HTTPException(403, "this page needs more rights")

    def show(self, template: str, values: Mapping[str, object]) -> HTMLResponse:
        """Render with the navigation filled in."""
        base: dict[str, object] = {"principal": self.principal, "stores": self.stores, "store": self.store}
        response = render(self.request, template, base | dict(values))
        if self.request.query_params.get("store"):
            _remember(response, STORE_COOKIE, self.store.id)
        return response


class NoStoreError(Exception):
    """Nothing has been imported yet."""


async def staff_page(request: Request, runtime: RuntimeDep, principal: PageStaffDep) -> Page:
    """Page of the store in `?store=`, of the one last looked at, or of the first one there is."""
    async with runtime.db.read() as session:
        stores = await catalogue.stores(session, principal.store)
    if not stores:
        raise NoStoreError
    by_id = {store.id: store for store in stores}
    wanted = request.query_params.get("store")
    if wanted is not None and wanted not in by_id:
        raise HTTPException(404, "no such store")
    chosen = wanted or request.cookies.get(STORE_COOKIE, "")
    return Page(request, runtime, principal, stores, by_id.get(chosen, stores[0]))


PageDep = Annotated[Page, Depends(staff_page)]
