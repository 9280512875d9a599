"""Google's product review feed: what is read, what is reported by line, what is refused."""

from __future__ import annotations

import contextlib
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from central.catalogue.feeds.offers import FeedRefusedError
from central.catalogue.reviews.reading import rows

FEED = """<?xml version="1.0" encoding="UTF-8"?>
<feed><version>2.4</version><publisher><name>Shop</name></publisher>
<deleted_reviews><deleted_review><review_id>old-1</review_id></deleted_review><review_id>old-2</review_id></deleted_reviews>
<reviews>
<review><review_id>r1</review_id><reviewer><name>Ada Lovelace</name><reviewer_id>77</reviewer_id></reviewer>
 <review_timestamp>2026-02-01T10:00:00+03:00</review_timestamp><title>Тихие</title>
 <content><![CDATA[Sat <b>well</b>, all day.]]></content>
 <pros><pro>light</pro><pro></pro></pros><cons><con>case</con></cons>
 <ratings><overall min="0" max="10">7.5</overall></ratings>
 <products><product><product_ids><gtins><gtin>4006381333931</gtin><gtin>123</gtin></gtins>
 <skus><sku>HP-1</sku></skus><brands><brand>Acme</brand></brands><mpns><mpn>A-1</mpn></mpns></product_ids></product></products>
</review>
<review><review_id>r2</review_id><review_timestamp>2026-02-01T10:00:00Z</review_timestamp>
 <ratings><overall min="1" max="5">6</overall></ratings>
 <products><product><product_ids><skus><sku>HP-1</sku></skus></product_ids></product></products></review>
<review><review_id>r3</review_id><review_timestamp>yesterday</review_timestamp>
 <ratings><overall min="1" max="5">4</overall></ratings></review>
<review><review_id>r4</review_id><is_spam>true</is_spam></review>
<review><review_timestamp>2026-02-01T10:00:00Z</review_timestamp>
 <ratings><overall min="1" max="5">4</overall></ratings></review>
<review><review_id>r5</review_id><review_timestamp>2026-02-01T10:00:00Z</review_timestamp>
 <ratings><overall min="1" max="5">4</overall></ratings></review>
</reviews></feed>
"""


def test_what_was_said_is_read_and_by_whom_is_not() -> None:
    found = list(rows(io.BytesIO(FEED.encode())))
    review = next(row.review for row in found if row.review is not None)
    assert (review.id, review.rating, review.title, review.text) == ("r1", 4.0, "Тихие", "Sat well , all day.")
    assert (review.pros, review.cons) == (("light",), ("case",))
    assert (review.skus, review.gtins, review.models) == (("HP-1",), ("4006381333931",), (("acme", "a-1"),))
    assert review.at.isoformat() == "2026-02-01T07:00:00+00:00"
    assert "Lovelace" not in review.packed(["HP-1"])[0]


def test_what_is_wrong_is_told_by_line_and_what_was_taken_back_is_no_mistake() -> None:
    found = list(rows(io.BytesIO(FEED.encode())))
    problems = {row.id: (row.line, row.problem) for row in found if row.problem}
    assert problems["r2"] == (13, "ratings/overall: '6' is not from 1 to 5")
    assert problems["r3"][1] == "review_timestamp: 'yesterday' is not an ISO 8601 time"
    assert problems[None][1] == "review_id: missing"
    assert problems["r5"][1] == "products: no sku, gtin, or brand with mpn"
    assert {row.id for row in found if row.review is None and not row.problem} == {"old-1", "old-2", "r4"}


@pytest.mark.parametrize(
    "text", ["<rss/>", "<feed><reviews><review>", '<!DOCTYPE feed [<!ENTITY x "y">]><feed><review>&x;</review></feed>']
)
def test_what_is_no_feed_of_reviews_is_refused(text: str) -> None:
    with pytest.raises(FeedRefusedError):
        list(rows(io.BytesIO(text.encode())))


@pytest.mark.parametrize("said", ["nan", "inf", "-1", "", "5,0", "1e999"])
def test_a_rating_that_is_none_is_refused(said: str) -> None:
    text = FEED.replace(">7.5<", f">{said}<")
    assert any(row.id == "r1" and row.problem.startswith("ratings") for row in rows(io.BytesIO(text.encode())))


@given(st.text(max_size=60), st.sampled_from(["review_timestamp", "overall", "review_id", "sku", "gtin"]))
def test_garbage_in_a_field_never_breaks_the_reader(text: str, field: str) -> None:
    safe = "".join(sign for sign in text if sign not in "<&>" and (sign.isprintable() or sign == " "))
    body = f"<feed><review><review_id>a</review_id><{field}>{safe}</{field}></review></feed>"
    with contextlib.suppress(FeedRefusedError):
        list(rows(io.BytesIO(body.encode("utf-8", "ignore"))))
