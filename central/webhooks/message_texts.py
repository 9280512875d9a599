"""The messages that come with Vitrina."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

_LIST = """{% for item in tried %}
- {{ item.title }}{% if item.opinions %} ({{ item.opinions | join(', ') }}){% endif %}

{% endfor %}"""
_HTML_LIST = """<ul>{% for item in tried %}
<li>{{ item.title }}{% if item.opinions %} ({{ item.opinions | join(', ') }}){% endif %}</li>
{% endfor %}</ul>"""
_HTML_FITS = """<ul>{% for item in recommended %}
<li>{% if item.page %}<a href="{{ item.page }}">{{ item.title }}</a>{% else %}{{ item.title }}{% endif %}, \
{{ item.price }} {{ item.currency }}{% if item.reasons %}: {{ item.reasons | join(', ') }}{% endif %}</li>
{% endfor %}</ul>"""
_FITS = """{% for item in recommended %}
- {{ item.title }}, {{ item.price }} {{ item.currency }}\
{% if item.reasons %}: {{ item.reasons | join(', ') }}{% endif %}

{% endfor %}"""


def _whole(hello: str, tried: str, fits: str, price: str, quote: str, *, html: bool) -> str:
    def head(text: str) -> str:
        return f"<p>{text}</p>\n" if html else f"{text}\n"

    line = f"<li>{quote}</li>\n" if html else f"- {quote}\n"
    begin, end = ("<ul>\n", "</ul>\n") if html else ("", "")
    return (
        head(hello)
        + f"{{% if tried %}}\n{head(tried)}{_HTML_LIST if html else _LIST}\n{{% endif %}}\n"
        + f"{{% if recommended %}}\n{head(fits)}{_HTML_FITS if html else _FITS}\n{{% endif %}}\n"
        + f"{{% if quotes %}}\n{head(price)}{begin}"
        + f"{{% for item in quotes %}}\n{line}{{% endfor %}}\n{end}"
        + head("{{ disclosure }}")
        + "{% endif %}\n"
    )


def _texts(subject: str, hello: str, tried: str, fits: str, price: str, quote: str) -> Mapping[str, str]:
    return {
        "title": subject,
        "text": _whole(hello, tried, fits, price, quote, html=False),
        "html": _whole(hello, tried, fits, price, quote, html=True),
    }


DEFAULTS: Final[Mapping[str, Mapping[str, str]]] = {
    "en": _texts(
        "Your visit to {{ shop }}",
        "Hello {{ name }}, thank you for your visit to {{ shop }}.",
        "What you tried:",
        "What may suit you:",
        "Your price is still valid:",
        "{{ item.title }}: {{ item.price }} {{ item.currency }} instead of {{ item.public }}, until {{ item.until }}",
    ),
    "ru": _texts(
        "Ваш визит в {{ shop }}",
        "Здравствуйте, {{ name }}! Спасибо, что зашли в {{ shop }}.",
        "Вы попробовали:",
        "Вам может подойти:",
        "Ваша цена ещё действует:",
        "{{ item.title }}: {{ item.price }} {{ item.currency }} вместо {{ item.public }}, до {{ item.until }}",
    ),
}
