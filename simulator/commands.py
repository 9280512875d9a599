"""Runs the product's own command lines (import, staff, tokens, enrolment) and takes their answers."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


class CommandError(Exception):
    """A command of the product failed; the text is what it said."""


@dataclass(frozen=True, slots=True)
class Command:
    """Arguments of one command, and what it reads."""

    arguments: tuple[str, ...]
    stdin: str = ""


async def run_commands(module: str, commands: Sequence[Command], log: Path) -> list[str]:
    """`python -m module ARGUMENTS` for each, in order, in one interpreter; what each printed. CommandError."""
    asked = [{"arguments": command.arguments, "stdin": command.stdin} for command in commands]
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "simulator.batch", module,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        cwd=Path(__file__).resolve().parent.parent,
    )  # fmt: skip
    try:
        out, err = await process.communicate(json.dumps(asked).encode())
    finally:
        if process.returncode is None:
            process.kill()
    try:
        answers = json.loads(out)
    except ValueError:
        raise CommandError(f"python -m {module}: {err.decode(errors='replace')[-2000:]}") from None
    with log.open("a", encoding="utf-8") as file:
        for command, answer in zip(commands, answers, strict=False):
            file.write(f"python -m {module} {command.arguments[0]}: code {answer['code']}\n{answer['err']}")
    last = answers[-1]
    if last["code"]:
        failed = commands[len(answers) - 1]
        raise CommandError(f"python -m {module} {' '.join(failed.arguments)}: {last['err'] or last['out']}")
    return [str(answer["out"]) for answer in answers]
