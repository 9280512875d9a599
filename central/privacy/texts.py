"""The consent text in force. Its hash stands in every record; a changed text is a new version."""

from __future__ import annotations

import hashlib
from types import MappingProxyType

from contract.signing import canonical_json

VERSION = "2026-1"
TEXT = MappingProxyType(
    {
        "en": (
            "You choose, one by one, what this shop may do: recognise you when you come in; use what it knows of your"
            " orders and interests; show you a personal price; tell a consultant that you are here; count your visit"
            " in statistics. You can change each choice at any time, and a choice you take back is carried out at once."
        ),
        "ru": (
            "Вы сами решаете по каждому пункту, что разрешено магазину: узнавать вас на входе; учитывать ваши заказы"
            " и интересы; показывать вам личную цену; сообщать консультанту о вашем приходе; учитывать визит в"
            " статистике. Каждое решение можно изменить в любое время, отзыв исполняется сразу."
        ),
    }
)
SHA256 = hashlib.sha256(canonical_json(dict(TEXT))).hexdigest()
