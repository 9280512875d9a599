"""Several command lines of one program in one interpreter: starting Python and its libraries costs more than they do.

`python -m simulator.batch MODULE` reads a JSON list of {"arguments": [...], "stdin": ""} and prints a JSON list of
{"code", "out", "err"}. It stops at the first command that fails.
"""

from __future__ import annotations

import contextlib
import io
import json
import runpy
import sys
from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a command answered."""

    code: int
    out: str
    err: str


def run_one(module: str, arguments: list[str], stdin: str) -> Outcome:
    """As `python -m module arguments` with `stdin`."""
    out, err = io.StringIO(), io.StringIO()
    before = sys.argv, sys.stdin
    sys.argv, sys.stdin = [module, *arguments], io.StringIO(stdin)
    code = 0
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            runpy.run_module(module, run_name="__main__", alter_sys=True)
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
        if isinstance(end.code, str):
            err.write(end.code)
    finally:
        sys.argv, sys.stdin = before
    return Outcome(code, out.getvalue(), err.getvalue())


def main() -> int:
    """Run what stdin lists."""
    module = sys.argv[1]
    answers: list[Outcome] = []
    for item in json.load(sys.stdin):
        answers.append(run_one(module, item["arguments"], item.get("stdin", "")))
        if answers[-1].code:
            break
    print(json.dumps([asdict(answer) for answer in answers]))
    return answers[-1].code if answers else 0


if __name__ == "__main__":
    sys.exit(main())
