"""What an operator may set. Built by the command line or a test, handed to `create_app`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from central.errors import MisconfiguredError
from central.post.addresses import MailServer, TextGateway


@dataclass(frozen=True, slots=True)
class Settings:
    """`broker_url` None means the embedded broker on `broker_port` of 127.0.0.1."""

    data: Path
    database: str | None = None
    broker_url: str | None = None
    broker_port: int = 1883
    broker_ca: Path | None = None
    """Who signed the broker's certificate (mqtts), PEM; None: the authorities this machine trusts."""
    broker_cert: Path | None = None
    broker_key: Path | None = None
    """Certificate and key of central's own, PEM; both or neither."""
    host: str = "127.0.0.1"
    port: int = 8080
    session_hours: float = 12.0
    alert_minutes: float = 15.0
    lease_hours: float = 24.0
    renew_hours: float = 6.0
    silent_s: float = 95.0
    """A node without health for this long (three periods and a little) is silent."""
    event_days: float = 30.0
    template_idle_days: float = 365.0
    """A template of somebody who did not come for this long is dropped."""
    profile_idle_days: float | None = 1095.0
    """A customer of whom nothing is newer than this is erased; None: kept until they ask."""
    secure_cookies: bool = False
    """Set when the service is reached over HTTPS only."""
    webhook_networks: tuple[str, ...] = ()
    """Networks that are not public, such as 10.1.0.0/16, into which webhooks may be sent all the same."""
    public_url: str | None = None
    """How customers' phones reach this service (https://HOST): in messages, and on labels without their own link."""
    mail: MailServer | None = None
    texts: TextGateway | None = None
    """By what one-time codes are sent; None: not by this way."""

    @property
    def database_url(self) -> str:
        """SQLAlchemy URL with the asynchronous driver."""
        if self.database is None:
            return f"sqlite+aiosqlite:///{self.data / 'central.db'}"
        return async_url(self.database)


def async_url(url: str) -> str:
    """`sqlite:///x`, `postgresql://x` or `postgres://x` with our drivers; MisconfiguredError for anything else."""
    scheme, separator, rest = url.partition("://")
    drivers = {
        "sqlite": "sqlite+aiosqlite",
        "sqlite+aiosqlite": "sqlite+aiosqlite",
        "postgresql": "postgresql+asyncpg",
        "postgres": "postgresql+asyncpg",
        "postgresql+asyncpg": "postgresql+asyncpg",
    }
    if not separator or scheme not in drivers:
        raise MisconfiguredError(
            f"--database {url.split('@')[-1]!r}: give sqlite:///FILE or postgresql://USER@HOST:PORT/NAME"
        )
    return f"{drivers[scheme]}://{rest}"


@dataclass(frozen=True, slots=True)
class BrokerAddress:
    """Where the broker is and how to log in."""

    host: str
    port: int
    username: str | None = None
    password: str | None = None
    tls: bool = False

    @property
    def public(self) -> str:
        """Without the password, for messages."""
        return f"mqtt{'s' if self.tls else ''}://{self.host}:{self.port}"


def broker_address(url: str) -> BrokerAddress:
    """`mqtt[s]://[user:password@]host[:port]`; MisconfiguredError otherwise."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise MisconfiguredError(
            f"--broker {url.split('@')[-1]!r}: the port must be a number from 1 to 65535"
        ) from None
    if parts.scheme not in {"mqtt", "mqtts"} or not parts.hostname:
        raise MisconfiguredError(f"--broker {url.split('@')[-1]!r}: give mqtt://HOST:PORT or mqtts://USER@HOST:PORT")
    tls = parts.scheme == "mqtts"
    username = unquote(parts.username) if parts.username else None
    password = unquote(parts.password) if parts.password else None
    return BrokerAddress(parts.hostname, port or (8883 if tls else 1883), username, password, tls)
