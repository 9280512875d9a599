"""Options of the scanner drivers (pydantic only)."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, PositiveFloat

from hardware.options import DriverOptions


class SerialOptions(DriverOptions):
    """A scanner on a serial port or USB-CDC; the code ends with CR, LF or both."""

    driver: Literal["serial"] = "serial"
    port: str = Field(min_length=1)
    baudrate: int = Field(default=9600, gt=0)
    encoding: Literal["utf-8", "ascii", "latin-1", "cp1251"] = "utf-8"
    gap_s: PositiveFloat = 0.5
    max_length: int = Field(default=4096, gt=0)
    ndef: bool = False
    """An NFC reader that prints the NDEF message of its tag in hexadecimal: hand on the text in it."""


class HidOptions(DriverOptions):
    """A scanner that poses as a keyboard: /dev/input/by-id/...-event-kbd. `grab` keeps its keys off the console."""

    driver: Literal["hid"] = "hid"
    device: str = Field(min_length=1)
    grab: bool = True
    max_length: int = Field(default=4096, gt=0)
    ndef: bool = False
    """An NFC reader that prints the NDEF message of its tag in hexadecimal: hand on the text in it."""


class SimulatedScannerOptions(DriverOptions):
    """Reads the given texts one after another, `interval_s` apart."""

    driver: Literal["simulated"] = "simulated"
    texts: tuple[str, ...] = ()
    interval_s: PositiveFloat = 5.0


ScannerOptions = Annotated[SerialOptions | HidOptions | SimulatedScannerOptions, Field(discriminator="driver")]
"""Any scanner, chosen by its `driver` key."""

CodeFormat = Literal["qr", "micro_qr", "data_matrix", "aztec", "ean13", "ean8", "upca", "code128"]


class CameraQrOptions(DriverOptions):
    """Codes read in a camera's frames. A code in view is reported once until unseen for `dedupe_s`."""

    driver: Literal["camera_qr"] = "camera_qr"
    formats: tuple[CodeFormat, ...] = Field(default=("qr",), min_length=1)
    dedupe_s: PositiveFloat = 3.0
    retry_scale: float = Field(default=2.0, ge=1.0, le=4.0)
    """Enlargement of the second try when the first finds nothing; 1 turns the second try off."""
