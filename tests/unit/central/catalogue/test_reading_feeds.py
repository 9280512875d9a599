"""YML and Google Merchant: what is read, what is reported by line, what is refused."""

from __future__ import annotations

import contextlib
import io
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from central.catalogue.feeds import google, yml
from central.catalogue.feeds.offers import FeedRefusedError, Shop, packed

SHOP = Shop("shop", "RUB", "77")
EURO = Shop("shop", "EUR", "shop")
YML = """<?xml version="1.0" encoding="{encoding}"?>
<!DOCTYPE yml_catalog SYSTEM "shops.dtd">
<yml_catalog date="2026-03-01 12:00"><shop>
<currencies><currency id="RUR" rate="1"/></currencies>
<categories><category id="1">Электроника</category><category id="2" parentId="1">Наушники</category></categories>
<delivery-options><option cost="300" days="2-4"/></delivery-options>
<offers>
<offer id="HP-1" available="true">
  <name><![CDATA[Наушники <b>Аврора</b>]]></name><vendor>Аврора</vendor><model>A1</model>
  <price>9 990,50</price><oldprice>12990</oldprice><currencyId>RUR</currencyId><categoryId>2</categoryId>
  <picture>https://shop.example/1.jpg</picture><picture>javascript:alert(1)</picture>
  <barcode>4006381333931</barcode>
  <param name="Вес" unit="г">254</param><param name="Шумоподавление">есть</param>
  <outlets><outlet id="77" instock="3"/><outlet id="78" instock="0"/></outlets>
</offer>
<offer id="HP-2"><name>No price</name><categoryId>2</categoryId></offer>
<offer id="HP-3"><name>Dollars</name><price>10</price><currencyId>USD</currencyId></offer>
<offer id="HP-4" available="false"><typePrefix>Наушники</typePrefix><vendor>Аврора</vendor><model>B2</model>
<price>100</price><store>false</store><barcode>4006381333932</barcode>
<delivery-options><option days="1"/><option days="0"/></delivery-options></offer>
<offer id="has space"><name>x</name><price>1</price></offer>
</offers></shop></yml_catalog>
"""
RSS = """<?xml version="1.0"?>
<rss version="2.0" xmlns:g="http://base.google.com/ns/1.0"><channel><title>t</title>
<item><g:id>A</g:id><title>Phones</title><g:price>1,234.50 EUR</g:price><g:sale_price>999 EUR</g:sale_price>
<g:sale_price_effective_date>2026-03-01T10:00+0100/2026-03-08T10:00+0100</g:sale_price_effective_date>
<g:availability>in_stock</g:availability>
<g:gtin>4006381333931</g:gtin><g:product_type>Audio &gt; Phones</g:product_type>
<g:product_detail><g:section_name>S</g:section_name><g:attribute_name>Bass</g:attribute_name>
<g:attribute_value>7 dB</g:attribute_value></g:product_detail><g:product_weight>0.5 kg</g:product_weight>
<g:shipping><g:country>DE</g:country><g:price>4 EUR</g:price><g:max_handling_time>1</g:max_handling_time>
<g:max_transit_time>3</g:max_transit_time></g:shipping></item>
<item><g:id>B</g:id><title>Later</title><g:price>EUR 50</g:price><g:availability>preorder</g:availability>
<g:availability_date>2026-04-01T00:00Z</g:availability_date><g:channel>online</g:channel></item>
<item><g:id>C</g:id><title>Odd</title><g:price>50 EUR</g:price><g:availability>soon</g:availability></item>
</channel></rss>"""
TSV = (
    "id\ttitle\tprice\tavailability\tproduct_detail\tshipping\tstore code\tquantity\n"
    "A\tPhones\t10.00 EUR\tin stock\tSound:Bass:7 dB,Sound:Feel:soft\\, warm\tDE:::4.00 EUR:0:1:1:2\tshop\t4\n"
    "B\tshort\n"
    'C\t"two\nlines"\t12 EUR\tin stock\t\t\tother\t2\n'
    "D\tno unit\t12\tin stock\t\t\t\t\n"
)


def _yml(text: str, encoding: str = "utf-8"):  # type: ignore[no-untyped-def]
    return list(yml.rows(io.BytesIO(text.encode(encoding)), SHOP))


@pytest.mark.parametrize("encoding", ["utf-8", "windows-1251"])
def test_a_yml_feed(encoding: str) -> None:
    good, no_price, dollars, gone, spaced = _yml(YML.replace("{encoding}", encoding), encoding)
    offer = good.offer
    assert offer is not None
    assert (offer.title, offer.price, offer.old_price, offer.brand) == ("Наушники Аврора", 999050, 1299000, "Аврора")
    assert (offer.category, offer.gtin) == ("Электроника / Наушники", "4006381333931")
    assert offer.pictures == ("https://shop.example/1.jpg",)
    assert offer.parameters is not None
    assert (offer.parameters["Вес"].value, offer.parameters["Вес"].text) == (254, "254 г")
    assert offer.parameters["Шумоподавление"].value is True
    assert [(s.outlet, s.quantity, s.delivery_days) for s in offer.stock] == [
        ("78", 0, None),
        ("delivery", None, 4),
        ("shop", 3, None),
    ]
    assert (no_price.line, no_price.sku, no_price.problem) == (16, "HP-2", "price: missing")
    assert "USD" in dollars.problem
    assert gone.offer is not None
    assert (gone.offer.title, gone.offer.available, gone.offer.online) == ("Наушники Аврора B2", False, True)
    assert (gone.offer.gtin, "check digit" in gone.note) == (None, True)
    assert [s.delivery_days for s in gone.offer.stock] == [0]
    assert spaced.offer is None


def test_a_google_feed() -> None:
    first, later, odd = google.rows(io.BytesIO(RSS.encode()), EURO)
    assert first.offer is not None
    assert (first.offer.price, first.offer.sale_price, first.offer.category) == (123450, 99900, "Audio / Phones")
    assert first.offer.sale_from is not None
    assert first.offer.sale_from.isoformat() == "2026-03-01T09:00:00+00:00"
    assert first.offer.parameters is not None
    assert {name: item.value for name, item in first.offer.parameters.items()} == {"Bass": 7, "weight": 500}
    assert [(s.outlet, s.delivery_days) for s in first.offer.stock] == [("delivery", 4)]
    assert later.offer is not None
    assert later.offer.online
    assert later.offer.stock[0].delivery_at is not None
    assert (odd.offer, odd.line) == (None, 13)


def test_a_google_table() -> None:
    first, short, two_lines, no_currency = google.rows(io.BytesIO(("\ufeff" + TSV).encode()), EURO)
    assert first.offer is not None
    assert first.offer.parameters is not None
    assert first.offer.parameters["Feel"].text == "soft, warm"
    assert [(s.outlet, s.quantity, s.delivery_days) for s in first.offer.stock] == [
        ("shop", 4, None),
        ("delivery", None, 3),
    ]
    assert (short.line, short.problem) == (3, "2 columns, the header has 8")
    assert two_lines.offer is not None
    assert two_lines.offer.stock[0].outlet == "other"
    assert (no_currency.line, "currency" in no_currency.problem) == (6, True)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (YML[:900], "not well-formed"),
        ("<html></html>", "<html>"),
        ('<!DOCTYPE a [<!ENTITY x "y">]><yml_catalog>&x;</yml_catalog>', "entities"),
        ('<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><yml_catalog>&x;</yml_catalog>', "entities"),
        ('<!DOCTYPE a [<!ENTITY % p SYSTEM "http://127.0.0.1:1/e">%p;]><yml_catalog/>', "entities"),
        ("<yml_catalog>" + "<a>" * 100, "deep"),
        ("<yml_catalog><offer id='1'>" + "<b/>" * 3000 + "</offer></yml_catalog>", "more than"),
        ("<yml_catalog><offer id='1'>" + "x" * 300_000 + "</offer></yml_catalog>", "characters"),
        ('<?xml version="1.0" encoding="klingon"?><yml_catalog/>', "encoding"),
        ("", "not well-formed"),
    ],
)
def test_what_is_no_feed_is_refused_whole(text: str, why: str) -> None:
    with pytest.raises(FeedRefusedError, match=why):
        _yml(text.replace("{encoding}", "utf-8"))


def test_entities_that_grow_are_refused_before_they_do() -> None:
    bomb = "".join(f'<!ENTITY a{n} "{"&a" + str(n - 1) + ";" if n else "ha"}{"x" * 50}">' for n in range(30))
    before = time.process_time()
    with pytest.raises(FeedRefusedError, match="entities"):
        _yml(f"<!DOCTYPE a [{bomb}]><yml_catalog>&a29;</yml_catalog>")
    assert time.process_time() - before < 1


@given(st.binary(max_size=300))
def test_garbage_never_gets_further_than_a_refusal(data: bytes) -> None:
    for reader, shop in ((yml.rows, SHOP), (google.rows, EURO)):
        with contextlib.suppress(FeedRefusedError):
            list(reader(io.BytesIO(data), shop))


@given(
    st.fixed_dictionaries(
        {},
        optional={
            name: st.text(st.characters(blacklist_categories=["Cs", "Cc"]), max_size=40)
            for name in ("id", "title", "price", "sale_price", "availability", "gtin", "shipping", "product_detail",
                         "sale_price_effective_date", "availability_date", "quantity", "product_type", "product_weight")
        },
    )
)  # fmt: skip
def test_any_cell_is_an_offer_or_a_reported_row(cells: dict[str, str]) -> None:
    header = {"id": "A", "price": "1 EUR", "title": "t", **{k: v.replace('"', "") for k, v in cells.items()}}
    text = "\t".join(header) + "\n" + "\t".join(header.values()) + "\n"
    for row in google.rows(io.BytesIO(text.encode()), EURO):
        assert (row.offer is None) == bool(row.problem)
        if row.offer is not None:
            assert len(packed(row.offer)[1]) == 32
