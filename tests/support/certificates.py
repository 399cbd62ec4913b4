"""A certificate for 127.0.0.1, in files that a server reads."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import trustme

from .tlssockets import client_context


class Certificate:
    """A certificate and its key, in two files. ``client`` is a context that trusts it."""

    def __init__(self, folder: Path) -> None:
        self._authority = trustme.CA()
        self.certfile, self.keyfile = folder / "cert.pem", folder / "key.pem"
        self.client = client_context(self._authority)
        self.renew()

    def renew(self, *, key: bool = True) -> None:
        """Write another certificate into the files; without its ``key`` they do not match."""
        made = self._authority.issue_cert("127.0.0.1")
        made.cert_chain_pems[0].write_to_path(self.certfile)
        if key:
            made.private_key_pem.write_to_path(self.keyfile)

    def write_authority(self, file: Path) -> None:
        """Write the certificate of the authority, for other clients that must trust it."""
        self._authority.cert_pem.write_to_path(file)

    @property
    def flags(self) -> tuple[str, ...]:
        """The flags of servers for both files."""
        return ("--certfile", str(self.certfile), "--keyfile", str(self.keyfile))


def serial_number(connection: Any) -> str:
    """Return the number of the certificate at the other end of a WebSocket."""
    number: str = connection.socket.getpeercert()["serialNumber"]
    return number
