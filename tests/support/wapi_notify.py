"""Notifications of the command API as a receiver reads them, written from their description alone.

    first = read_push(request)         # of a receiver: the form's one parameter, the document in it
    first.format                       # "xml" or "json"
    first.members                      # what is in it, in its order: code, result, .. id, data
    first["id"]                        # one of them; data is a dict

Numbers in JSON stay numbers, in XML all is text.
"""

from __future__ import annotations

import json
import xml.etree.ElementTree as ElementTree
from typing import Any
from urllib.parse import unquote_to_bytes

from .http_connection import Request

FORM = "application/x-www-form-urlencoded; charset=utf-8"


class Notification:
    def __init__(self, document: str):
        self.document = document
        self.format = "xml" if document.startswith("<") else "json"
        root, self.members = _read_xml(document) if self.format == "xml" else _read_json(document)
        assert root == "notify", document

    def __getitem__(self, name: str) -> Any:
        return self.members[name]

    def __repr__(self) -> str:
        return f"Notification({self.document!r})"


def read_push(request: Request) -> Notification:
    return Notification(form_value(request.body))


def form_value(body: bytes) -> str:
    """The value of a form's only parameter, split at the first '=' and decoded once, as any server does."""
    name, _, value = body.partition(b"=")
    assert name == b"request" and b"&" not in value, body
    return unquote_to_bytes(value.replace(b"+", b" ")).decode()


def _read_json(document: str) -> tuple[str, dict]:
    ((root, members),) = json.loads(document).items()
    return root, members


def _read_xml(document: str) -> tuple[str, dict]:
    root = ElementTree.fromstring(document.encode())
    return root.tag, {child.tag: _value(child) for child in root}


def _value(element: ElementTree.Element) -> Any:
    """Several elements of one name are a list."""
    if len(element) == 0:
        return element.text or ""
    values: dict[str, list] = {}
    for child in element:
        values.setdefault(child.tag, []).append(_value(child))
    return {name: found[0] if len(found) == 1 else found for name, found in values.items()}
