"""Reviews of the retailer's site: a feed taken in, a product's rating, the newest on the customer's page."""

from __future__ import annotations

import io
from typing import Any

import httpx
from sqlalchemy import func, select

from central.app import create_app
from central.catalogue import products
from central.catalogue.feeds import service as feeds
from central.catalogue.reviews import service as reviews
from central.catalogue.schemas import FeedRunOut
from central.catalogue.tables import ProductReview


def review(ident: str, stars: object, text: str = "Sat well", sku: str = "HP-1", day: int = 1, **fields: str) -> str:
    extra = "".join(f"<{name}>{value}</{name}>" for name, value in fields.items())
    return (
        f"<review><review_id>{ident}</review_id><reviewer><name>Ada Canary</name></reviewer>"
        f"<review_timestamp>2026-02-{day:02}T10:00:00Z</review_timestamp><content>{text}</content>{extra}"
        f'<ratings><overall min="1" max="5">{stars}</overall></ratings>'
        f"<products><product><product_ids><skus><sku>{sku}</sku></skus></product_ids></product></products></review>"
    )


def feed(*parts: str) -> bytes:
    return f"<feed>{chr(10).join(parts)}</feed>".encode()


async def taken(shop: Any, body: bytes, *, delta: bool = False) -> FeedRunOut:
    async with shop.runtime.db.read() as session:
        terms = await feeds.terms(session, "shop", "voices", "reviews", delta)
    assert terms is not None
    return await feeds.take_in(shop.runtime, io.BytesIO(body), terms, "file")


async def kept(shop: Any) -> int:
    async with shop.runtime.db.read() as session:
        return int(await session.scalar(select(func.count()).select_from(ProductReview)) or 0)


async def test_a_rating_and_the_newest_words_without_who_wrote_them(shop: Any) -> None:
    await shop.load()
    run = await taken(
        shop,
        feed(
            review("r1", 5, "Light and <![CDATA[<b>quiet</b>]]>", day=3, title="Fine", pros="<pro>light</pro>"),
            review("r2", 2, "", day=9),
            review("r3", 4, "Bass", day=5),
            review("r4", 4, sku="not-sold-here"),
        ),
    )
    assert (run.state, run.offers, run.written, run.bad) == ("ok", 4, 3, 0)
    assert run.message == "1 reviews of products this store does not have"
    async with shop.runtime.db.read() as session:
        row = await products.product(session, "shop", "HP-1")
        assert row is not None
        whole = await products.whole(session, row, shop.now)
        assert whole.rating is not None
        assert (whole.rating.mean, whole.rating.count) == (3.67, 3)
        newest = await reviews.newest(session, "shop", "HP-1", 5)
        assert [(one.text, one.title) for one in newest] == [("Bass", ""), ("Light and quiet", "Fine")]
        rows = (await session.execute(select(ProductReview))).scalars().all()
        assert "Canary" not in str([vars(one) for one in rows])
        other = await products.product(session, "shop", "TV-1")
        assert other is not None
        assert (await products.whole(session, other, shop.now)).rating is None


async def test_the_same_again_costs_no_write_and_what_is_gone_goes(shop: Any) -> None:
    await shop.load()
    assert (await taken(shop, feed(*(review(f"r{n}", 4) for n in range(4))))).written == 4
    again = await taken(shop, feed(*(review(f"r{n}", 4) for n in range(4))))
    assert (again.written, again.unchanged, again.withdrawn) == (0, 4, 0)
    changed = await taken(shop, feed(review("r0", 1), *(review(f"r{n}", 4) for n in range(1, 3))))
    assert (changed.written, changed.unchanged, changed.withdrawn) == (1, 2, 1)
    part = await taken(shop, feed("<deleted_review><review_id>r1</review_id></deleted_review>"), delta=True)
    assert (part.state, part.withdrawn) == ("ok", 1)
    spam = await taken(shop, feed(review("r2", 4, is_spam="true"), review("r9", 3)), delta=True)
    assert (spam.written, spam.withdrawn, await kept(shop)) == (1, 1, 2)
    moved = await taken(shop, feed(review("r9", 3, sku="TV-1")), delta=True)
    async with shop.runtime.db.read() as session:
        assert (await reviews.rating(session, "shop", "HP-1")).count == 1  # type: ignore[union-attr]
        assert (await reviews.rating(session, "shop", "TV-1")).count == 1  # type: ignore[union-attr]
    assert moved.written == 1


async def test_bad_ones_are_told_by_line_and_a_wrong_feed_changes_nothing(shop: Any) -> None:
    await shop.load()
    good = [review(f"r{n}", 4) for n in range(20)]
    await taken(shop, feed(*good))
    run = await taken(shop, feed(*good[:19], review("r19", "lots")))
    assert (run.state, run.bad, run.withdrawn, await kept(shop)) == ("ok", 1, 0, 20)  # what it said before stays
    assert [(one.line, one.sku, one.message) for one in run.errors] == [
        (20, "r19", "ratings/overall: 'lots' is no number")
    ]
    for body in (b"<feed></feed>", b"<feed><review>", feed(*good[:5]), feed(*(review(f"r{n}", 9) for n in range(20)))):
        assert (await taken(shop, body)).state == "refused"
        assert await kept(shop) == 20


async def test_the_customers_page_shows_them_in_both_languages(shop: Any) -> None:
    await shop.load()
    words = "<![CDATA[<script>alert(1)</script> & fine]]>"
    await taken(shop, feed(review("r1", 5, words, title="Fine"), review("r2", 4, "Good", cons="<con>case</con>")))
    app = create_app(shop.runtime.settings, shop.clock, bus=False)
    app.state.runtime = shop.runtime
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://central.test") as http:
        for language, said in (("en", "of 5, 2 reviews"), ("ru", "из 5, 2 отзыва")):
            page = await http.get("/me/scan", params={"sku": "HP-1", "store": "shop", "lang": language})
            assert said in page.text
            assert "<script>alert" not in page.text
            assert ("4,5" if language == "ru" else "4.5") in page.text
        other = await http.get("/me/scan", params={"sku": "TV-1", "store": "shop", "lang": "en"})
        assert "reviews-title" not in other.text
