"""`python -m models list | verify | build | evaluate`."""

from __future__ import annotations

import sys

from models.cli import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
