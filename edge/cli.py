"""The command line of a node. Exit codes: 0 done, 1 failed, 2 configuration or usage wrong."""

from __future__ import annotations

import argparse
import json
import logging
import signal
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TextIO

from contract.clock import Clock, SystemClock
from contract.events import PURPOSES
from contract.supervisor import Supervisor
from edge.config import ConfigError, EdgeConfig, load_config
from edge.errors import NodeError

OK, FAILED, MISUSED = 0, 1, 2
_ANSWER_S = 60.0
_QUIET = ("httpx", "httpcore", "websockets", "PIL", "faiss")


def main(arguments: Sequence[str]) -> int:
    """Run one command; errors a person can mend go to standard error without a traceback."""
    options = parser().parse_args(arguments)
    try:
        if options.config is None:
            return int(options.act(options, SystemClock()))
        config = load_config(options.config)
        _log_to(sys.stderr, options.log_level)
        return int(options.act(options, config, SystemClock()))
    except ConfigError as error:
        print(error, file=sys.stderr)
        return MISUSED
    except NodeError as error:
        print(f"edge: {error}", file=sys.stderr)
        return MISUSED
    except BrokenPipeError:
        return FAILED


def parser() -> argparse.ArgumentParser:
    """All commands with their options."""
    top = argparse.ArgumentParser(
        prog="python -m edge",
        description="One Vitrina node: cameras, scanners and shelf labels of a store, connected to central over MQTT.",
    )
    commands = top.add_subparsers(required=True, metavar="COMMAND")
    _add_run(commands)
    _add_replay(commands)
    _add_evaluate(commands)
    _add_check(commands)
    _add_doctor(commands)
    _add_enrol(commands)
    _add_withdraw(commands)
    _add_confusable(commands)
    _add_policy(commands)
    return top


Commands = argparse._SubParsersAction


def _command(
    commands: Commands[argparse.ArgumentParser], name: str, summary: str, more: str = ""
) -> argparse.ArgumentParser:
    command = commands.add_parser(name, help=summary, description=f"{summary}. {more}".strip())
    command.add_argument(
        "--log-level", default="info", choices=("debug", "info", "warning", "error"), help="least level logged (info)"
    )
    return command


def _config_option(command: argparse.ArgumentParser) -> None:
    command.add_argument("--config", type=Path, required=True, metavar="FILE", help="the node's YAML file")


def _add_run(commands: Commands[argparse.ArgumentParser]) -> None:
    command = _command(
        commands, "run", "Run the node until SIGTERM or Ctrl-C",
        "Prints one JSON line on standard output once it runs; logs go to standard error.",
    )  # fmt: skip
    _config_option(command)
    command.set_defaults(act=_run)


def _add_replay(commands: Commands[argparse.ArgumentParser]) -> None:
    command = _command(
        commands, "replay", "Run a recording through the pipeline of one camera",
        "Writes one CloudEvent a line with the recording's own times; sends nothing.",
    )  # fmt: skip
    _config_option(command)
    command.add_argument("--camera", required=True, metavar="ID", help="which camera of the file it stands for")
    command.add_argument("--video", type=Path, required=True, metavar="FILE", help="the recording")
    command.add_argument("--out", type=Path, required=True, metavar="EVENTS.jsonl", help="where the events go")
    command.set_defaults(act=_replay)


def _add_evaluate(commands: Commands[argparse.ArgumentParser]) -> None:
    from edge.evaluation.truth import FORMAT

    command = _command(
        commands, "evaluate-entrance", "Compare what an entrance camera decides on a recording with who really came",
        "Enrols the people of the truth file in memory, runs the recording through the pipeline and counts people\n"
        "found, right, wrong and late, embedder calls and CPU milliseconds.",
    )  # fmt: skip
    command.formatter_class = argparse.RawDescriptionHelpFormatter
    command.epilog = FORMAT
    _config_option(command)
    command.add_argument("--camera", required=True, metavar="ID", help="which entrance camera the recording stands for")
    command.add_argument("--video", type=Path, required=True, metavar="FILE", help="the recording")
    command.add_argument("--truth", type=Path, required=True, metavar="FILE", help="who really came (see below)")
    command.add_argument("--json", type=Path, required=True, metavar="OUT", help="where the report goes")
    command.set_defaults(act=_evaluate)


def _add_check(commands: Commands[argparse.ArgumentParser]) -> None:
    command = _command(commands, "check-config", "Check a configuration file", "Every mistake is named with its line.")
    command.add_argument("config", type=Path, metavar="FILE", help="the node's YAML file")
    command.set_defaults(act=_check)


def _add_doctor(commands: Commands[argparse.ArgumentParser]) -> None:
    command = _command(
        commands, "doctor", "Say what is missing on this machine and how to mend it",
        "Tries state directory, keys, clock, policy, models, broker, cameras, scanners and labels. Exit code 1 when "
        "something failed. Stop a running node first if a camera allows one user only.",
    )  # fmt: skip
    _config_option(command)
    command.set_defaults(act=_doctor, log_level="error")


def _add_enrol(commands: Commands[argparse.ArgumentParser]) -> None:
    command = _command(
        commands, "enrol", "Enrol a person who consents, from photographs",
        "Two to five good photographs are best; each is accepted or refused with the reason. They are neither copied "
        "nor sent: only sealed templates are. Works beside a running node, which sends them.",
    )  # fmt: skip
    _config_option(command)
    command.add_argument("--subject", required=True, metavar="HEX32", help="the customer's pseudonym from central")
    command.add_argument(
        "--photos", type=Path, nargs="+", required=True, metavar="DIR|FILE", help="folders or files of photographs"
    )
    command.add_argument(
        "--consent-text", type=Path, required=True, metavar="FILE", help="the text the person agreed to, word for word"
    )
    command.add_argument("--text-version", required=True, metavar="V", help="its version, such as 2026-05-ru")
    command.add_argument(
        "--purposes", required=True, metavar="LIST", help=f"what was agreed to, by commas: {','.join(PURPOSES)}"
    )
    command.add_argument(
        "--channel", default="command_line", choices=("kiosk", "command_line", "page", "import"),
        help="where consent was given (command_line)",
    )  # fmt: skip
    command.set_defaults(act=_enrol)


def _add_withdraw(commands: Commands[argparse.ArgumentParser]) -> None:
    command = _command(
        commands, "withdraw", "Take a person's consent back at the store",
        "Central drops the templates everywhere. Works beside a running node, which sends it.",
    )  # fmt: skip
    _config_option(command)
    command.add_argument("--subject", required=True, metavar="HEX32", help="the customer's pseudonym")
    command.set_defaults(act=_withdraw)


def _add_confusable(commands: Commands[argparse.ArgumentParser]) -> None:
    command = _command(
        commands, "confusable", "Have the running node list enrolled people who may be taken for each other",
        "Writes pseudonyms and scores to state_dir/confusable-pairs.csv (mode 0600), for `python -m calibration "
        "thresholds --pairs`. People who withdraw leave the file at once; it goes when the node stops.",
    )  # fmt: skip
    _config_option(command)
    command.set_defaults(act=_confusable)


def _add_policy(commands: Commands[argparse.ArgumentParser]) -> None:
    from edge.policy_tool import add_parser

    command = commands.add_parser(
        "policy", help="Keys and signatures of region profiles and site policies",
        description="Make the operator's key, sign region profiles and site policies, check signatures.",
    )  # fmt: skip
    command.set_defaults(config=None)
    add_parser(command)


def _run(_options: argparse.Namespace, config: EdgeConfig, clock: Clock) -> int:
    from edge.node import Node
    from edge.process import harden_process

    for weakness in harden_process():
        logging.getLogger("edge").warning("process: %s", weakness)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: stop.set())
    node = Node(config, clock, Supervisor.of_process())
    ready = {"ready": True, "store": config.store, "node": config.node, "mode": node.mode, "session": node.session}
    return node.run(stop, lambda: print(json.dumps(ready), flush=True))


def _replay(options: argparse.Namespace, config: EdgeConfig, _clock: Clock) -> int:
    from edge.replay import replay
    from hardware.errors import HardwareError
    from models.errors import ModelError

    try:
        with options.out.open("w", encoding="utf-8") as out:
            report = replay(config, options.camera, options.video, out, sys.stderr)
    except (HardwareError, ModelError) as error:
        raise NodeError(str(error)) from None
    except OSError as error:
        raise NodeError(f"--out: {error.filename}: {error.strerror}") from None
    print(f"{report.frames} frames, {report.analysed} analysed, {report.events} events")
    return OK


def _evaluate(options: argparse.Namespace, config: EdgeConfig, _clock: Clock) -> int:
    from edge.evaluation.entrance import evaluate_entrance, summary
    from hardware.errors import HardwareError
    from models.errors import ModelError

    try:
        report = evaluate_entrance(config, options.camera, options.video, options.truth, time.process_time, sys.stderr)
        options.json.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    except (HardwareError, ModelError) as error:
        raise NodeError(str(error)) from None
    except OSError as error:
        raise NodeError(f"{error.filename}: {error.strerror}") from None
    print(summary(report))
    return OK


def _check(options: argparse.Namespace, config: EdgeConfig, _clock: Clock) -> int:
    devices = f"{len(config.cameras)} cameras, {len(config.scanners)} scanners"
    labels = 0 if config.labels is None else len(config.labels.map)
    from edge.config.load import examine_config

    for note in examine_config(options.config)[1]:
        print(f"note: {note}", file=sys.stderr)
    print(f"{options.config}: in order: node {config.store}/{config.node}, {devices}, {labels} labels")
    return OK


def _doctor(_options: argparse.Namespace, config: EdgeConfig, clock: Clock) -> int:
    from edge.doctor import examine

    failed = 0
    for finding in examine(config, clock):
        print(finding, flush=True)
        failed += finding.level == "FAIL"
    return FAILED if failed else OK


def _policy_allows_faces(config: EdgeConfig, clock: Clock) -> None:
    """Under `qr_only` no template of anybody may be computed, not even with consent (PRIVACY, region profiles)."""
    from edge.site_policy import SitePolicyKeeper

    decision = SitePolicyKeeper(config).decide(clock.now())
    if decision.mode == "qr_only":
        why = f" ({decision.reason})" if decision.reason else ""
        raise NodeError(f"policy: mode qr_only in region {decision.region}{why}: no face may be enrolled here")


def _enrol(options: argparse.Namespace, config: EdgeConfig, clock: Clock) -> int:
    _policy_allows_faces(config, clock)
    from edge import enrol
    from edge.consent import Consent, check_subject, read_text, record_enrolment

    subject, purposes = check_subject(options.subject), enrol.parse_purposes(options.purposes)
    photos = enrol.find_photos(options.photos)
    text = read_text(options.consent_text, "--consent-text")
    consent = Consent(text, options.text_version, purposes, options.channel)
    if config.trust is None:
        raise NodeError("trust: this section is required to enrol; print it with `python -m central keys`")
    models, embedder = enrol.load_models(config)
    vectors, verdicts = enrol.choose(photos, models)
    for verdict in verdicts:
        print(f"{verdict.name}: refused: {verdict.why}" if verdict.why else f"{verdict.name}: accepted")
    if not vectors:
        print("edge: nobody was enrolled: no photograph is good enough; take new ones as advised", file=sys.stderr)
        return FAILED
    if len(vectors) < enrol.ENOUGH_TEMPLATES:
        print("only one good photograph: recognition is better with two to five")
    templates = record_enrolment(config, subject, vectors, consent.given(clock), embedder, clock)
    print(f"enrolled {subject} with {templates} templates; a running node sends them to central")
    return OK


def _withdraw(options: argparse.Namespace, config: EdgeConfig, clock: Clock) -> int:
    from edge.consent import check_subject, record_withdrawal

    subject = check_subject(options.subject)
    record_withdrawal(config, subject, clock)
    print(f"withdrawn {subject}; a running node tells central, which drops the templates everywhere")
    return OK


def _confusable(_options: argparse.Namespace, config: EdgeConfig, clock: Clock) -> int:
    from edge.confusable import ORDER_FILE, order

    try:
        file = order(config.state_dir)
        deadline = clock.monotonic() + _ANSWER_S
        while not file.exists():
            if clock.monotonic() >= deadline:
                (config.state_dir / ORDER_FILE).unlink(missing_ok=True)
                raise NodeError("no node answered; it must be running on this state_dir (`python -m edge run`)")
            time.sleep(0.1)
        pairs = len(file.read_text(encoding="ascii").splitlines()) - 1
    except OSError as error:
        raise NodeError(f"state_dir: {error.filename}: {error.strerror}") from None
    print(f"{file}: {pairs} pairs; pass it to `python -m calibration thresholds --pairs`, copy it nowhere else")
    return OK


def _log_to(stream: TextIO, level: str) -> None:
    handler = logging.StreamHandler(stream)
    formatter = logging.Formatter("%(asctime)s.%(msecs)03dZ %(levelname)-8s %(name)s: %(message)s", "%Y-%m-%dT%H:%M:%S")
    formatter.converter = time.gmtime
    handler.setFormatter(formatter)
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
