"""One-time codes by mail and text message: a recording SMTP server and gateway on loopback that also misbehave."""

from __future__ import annotations

import asyncio
import email
import json
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from email.policy import default
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from central.app import create_app
from central.errors import MisconfiguredError
from central.identity import service as identity
from central.identity.service import Seen
from central.post.addresses import mail_server, public_url, text_gateway
from central.post.office import Office, office_of
from central.post.senders import Letter, MailSender, PermanentError, TransientError
from central.profiles import codes

KNOWN, PHONE = "Anna.Sokolova@Mail.Example.COM".replace("Example", "shopmail"), "+49 151 2345 678"
LETTER = Letter("anna@shopmail.com", "T", "x")


@dataclass
class MailBox:
    """An SMTP server that keeps what it is given; `answers` are taken, first one first, instead of 250 after DATA."""

    port: int = 0
    letters: list[tuple[str, Any]] = field(default_factory=list)
    answers: list[str] = field(default_factory=list)
    refuse: str = ""
    silent: bool = False

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await self._talk(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.silent:
            await asyncio.sleep(0.6)
            return
        writer.write(b"220 box\r\n")
        to = ""
        while line := (await reader.readline()).decode().strip():
            verb = line[:4].upper()
            if verb == "RCPT":
                to = re.sub(r".*<(.*)>.*", r"\1", line)
            if verb == "DATA":
                writer.write(b"354 go on\r\n")
                body = await reader.readuntil(b"\r\n.\r\n")
                answer = self.answers.pop(0) if self.answers else "250 kept"
                if answer.startswith("250"):
                    self.letters.append((to, email.message_from_bytes(body[:-3], policy=default)))
                writer.write(f"{answer}\r\n".encode())
            elif verb == "RCPT" and self.refuse:
                writer.write(f"{self.refuse}\r\n".encode())
            else:
                writer.write(b"221 bye\r\n" if verb == "QUIT" else b"250 ok\r\n")


@pytest.fixture
async def box() -> AsyncIterator[MailBox]:
    found = MailBox()
    server = await asyncio.start_server(found.serve, "127.0.0.1", 0)
    found.port = server.sockets[0].getsockname()[1]
    yield found
    server.close()


@dataclass
class Gateway:
    """Takes POST {to, text}."""

    port: int = 0
    taken: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        length = int(re.search(r"content-length: (\d+)", head.lower())[1])  # type: ignore[index]
        body = json.loads(await reader.readexactly(length))
        status = self.statuses.pop(0) if self.statuses else 200
        if status == 200:
            self.taken.append((head, body))
        writer.write(f"HTTP/1.1 {status} X\r\nContent-Length: 0\r\n\r\n".encode())
        await writer.drain()
        writer.close()


@pytest.fixture
async def gateway() -> AsyncIterator[Gateway]:
    found = Gateway()
    server = await asyncio.start_server(found.serve, "127.0.0.1", 0)
    found.port = server.sockets[0].getsockname()[1]
    yield found
    server.close()


async def asked(shop: Any, to: str, office: Office, app: Any = None, **headers: str) -> int:
    app = app or create_app(shop.runtime.settings, shop.clock, bus=False)
    app.state.runtime, app.state.office = shop.runtime, office
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://central.test") as http:
        return (await http.post("/api/v1/me/login-code", json={"to": to}, headers=headers)).status_code


async def known(shop: Any, subject: str = "a" * 32) -> None:
    async with shop.runtime.change() as effects:
        seen = Seen("import", shop.now, "import", "test")
        for kind, value in (("email", KNOWN), ("phone", PHONE)):
            assert await identity.link(effects, "shop", kind, value, subject, seen) is not None


def mail(box: MailBox, pauses: tuple[float, ...] = (0.0,), timeout: float = 5.0) -> Office:
    server = mail_server(f"smtp://127.0.0.1:{box.port}", "codes@shop.example", None)
    return Office({"email": MailSender(server, timeout)}, pauses)


async def test_a_code_comes_by_mail_and_opens_the_page_once(shop: Any, box: MailBox) -> None:
    await shop.load()
    await known(shop)
    shop.runtime.settings = replace(shop.runtime.settings, public_url="https://me.shop.example")
    assert await asked(shop, f"  {KNOWN.upper()} ", mail(box)) == 204
    ((to, letter),) = box.letters
    assert to == KNOWN.lower()  # as it is known, not as it was typed
    assert letter["subject"] == "Your code for The shop"
    assert letter["auto-submitted"] == "auto-generated"
    text = letter.get_content()
    code = re.search(r"https://me\.shop\.example/me#([A-Z0-9]{8})\b", text)
    assert code is not None
    assert text.startswith(code[1])
    assert "Anna" not in text
    app = create_app(shop.runtime.settings, shop.clock, bus=False)
    app.state.runtime = shop.runtime
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://central.test") as http:
        assert (await http.post("/api/v1/me/login", json={"code": code[1]})).status_code == 204
        assert (await http.get("/api/v1/me")).json()["customer"]["id"] == "c1"
        assert (await http.post("/api/v1/me/login", json={"code": code[1]})).status_code == 401


async def test_a_stranger_learns_nothing_and_gets_nothing(shop: Any, box: MailBox) -> None:
    await shop.load()
    await known(shop)
    assert await asked(shop, "nobody@shopmail.com", mail(box)) == 204
    assert await asked(shop, "+49 151 0000 000", mail(box)) == 422  # text messages are not set up
    assert await asked(shop, "who knows", mail(box)) == 422
    assert await asked(shop, KNOWN, mail(box), **{"Sec-Fetch-Site": "cross-site"}) == 403
    assert box.letters == []


async def test_an_address_of_two_people_and_of_somebody_erased_name_nobody(shop: Any, box: MailBox) -> None:
    await shop.load()
    await known(shop)
    async with shop.runtime.change() as effects:
        seen = Seen("import", shop.now, "import", "test")
        await identity.link(effects, "shop", "email", KNOWN, "b" * 32, seen)
    assert await asked(shop, KNOWN, mail(box)) == 204
    assert box.letters == []


async def test_nobodys_mailbox_is_filled(shop: Any, box: MailBox) -> None:
    await shop.load()
    await known(shop)
    app, office = create_app(shop.runtime.settings, shop.clock, bus=False), mail(box)
    found = [await asked(shop, KNOWN, office, app) for _ in range(5)]
    assert found == [204, 204, 204, 429, 429]
    for _ in range(5):  # whoever comes from elsewhere: three valid codes are enough
        assert await asked(shop, KNOWN, office) == 204
    assert len(box.letters) == codes.MOST_WAITING
    shop.wait(901)
    assert await asked(shop, KNOWN, office) == 204
    assert len(box.letters) == codes.MOST_WAITING + 1


async def test_a_text_message_in_the_customers_language(shop: Any, gateway: Gateway, import_document: Any) -> None:
    document = import_document()
    document["customers"][0]["language"] = "ru"
    await shop.load(document)
    await known(shop)
    shop.runtime.settings = replace(
        shop.runtime.settings, texts=replace(text_gateway(f"http://127.0.0.1:{gateway.port}/sms", None), token="t0ken")
    )
    gateway.statuses = [503]
    office = office_of(shop.runtime.settings)
    office._pauses = (0.0,)
    assert await asked(shop, "0049 1512345678", office) == 204
    ((head, body),) = gateway.taken
    assert "authorization: bearer t0ken" in head.lower()
    assert body["to"] == "+491512345678"
    assert re.fullmatch(
        r"[A-Z0-9]{8} – ваш код для The shop\. Он действует один раз в течение 15 минут\.", body["text"]
    )


async def test_a_server_that_has_no_time_is_asked_again_and_one_that_refuses_is_not(
    box: MailBox, caplog: pytest.LogCaptureFixture
) -> None:
    office = mail(box, (0.0, 0.0))
    box.answers = ["451 later"]
    assert await office.send("email", LETTER)
    box.answers = ["554 never", "250 ok"]
    assert not await office.send("email", LETTER)
    assert box.answers == ["250 ok"]
    box.answers = ["421 gone"] * 6
    assert not await office.send("email", LETTER)
    assert not await office.send("email", LETTER)
    assert await office.send("email", LETTER)
    said = [record.message for record in caplog.records]
    assert len([line for line in said if "cannot be sent" in line]) == 1  # once when it is lost
    assert said[-1] == "codes by email are sent again"
    assert "anna" not in " ".join(said)


async def test_what_goes_wrong_on_the_way(box: MailBox) -> None:
    quick = MailSender(mail_server(f"smtp://127.0.0.1:{box.port}", "codes@shop.example", None), 0.3)
    box.refuse = "550 no such user"
    with pytest.raises(PermanentError):
        await quick.send(LETTER)
    box.refuse = "450 busy"
    with pytest.raises(TransientError):
        await quick.send(LETTER)
    box.refuse, box.silent = "", True
    with pytest.raises(TransientError):
        await quick.send(LETTER)
    with pytest.raises(TransientError):
        await MailSender(mail_server("smtp://127.0.0.1:1", "codes@shop.example", None)).send(LETTER)
    box.silent = False
    # A server that offers no TLS does not get the letter in clear.
    strict = MailSender(replace(quick.server, security="starttls"))
    with pytest.raises(PermanentError):
        await strict.send(LETTER)
    for place in ("a@b\r\nBcc: c@d.com", '"x"@', "a@" + "b" * 300):
        with pytest.raises((PermanentError, TransientError)):
            await quick.send(replace(LETTER, to=place))
    assert box.letters == []


@given(st.text(max_size=40))
def test_what_is_typed_is_a_known_form_or_nothing(typed: str) -> None:
    place = codes.place_of(typed)
    if place is not None:
        assert place[1].isprintable()
        assert codes.place_of(place[1]) == place


def test_operators_are_told_what_to_write(tmp_path: Path) -> None:
    secret = tmp_path / "password"
    secret.write_text("s3cret\n")
    found = mail_server("smtp+starttls://codes@mail.shop.example", "a@shop.example", secret)
    assert (found.port, found.security, found.password) == (587, "starttls", "s3cret")
    assert "s3cret" not in repr(found)
    assert public_url("https://me.shop.example/") == "https://me.shop.example"
    for wrong in ("smtp://mail.shop.example", "mail.shop.example", "smtps://u:p@h", "smtps://h:99999"):
        with pytest.raises(MisconfiguredError, match="--smtp"):
            mail_server(wrong, "a@shop.example", None)
    with pytest.raises(MisconfiguredError, match="--mail-from"):
        mail_server("smtps://h", None, None)
    with pytest.raises(MisconfiguredError, match="--smtp-password-file"):
        mail_server("smtps://u@h", "a@b.c", None)
    with pytest.raises(MisconfiguredError, match="--sms-token-file"):
        text_gateway("https://sms.example/send", tmp_path / "missing")
    with pytest.raises(MisconfiguredError, match="--sms-url"):
        text_gateway("http://sms.example/send", None)
    with pytest.raises(MisconfiguredError, match="--public-url"):
        public_url("me.shop.example")
