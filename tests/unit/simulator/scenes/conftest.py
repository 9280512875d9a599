"""Footage and models for the scenes' tests; each skips with a sentence when it is not installed here."""

from __future__ import annotations

import pytest

from simulator.scenes.catalogue import SOURCES
from simulator.scenes.footage import Footage, MissingFootageError, load_footage, verify_source


@pytest.fixture(scope="session")
def footage() -> Footage:
    for source in SOURCES.values():
        try:
            verify_source(source)
        except MissingFootageError as error:
            pytest.skip(str(error))
    return load_footage()
