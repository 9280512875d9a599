"""What must be said beside a personal price, by region.

Sources: New York GBL 349-a; Directive 2011/83/EU art. 6(1)(ea).
"""

from __future__ import annotations

_PRESCRIBED = {"US-NY": "THIS PRICE WAS SET BY AN ALGORITHM USING YOUR PERSONAL DATA."}
_DEFAULT = {
    "en": "This price was personalised for you by automated decision.",
    "ru": "Цена рассчитана для вас автоматически.",
}


def disclosure(region: str, language: str, own: dict[str, object]) -> str:
    """The prescribed text of the region, else the store's own, else ours."""
    if region in _PRESCRIBED:
        return _PRESCRIBED[region]
    text = own.get(language)
    return text if isinstance(text, str) and text else _DEFAULT[language]
