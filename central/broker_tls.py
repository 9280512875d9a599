"""How central knows its broker, and the broker it: TLS 1.2 or newer, the broker's name is checked."""

from __future__ import annotations

import ssl

from central.errors import MisconfiguredError
from central.settings import BrokerAddress, Settings


def broker_tls(settings: Settings, address: BrokerAddress) -> ssl.SSLContext | None:
    """None for plain mqtt. MisconfiguredError for files that do not fit, and for files where nothing is encrypted."""
    ca, cert, key = settings.broker_ca, settings.broker_cert, settings.broker_key
    if not address.tls:
        if ca or cert or key:
            raise MisconfiguredError(
                "--broker-ca, --broker-cert: nothing is encrypted with mqtt; give --broker mqtts://"
            )
        return None
    if (cert is None) != (key is None):
        raise MisconfiguredError("--broker-cert, --broker-key: give both or neither")
    try:
        context = ssl.create_default_context(cafile=None if ca is None else str(ca))
        if cert is not None:
            context.load_cert_chain(cert, key, password="")  # an encrypted key is refused: nobody is asked
    except OSError as error:
        files = ", ".join(str(path) for path in (ca, cert, key) if path is not None)
        raise MisconfiguredError(f"--broker-ca, --broker-cert, --broker-key: {error}; check {files}") from None
    return context
