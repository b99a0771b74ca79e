"""A certificate authority of our own, made with the openssl command, for receivers and mail servers that speak TLS.

    authority = Authority(folder)
    pair = authority.issue("localhost", addresses=["127.0.0.1"])
    context = server_context(pair, client_authority=authority)    # the last only to demand a client certificate

authority.certificate is the file that a client has to trust. An Authority that the client was not given stands for an
untrusted certificate, names and addresses that do not match for a wrong one, days=0 for one that has run out.
"""

from __future__ import annotations

import ssl
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Sequence

VALID_DAYS = 30


@dataclass(frozen=True)
class Pair:
    """A certificate and its private key, both PEM files."""

    certificate: Path
    key: Path


class Authority:
    """Makes its own key and certificate in folder, then certificates on request."""

    def __init__(self, folder: Path, name: str = "Test Authority"):
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self._issued = 0
        self._pair = Pair(self.folder / "authority.pem", self.folder / "authority.key")
        _openssl("req", "-x509", *_new_key(self._pair.key), "-days", str(VALID_DAYS), "-subj", f"/CN={name}",
                 "-addext", "basicConstraints=critical,CA:TRUE",
                 "-addext", "keyUsage=critical,keyCertSign,cRLSign", "-out", self._pair.certificate)

    @property
    def certificate(self) -> Path:
        return self._pair.certificate

    def issue(self, name: str, addresses: Sequence[str] = (), days: int = VALID_DAYS) -> Pair:
        """A certificate for a host name and its IP addresses, or for a client; days=0 has run out when it is used."""
        self._issued += 1
        stem = self.folder / f"issued-{self._issued}"
        pair = Pair(stem.with_suffix(".pem"), stem.with_suffix(".key"))
        request, extensions = stem.with_suffix(".csr"), stem.with_suffix(".cnf")
        names = ",".join([f"DNS:{name}", *(f"IP:{address}" for address in addresses)])
        extensions.write_text(f"subjectAltName={names}\nbasicConstraints=CA:FALSE\n", encoding="ascii")
        _openssl("req", "-new", *_new_key(pair.key), "-subj", f"/CN={name}", "-out", request)
        _openssl("x509", "-req", "-in", request, "-CA", self._pair.certificate, "-CAkey", self._pair.key,
                 "-set_serial", str(self._issued), "-days", str(days), "-extfile", extensions,
                 "-out", pair.certificate)
        return pair


def server_context(pair: Pair, client_authority: Authority | None = None) -> ssl.SSLContext:
    """What a TLS server needs; with client_authority it turns away clients without a certificate from there."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pair.certificate, pair.key)
    if client_authority:
        context.load_verify_locations(client_authority.certificate)
        context.verify_mode = ssl.CERT_REQUIRED
    return context


def client_context(authority: Authority, pair: Pair | None = None) -> ssl.SSLContext:
    """What a TLS client needs to trust authority, and to show a certificate of its own."""
    context = ssl.create_default_context(cafile=str(authority.certificate))
    if pair:
        context.load_cert_chain(pair.certificate, pair.key)
    return context


def _new_key(path: Path) -> list:
    return ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-noenc", "-keyout", path]


def _openssl(*arguments: object) -> None:
    done = subprocess.run(["openssl", *map(str, arguments)], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"openssl {arguments[0]}: {done.stderr.strip()}")
