"""Handing a message over: SMTP (RFC 5321) for mail, one HTTP request for text messages."""

from __future__ import annotations

import asyncio
import json
import smtplib
import ssl
from dataclasses import dataclass
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import make_msgid
from typing import Final, Protocol

from central.post.addresses import MailServer, TextGateway
from central.webhooks.addresses import Network
from central.webhooks.sending import client, send

TIMEOUT_S: Final = 15.0


class TransientError(Exception):
    """Not now; the same may go through in a moment."""


class PermanentError(Exception):
    """Not this message, however often."""


@dataclass(frozen=True, slots=True)
class Letter:
    """What is said to whom. `title` is for mail alone."""

    to: str
    title: str
    text: str


class Sender(Protocol):
    """A way to reach a person."""

    async def send(self, letter: Letter) -> None:
        """Hand it over. TransientError, PermanentError."""
        ...


@dataclass(frozen=True, slots=True)
class MailSender:
    """One connection a letter: codes are few, and a connection kept open is one that is lost unnoticed."""

    server: MailServer
    timeout_s: float = TIMEOUT_S

    async def send(self, letter: Letter) -> None:
        try:
            message = _message(letter, self.server.sender)
        except (MessageError, ValueError, UnicodeError, IndexError):
            raise PermanentError("this is no address mail can be sent to") from None
        await asyncio.to_thread(self._hand_over, message)

    def _hand_over(self, message: EmailMessage) -> None:
        server = self.server
        try:
            with self._connected() as smtp:
                if server.security == "starttls":
                    smtp.starttls(context=ssl.create_default_context())
                if server.username is not None:
                    smtp.login(server.username, server.password or "")
                smtp.send_message(message)
        except smtplib.SMTPRecipientsRefused as error:
            codes = [code for code, _ in error.recipients.values()]
            raise (TransientError if all(code < 500 for code in codes) else PermanentError)(
                f"answered {codes}"
            ) from None
        except smtplib.SMTPResponseException as error:
            kind = TransientError if error.smtp_code < 500 else PermanentError
            raise kind(f"{type(error).__name__}: answered {error.smtp_code}") from None
        except smtplib.SMTPNotSupportedError as error:
            raise PermanentError(f"the mail server cannot do it: {error}") from None
        except (smtplib.SMTPException, OSError) as error:
            raise TransientError(f"{type(error).__name__}: the mail server could not be reached") from None

    def _connected(self) -> smtplib.SMTP:
        host, port = self.server.host, self.server.port
        if self.server.security == "tls":
            return smtplib.SMTP_SSL(host, port, timeout=self.timeout_s, context=ssl.create_default_context())
        return smtplib.SMTP(host, port, timeout=self.timeout_s)


def _message(letter: Letter, sender: str) -> EmailMessage:
    message = EmailMessage(SMTP)
    message["Subject"] = letter.title
    message["From"] = Address(addr_spec=sender)
    name, _, domain = letter.to.rpartition("@")
    if not name or not domain:
        raise ValueError("not an address")
    message["To"] = Address(username=name, domain=domain.encode("idna").decode())
    message["Message-ID"] = make_msgid(domain=sender.rpartition("@")[2])
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(letter.text)
    return message


@dataclass(frozen=True, slots=True)
class TextSender:
    """Any service that takes POST {"to": "+49...", "text": "..."}; 2xx: taken."""

    gateway: TextGateway
    allowed: tuple[Network, ...] = ()
    timeout_s: float = TIMEOUT_S

    async def send(self, letter: Letter) -> None:
        headers = {"Authorization": f"Bearer {self.gateway.token}"} if self.gateway.token else {}
        body = json.dumps({"to": letter.to, "text": letter.text}, ensure_ascii=False).encode()
        async with client() as http:
            outcome = await send(http, self.gateway.url, headers, body, self.allowed, self.timeout_s)
        if outcome.ok:
            return
        refused = outcome.status is not None and 400 <= outcome.status < 500 and outcome.status not in {408, 425, 429}
        raise (PermanentError if refused else TransientError)(outcome.error or "not taken")
