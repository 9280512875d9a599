"""What the processor can do that decides which network is the faster one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Literal

from models.catalogue import PERSON_DETECTOR, PERSON_DETECTOR_FLOAT

PersonNetwork = Literal["auto", "nanodet", "centernet"]
"""`auto`: NanoDet in int8, or CenterNet in float where the processor has no int8 dot products."""
CPUINFO = Path("/proc/cpuinfo")
INT8_FLAGS = frozenset({"avx512_vnni", "avx_vnni", "asimddp"})
"""Sums of int8 products in one instruction: x86 (two generations of names) and ARM. Without one, int8 is no gain."""


def int8_dot_products(cpuinfo: Path = CPUINFO) -> bool | None:
    """Whether this processor has them; None where the system does not tell (not Linux)."""
    try:
        lines = cpuinfo.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return None
    told = [line.partition(":")[2].split() for line in lines if line.startswith(("flags", "Features"))]
    # Cores may differ (big and little): all must have it.
    return all(INT8_FLAGS.intersection(flags) for flags in told) if told else None


def person_detector_key(
    network: PersonNetwork = "auto", has_int8: Callable[[], bool | None] = int8_dot_products
) -> str:
    """Catalogue key of the network that runs here. A system that does not tell is taken to have dot products."""
    if network == "auto":
        network = "centernet" if has_int8() is False else "nanodet"
    return PERSON_DETECTOR if network == "nanodet" else PERSON_DETECTOR_FLOAT
