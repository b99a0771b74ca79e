"""Signatures of Standard Webhooks 1.0, checked in two ways: by ourselves, and by a library that is not ours.

    verify(secret, request.headers, request.body)           # raises WrongSignature and says what is wrong
    verify_by_library([(secret, request.headers, request.body), ...])

The signed text is "{webhook-id}.{webhook-timestamp}.{body}". webhook-signature holds any number of signatures with
spaces between them: "v1," and the base64 of HMAC-SHA256 under a secret (whsec_ and base64), or "v1a," and the base64
of an Ed25519 signature under a key whose public half is written whpk_ and base64.

The library is the npm package that the authors of the standard publish, installed on first use into
verify-standard/node_modules from the lock file there. It checks v1 only; v1a is checked by the openssl command.
"""

from __future__ import annotations

import base64
import fcntl
import hashlib
import hmac
import json
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Mapping, Sequence

TOLERANCE_S = 300  # the standard's own
SECRET_PREFIX = "whsec_"
PUBLIC_KEY_PREFIX = "whpk_"
LIBRARY_FOLDER = Path(__file__).parent / "verify-standard"
INSTALL_DEADLINE_S = 300.0
RUN_DEADLINE_S = 120.0

# DER of a SubjectPublicKeyInfo for Ed25519 (RFC 8410) up to the 32 bytes of the key itself.
ED25519_DER_START = bytes.fromhex("302a300506032b6570032100")

Signed = tuple[str, Mapping[str, str], bytes]  # secret, headers, body


class WrongSignature(AssertionError):
    """The request is not signed as it should be."""


def sign(secret: str, message_id: str, timestamp: int, body: bytes) -> str:
    """The v1 signature with its version in front, as it goes into the header."""
    key = base64.b64decode(secret.removeprefix(SECRET_PREFIX), validate=True)
    digest = hmac.new(key, _signed_text(message_id, str(timestamp), body), hashlib.sha256).digest()
    return "v1," + base64.b64encode(digest).decode()


def verify(secret: str, headers: Mapping[str, str], body: bytes, now: float | None = None) -> None:
    """Checks a request (header names in lower case) with the v1 secret; now in seconds since 1970."""
    message_id, timestamp, signatures = _parse(headers, time.time() if now is None else now)
    expected = sign(secret, message_id, int(timestamp), body)
    if not any(hmac.compare_digest(expected, signature) for signature in signatures):
        raise WrongSignature(f"{expected} is not among {signatures}")


def verify_ed25519(public_key: str, headers: Mapping[str, str], body: bytes, now: float | None = None) -> None:
    """Checks a request with the v1a public key (whpk_...)."""
    message_id, timestamp, signatures = _parse(headers, time.time() if now is None else now)
    key = base64.b64decode(public_key.removeprefix(PUBLIC_KEY_PREFIX), validate=True)
    text = _signed_text(message_id, timestamp, body)
    candidates = [s.removeprefix("v1a,") for s in signatures if s.startswith("v1a,")]
    if not any(_ed25519_holds(key, text, base64.b64decode(candidate)) for candidate in candidates):
        raise WrongSignature(f"none of {candidates} is a v1a signature under this key")


def verify_by_library(requests: Sequence[Signed]) -> None:
    """Checks many requests with the npm package in one run of node."""
    _install_library()
    lines = [json.dumps({"secret": secret, "headers": dict(headers), "body": base64.b64encode(body).decode()})
             for secret, headers, body in requests]
    done = subprocess.run(
        ["node", str(LIBRARY_FOLDER / "verify.js")], input="\n".join(lines), capture_output=True, text=True,
        timeout=RUN_DEADLINE_S, check=False)
    verdicts = done.stdout.splitlines()
    if done.returncode != 0 or len(verdicts) != len(requests):
        raise RuntimeError(f"the verifier failed: {done.stderr}")
    wrong = [f"request {n}: {verdict}" for n, verdict in enumerate(verdicts) if verdict != "ok"]
    if wrong:
        raise WrongSignature("; ".join(wrong))


def _parse(headers: Mapping[str, str], now: float) -> tuple[str, str, list[str]]:
    missing = [n for n in ("webhook-id", "webhook-timestamp", "webhook-signature") if not headers.get(n)]
    if missing:
        raise WrongSignature(f"headers are missing: {missing}")
    timestamp = headers["webhook-timestamp"]
    if not (timestamp.isascii() and timestamp.isdigit()):
        raise WrongSignature(f"timestamp {timestamp!r} is not in whole seconds")
    if abs(now - int(timestamp)) > TOLERANCE_S:
        raise WrongSignature(f"timestamp {timestamp} is more than {TOLERANCE_S} s from {now:.0f}")
    return headers["webhook-id"], timestamp, headers["webhook-signature"].split(" ")


def _signed_text(message_id: str, timestamp: str, body: bytes) -> bytes:
    return f"{message_id}.{timestamp}.".encode() + body


def _ed25519_holds(key: bytes, text: bytes, signature: bytes) -> bool:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "key").write_bytes(ED25519_DER_START + key)
        (folder / "text").write_bytes(text)
        (folder / "signature").write_bytes(signature)
        done = subprocess.run(
            ["openssl", "pkeyutl", "-verify", "-pubin", "-keyform", "DER", "-inkey", folder / "key", "-rawin",
             "-in", folder / "text", "-sigfile", folder / "signature"], capture_output=True, check=False)
    return done.returncode == 0


def _install_library() -> None:
    """npm ci, unless what the lock file asks for is already there. One process at a time."""
    installed = LIBRARY_FOLDER / "node_modules" / ".package-lock.json"
    wanted = LIBRARY_FOLDER / "package-lock.json"
    with open(LIBRARY_FOLDER / ".install.lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if installed.exists() and installed.stat().st_mtime >= wanted.stat().st_mtime:
            return
        done = subprocess.run(
            ["npm", "ci", "--no-audit", "--no-fund"], cwd=LIBRARY_FOLDER, capture_output=True, text=True,
            timeout=INSTALL_DEADLINE_S, check=False)
        if done.returncode != 0:
            raise RuntimeError(f"npm ci: {done.stderr}")
