"""Sending with patience: a few tries, and one line in the log when a way is lost and when it is back."""

from __future__ import annotations

import asyncio
import ipaddress
import logging
from collections.abc import Mapping, Sequence
from typing import Final, Literal

from central.post.senders import Letter, MailSender, PermanentError, Sender, TextSender, TransientError
from central.settings import Settings
from central.webhooks.addresses import networks

log = logging.getLogger(__name__)
Way = Literal["email", "phone"]
PAUSES_S: Final = (2.0, 15.0)
"""Between tries; who waits for a code waits no longer."""
_HERE: Final = (ipaddress.ip_network("127.0.0.0/8"), ipaddress.ip_network("::1/128"))


class Office:
    """Made once per application. Never says or logs to whom something went."""

    def __init__(self, senders: Mapping[Way, Sender], pauses_s: Sequence[float] = PAUSES_S) -> None:
        self._senders, self._pauses = senders, pauses_s
        self._lost: set[Way] = set()

    @property
    def ways(self) -> tuple[Way, ...]:
        """By what a person can be reached here."""
        ways: tuple[Way, ...] = ("email", "phone")
        return tuple(way for way in ways if way in self._senders)

    async def send(self, way: Way, letter: Letter) -> bool:
        """Whether it was taken over. Never raises for what the other side does."""
        sender = self._senders[way]
        for pause in (*self._pauses, None):
            try:
                await sender.send(letter)
            except PermanentError as error:
                # The address may be at fault as well as our account: both are worth a line, neither names the person.
                log.warning("a code by %s was refused: %s", way, error)
                return False
            except TransientError as error:
                if pause is None:
                    self._note_lost(way, error)
                    return False
                await asyncio.sleep(pause)
            else:
                self._note_back(way)
                return True
        return False

    def _note_lost(self, way: Way, error: Exception) -> None:
        if way not in self._lost:
            log.error("codes by %s cannot be sent: %s", way, error)
            self._lost.add(way)

    def _note_back(self, way: Way) -> None:
        if way in self._lost:
            log.warning("codes by %s are sent again", way)
            self._lost.discard(way)


def office_of(settings: Settings) -> Office:
    """The ways an operator set up; none is none."""
    senders: dict[Way, Sender] = {}
    if settings.mail is not None:
        senders["email"] = MailSender(settings.mail)
    if settings.texts is not None:
        allowed = (*networks(settings.webhook_networks), *_HERE)
        senders["phone"] = TextSender(settings.texts, allowed)
    return Office(senders)
