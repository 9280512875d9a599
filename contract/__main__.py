"""`python -m contract`: regenerate the JSON Schemas and the AsyncAPI document."""

from __future__ import annotations

import argparse

from contract.schemas import FOLDER, write


def main() -> None:
    """Write the documents and say where."""
    parser = argparse.ArgumentParser(prog="python -m contract", description=f"{__doc__} There are no options.")
    parser.parse_args()
    count = write()
    print(f"{count} documents written to {FOLDER.parent.name}/{FOLDER.name}")


if __name__ == "__main__":
    main()
