"""`python -m edge COMMAND`; `--help` lists the commands."""

from __future__ import annotations

import sys

from edge.cli import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
