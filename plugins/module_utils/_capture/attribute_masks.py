# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Attributes without their content: names stay, and values become masks of their type. Private.

A mask is what stands in place of a value, such as as many letters as a text has bytes (see value_masks.py).
`request_masks.py` calls this file for all attributes of a request. For example:

| attribute | value before | value after | why |
|---|---|---|---|
| `http.request.method` | `GET` | `GET` | one of the enumeration of the attribute (kept_values.py) |
| `enduser.id` | `alice` | `Xk3_p` | a text |
| `items` | `17` | `58` | a number |
| `http.request.header.cookie` | `id=7` | `p9Qa` | a header, which is masked even if values stay |
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from .._otelcol.config.secret_names import is_secret_name
from . import kept_values
from .field_masks import NO_NUMBERS, keep_double, keep_flag
from .text_masks import TextMasks
from .value_masks import ValueMasks

# Headers of requests that an instrumentation has written into attributes. Source: the semantic conventions of HTTP and
# RPC.
HEADER_PREFIXES = (
    "http.request.header.",
    "http.response.header.",
    "rpc.grpc.request.metadata.",
    "rpc.request.metadata.",
    "rpc.grpc.response.metadata.",
    "rpc.response.metadata.",
    "rpc.connect_rpc.",
)
# How many attributes are made once and remembered.
_MOST_REMEMBERED = 20_000


def names_secret(name: str) -> bool:
    """Return whether an attribute is a header of a request, or is named like a secret: no capture has its value."""
    return name.startswith(HEADER_PREFIXES) or is_secret_name(name)


class Owner(NamedTuple):
    """The attribute that a value belongs to."""

    name: str
    """Its name; empty for the body of a log record."""
    is_secret: bool
    """Whether its name, or that of an attribute around it, is that of a secret (see `names_secret`)."""


class TextAttribute(NamedTuple):
    """The key of a masked attribute that is remembered: one with a text as its value, which comes again and again."""

    name: str
    is_within_secret: bool
    text: Any


# Takes the attribute that a value belongs to, and the value; returns what a capture has in its place.
ValueMask = Callable[[Owner, Any], Any]


class AttributeMasks:
    """What becomes of the attributes of one run.

    `kept_names` are attributes whose values stay. If values are not hidden, those of headers and
    secrets are masked alone.
    """

    def __init__(self, masks: ValueMasks, texts: TextMasks, kept_names: Iterable[str], *, hides_values: bool) -> None:
        self._masks = masks
        self._texts = texts
        self._kept_names = frozenset(kept_names)
        self._seen_names: set[str] = set()
        self._hides_all = hides_values
        self._known_attributes: dict[TextAttribute, dict[str, Any]] = {}
        # The types of a value. Source: message AnyValue of common.proto.
        self._masks_by_tag: Mapping[str, ValueMask] = {
            "stringValue": self.mask_text,
            "boolValue": _keep_flag,
            "intValue": self._mask_integer,
            "doubleValue": self._mask_double,
            "bytesValue": self._mask_bytes,
            "arrayValue": self._mask_list,
            "kvlistValue": self._mask_map,
        }

    @property
    def unseen_names(self) -> list[str]:
        """The attributes whose values were to stay and that nothing has had so far, in their order."""
        return sorted(self._kept_names - self._seen_names)

    def mask_attributes(self, pairs: Any, within_secret: bool = False) -> list[dict[str, Any]]:
        """Return attributes anew. Most have texts, and most texts come again, so such an attribute is made once."""
        attributes = []
        for pair in pairs:
            name, value = pair["key"], pair.get("value") or {}
            # A plain tuple finds the same row as a TextAttribute, and costs a third of the time.
            known_attribute = self._known_attributes.get((name, within_secret, value.get("stringValue")))  # type: ignore[call-overload]
            attributes.append(known_attribute or self._mask_attribute(name, within_secret, value))
        return attributes

    def _mask_attribute(self, name: str, within_secret: bool, value: Any) -> dict[str, Any]:
        owner = Owner(name, within_secret or names_secret(name))
        self.note_seen_name(name)
        attribute = {"key": self._texts.mask_name(name), "value": self.mask_value(owner, value)}
        if "stringValue" in value:
            if len(self._known_attributes) >= _MOST_REMEMBERED:
                self._known_attributes.clear()
            self._known_attributes[TextAttribute(name, within_secret, value["stringValue"])] = attribute
        return attribute

    def note_seen_name(self, name: str) -> None:
        """Remember that an attribute whose values stay has come in."""
        if name in self._kept_names:
            self._seen_names.add(name)

    def mask_value(self, owner: Owner, value: Any) -> dict[str, Any]:
        """Return the value of an attribute, tagged by its type as OTLP has it."""
        for tag, content in (value or {}).items():
            value_mask = self._masks_by_tag.get(tag)
            return {tag: value_mask(owner, content)} if value_mask else {}
        return {}

    def _hides_values_of(self, owner: Owner) -> bool:
        """Whether the values of an attribute are masked, but for those that are one of its enumeration."""
        if owner.is_secret:
            return True
        return self._hides_all and owner.name not in self._kept_names

    def _is_enumerated(self, owner: Owner, text: str) -> bool:
        """Whether a value is one of the enumeration of its attribute. That of a secret never is."""
        return not owner.is_secret and kept_values.is_kept_value(owner.name, text)

    def mask_text(self, owner: Owner, text: str) -> str:
        """Return the mask of a text; the text itself if values of its attribute stay, or are an enumeration."""
        if self._is_enumerated(owner, text):
            return text
        return self._masks.mask_text(text) if self._hides_values_of(owner) else self._texts.hide_secrets(text)

    def _mask_integer(self, owner: Owner, value: Any) -> Any:
        integer_value = int(value)
        if not self._hides_values_of(owner) or self._is_enumerated(owner, str(integer_value)):
            return value
        return str(self._masks.mask_integer(integer_value))

    def _mask_double(self, owner: Owner, value: Any) -> Any:
        number_value = keep_double(value)
        if not self._hides_values_of(owner) or number_value in NO_NUMBERS:
            return number_value
        return self._masks.mask_number(number_value)

    def _mask_bytes(self, owner: Owner, value: str) -> str:
        return self._masks.mask_binary(value) if self._hides_values_of(owner) or self._packs_secret(value) else value

    def _packs_secret(self, value: str) -> bool:
        """Whether Base64 holds what looks like a secret, or is none."""
        try:
            text = base64.b64decode(value, validate=True).decode("utf-8", "replace")
        except ValueError:
            return True
        return self._texts.hide_secrets(text) != text

    def _mask_list(self, owner: Owner, value: Any) -> dict[str, Any]:
        return {"values": [self.mask_value(owner, part) for part in value.get("values") or ()]}

    def _mask_map(self, owner: Owner, value: Any) -> dict[str, Any]:
        return {"values": self.mask_attributes(value.get("values") or (), owner.is_secret)}


def _keep_flag(_owner: Owner, value: Any) -> bool:
    """Return a flag, which says nothing of a secret."""
    return keep_flag(value)
