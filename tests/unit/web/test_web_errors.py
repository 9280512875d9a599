"""What people, programs and htmx get when something is wrong."""

from __future__ import annotations

import pytest
from fastapi import FastAPI, HTTPException
from fastapi.testclient import TestClient
from sqlalchemy.exc import OperationalError

from central.web import assets, mount

PERSON = {"accept": "text/html,*/*;q=0.8"}


@pytest.fixture
def client() -> TestClient:
    app = FastAPI()

    @app.get("/wrong/{what}")
    async def wrong(what: int) -> None:
        if what == 500:
            raise RuntimeError("a mistake of ours")
        if what == 503:
            raise OperationalError("SELECT secret", {}, Exception("gone"))
        raise HTTPException(what, "plain words for programs")

    mount(app)
    return TestClient(app, raise_server_exceptions=False)


@pytest.mark.parametrize(
    ("what", "status", "title"),
    [
        ("403", 403, "Not for this account"),
        ("404", 404, "Nothing here"),
        ("429", 429, "A little too fast"),
        ("500", 500, "Something went wrong"),
        ("503", 503, "Not available just now"),
        ("not-a-number", 404, "Nothing here"),
    ],
)
def test_people_get_a_page(client: TestClient, what: str, status: int, title: str) -> None:
    answer = client.get(f"/wrong/{what}", headers=PERSON)
    assert answer.status_code == status
    assert title in answer.text
    assert "mistake of ours" not in answer.text
    assert "secret" not in answer.text


def test_people_are_answered_in_their_language(client: TestClient) -> None:
    answer = client.get("/wrong/404", headers=PERSON | {"accept-language": "ru"})
    assert "Здесь ничего нет" in answer.text


def test_programs_and_htmx_get_the_plain_answer(client: TestClient) -> None:
    for headers in ({"accept": "application/json"}, PERSON | {"hx-request": "true"}):
        answer = client.get("/wrong/404", headers=headers)
        assert answer.json() == {"detail": "plain words for programs"}
        assert client.get("/wrong/500", headers=headers).status_code == 500
    assert client.get("/wrong/abc", headers={"accept": "*/*"}).status_code == 422


def test_without_the_libraries_the_page_names_the_command(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(assets, "missing", lambda: assets.Missing(("leaflet/dist/leaflet.js",)))
    for path in ("/login", "/me"):
        answer = client.get(path, headers=PERSON)
        assert answer.status_code == 503
        assert assets.INSTALL in answer.text


def test_where_to_go_next_is_text_not_markup(client: TestClient) -> None:
    page = client.get("/login", params={"next": '/"><b>x</b>'}, headers=PERSON).text
    assert "<b>x</b>" not in page
    assert "&lt;b&gt;x" in page


def test_the_chosen_language_is_kept(client: TestClient) -> None:
    assert "Войти" in client.get("/login?lang=ru", headers=PERSON).text
    assert "Войти" in client.get("/login", headers=PERSON).text
