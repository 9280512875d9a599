"""Starts the real processes of a shop on this machine, configured for the demo store, and stops them again.

broker, central, edge, two scene cameras: a process each. The labels' access point and the scanner's line live here.
"""

from __future__ import annotations

import asyncio
import json
import secrets
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import cast as typed

import yaml

from contract.clock import Clock
from hardware.labels.emulator import AccessPointEmulator
from simulator.arrivals import Credentials
from simulator.cast import CONSENT_FILE, CONSENT_VERSION, Cast, Person
from simulator.commands import Command, run_commands
from simulator.office import Office, register_phone
from simulator.options import Options
from simulator.phone import Phone
from simulator.processes import Child, ChildFailedError, ChildSpec, Say, Supervisor, free_ports
from simulator.scanner import PtyScanner
from simulator.store import Wiring, edge_document, entrance_source, import_document, purposes_of, virtual_tags

_UP_S = 60.0
_READY_S = 60.0
_CHECKIN_S, _REFRESH_S = 2.0, 0.4
_FAST_CHECKIN_S, _FAST_REFRESH_S = 0.4, 0.1
_TOKENS = ("till", "report", "site")
STAFF = (("consultant", "anna"), ("manager", "boris"), ("admin", "olga"))


@dataclass(frozen=True, slots=True)
class Truths:
    """What the scene cameras know of themselves."""

    lane: list[list[float]]
    usable: dict[int, float]
    homography: list[list[float]]


class Shop:
    """`async with Shop(...) as shop:` - inside it, everything runs and the node has reported itself online."""

    def __init__(self, options: Options, cast: Cast, clock: Clock, say: Say) -> None:
        self.options = options
        self.cast = cast
        self.clock = clock
        self.say = say
        self.folder = options.folder
        self.supervisor = Supervisor(options.folder / "logs", clock, say)
        self.staff = {role: Credentials(name, role, secrets.token_urlsafe(9)) for role, name in STAFF}
        self.tokens: dict[str, str] = {}
        self.phones: dict[str, Phone] = {}
        self.url = ""
        self.broker_port, self._web_port = free_ports(2)
        self._scanner: PtyScanner | None = None
        checkin_s, refresh_s = (_FAST_CHECKIN_S, _FAST_REFRESH_S) if options.fast_labels else (_CHECKIN_S, _REFRESH_S)
        self.labels = AccessPointEmulator(virtual_tags(cast), clock=clock, checkin_s=checkin_s, refresh_s=refresh_s)
        self.truths = Truths([], {}, [])

    @property
    def scanner(self) -> PtyScanner:
        assert self._scanner is not None
        return self._scanner

    async def __aenter__(self) -> Shop:
        try:
            await self._start()
        except BaseException:
            await self.close()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """The edge first, so that it can say goodbye; then the rest."""
        await self.supervisor.stop(order=("edge", "central"))
        await self.labels.stop()
        if self._scanner is not None:
            self._scanner.close()

    # Starting

    async def _start(self) -> None:
        self.say("starting the broker, the cameras and the labels; setting up central")
        self._scanner = PtyScanner()
        await self.labels.start()
        with tempfile.TemporaryDirectory(prefix="vitrina-enrol-") as photos:
            entrance, floor, _, keys = await asyncio.gather(
                self._camera("entrance", "--photos", photos), self._camera("floor"), self._broker(), self._provision()
            )
            self.truths = self._read_truths()
            config = self._write_edge_config(entrance, floor, keys)
            self.say("starting central and the edge node; enrolling the customers who are known by face")
            edge = ChildSpec("edge", ("-m", "edge", "run", "--config", str(config)))
            await asyncio.gather(self._central(), self.supervisor.up(edge, _UP_S), self._enrol(config, Path(photos)))
        self.say("registering phones; waiting for gallery and labels")
        await asyncio.gather(self._register_phones(), self._node_is_ready())

    async def _camera(self, scene: str, *more: str) -> str:
        arguments = ["-m", "simulator.studio", scene, "--seed", str(self.options.seed), "--fps", str(self.options.fps)]
        arguments += ["--truth", str(self.folder / f"{scene}.json"), *more]
        if self.options.seconds is not None:
            arguments += ["--seconds", str(self.options.seconds)]
        child = await self.supervisor.up(
            ChildSpec(f"camera-{scene}", tuple(arguments), stdin=True, restart=False), _UP_S
        )
        return str(child.announced["url"])

    async def _broker(self) -> None:
        arguments = ("-m", "central", "broker", "--port", str(self.broker_port))
        await self.supervisor.up(ChildSpec("broker", arguments), _UP_S)

    async def _provision(self) -> dict[str, str]:
        """Keys, import, staff and tokens through central's own command line; the public keys for the edge."""
        document = self.folder / "import.json"
        body = import_document(self.cast, self.clock.now())
        document.write_text(json.dumps(body, ensure_ascii=False, indent=1), encoding="utf-8")
        store, data = self.cast.store.id, ("--data", str(self.folder / "central"))
        commands = [Command(("keys", *data)), Command(("import", str(document), *data))]
        commands += [
            Command(("staff", "add", who.name, "--role", who.role, "--store", store, "--password-stdin", *data),
                    who.password + "\n")
            for who in self.staff.values()
        ]  # fmt: skip
        commands += [Command(("token", "create", "--role", role, "--store", store, *data)) for role in _TOKENS]
        answers = await run_commands("central", commands, self.folder / "logs" / "setup.log")
        self.tokens = {role: answer.strip() for role, answer in zip(_TOKENS, answers[-3:], strict=True)}
        trust = yaml.safe_load(answers[0])["trust"]
        return typed("dict[str, str]", trust)

    def _read_truths(self) -> Truths:
        entrance = json.loads((self.folder / "entrance.json").read_text(encoding="utf-8"))
        floor = json.loads((self.folder / "floor.json").read_text(encoding="utf-8"))
        usable = {int(number): float(t) for number, t in entrance["usable"].items()}
        return Truths(entrance["lane"], usable, floor["homography"])

    def _write_edge_config(self, entrance: str, floor: str, keys: dict[str, str]) -> Path:
        wiring = Wiring(
            broker=f"mqtt://127.0.0.1:{self.broker_port}",
            access_point=self.labels.url,
            scanner_port=self.scanner.port,
            entrance=entrance_source(self.options.video, entrance),
            floor_url=floor,
            homography=self.truths.homography,
            lane=self.truths.lane,
            signing_key=keys["central_signing_key"],
            sealing_key=keys["central_sealing_key"],
        )
        path = self.folder / "edge.yaml"
        path.write_text(yaml.safe_dump(edge_document(self.cast, wiring), sort_keys=False), encoding="utf-8")
        return path

    async def _central(self) -> None:
        port = self.options.web_port or self._web_port
        broker = f"mqtt://127.0.0.1:{self.broker_port}"
        data = str(self.folder / "central")
        arguments = ("-m", "central", "run", "--broker", broker, "--port", str(port), "--data", data)
        child = await self.supervisor.up(ChildSpec("central", arguments), _UP_S)
        self.url = str(child.announced["url"])

    async def _enrol(self, config: Path, photos: Path) -> None:
        """The product's own enrolment, from pictures that exist for as long as it takes."""
        commands = [
            enrol_command(config, person, sorted(photos.glob(f"{person.identity}-*.png")))
            for person in self.cast.of_kind("face")
        ]
        await run_commands("edge", commands, self.folder / "logs" / "setup.log")

    async def _register_phones(self) -> None:
        office = Office(self.url)
        try:
            await office.log_in(self.staff["admin"].name, self.staff["admin"].password)
            for person in self.cast.of_kind("qr"):
                self.phones[person.id] = await register_phone(self.url, office, person.id)
        finally:
            await office.close()

    async def _node_is_ready(self) -> None:
        """Online at central, every template in its memory, every label showing its public price."""
        office = Office(self.url, self.tokens["report"])
        faces = len(self.cast.of_kind("face"))
        try:
            await self._until(lambda: self._online(office, faces), "the node to come online with its gallery")
        finally:
            await office.close()
        await self._until(self._labels_painted, "the labels to show their public price")

    async def _online(self, office: Office, faces: int) -> bool:
        nodes = await office.list("/api/v1/nodes", store=self.cast.store.id)
        mine = next((node for node in nodes if node["node"] == self.cast.store.node), None)
        return mine is not None and mine["state"] == "online" and typed(int, mine["gallery_templates"]) >= faces

    async def _labels_painted(self) -> bool:
        return all(tag.update_count > 0 for tag in self.labels.tags.values())

    async def _until(self, done: Callable[[], object], what: str) -> None:
        until = self.clock.monotonic() + _READY_S
        edge: Child = self.supervisor.children["edge"]
        while not await typed("asyncio.Future[bool]", done()):
            if self.clock.monotonic() > until:
                raise ChildFailedError(f"waited {_READY_S:.0f} s for {what}; see {edge.log_path}")
            await asyncio.sleep(0.2)

    def begin(self, at: float) -> None:
        """Let the day start at this monotonic second, in both scenes."""
        for scene in ("entrance", "floor"):
            self.supervisor.children[f"camera-{scene}"].tell(f"begin {at:.6f}")


def enrol_command(config: Path, person: Person, photos: list[Path]) -> Command:
    """`python -m edge enrol` for one customer, with the consent as it was given."""
    agreed = [name for name, given in purposes_of(person).items() if given]
    arguments = ["enrol", "--config", str(config), "--subject", person.subject, "--log-level", "warning"]
    arguments += ["--photos", *(str(photo) for photo in photos)]
    arguments += ["--consent-text", str(CONSENT_FILE), "--text-version", CONSENT_VERSION]
    return Command((*arguments, "--purposes", ",".join(agreed)))
