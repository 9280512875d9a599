"""`python -m contract`: regenerate the JSON Schemas and the AsyncAPI document."""

from __future__ import annotations

from contract.schemas import FOLDER, write


def main() -> None:
    """Write the documents and say where."""
    count = write()
    print(f"{count} documents written to {FOLDER.parent.name}/{FOLDER.name}")


if __name__ == "__main__":
    main()
