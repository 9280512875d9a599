"""`central run` with options from systemd's credential `options`: a password never stands in the list of processes."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from central.cli import main

if __name__ == "__main__":
    options = json.loads((Path(os.environ["CREDENTIALS_DIRECTORY"]) / "options").read_text(encoding="utf-8"))
    sys.exit(main(["run", *options]))
