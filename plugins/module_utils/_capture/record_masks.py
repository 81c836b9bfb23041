# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests of OTLP as JSON, and the same without their content: one table says what becomes of each field.

A field that the table does not have is left out, so that no later field of OTLP passes unmasked.
Source: opentelemetry-proto 1.9, `common.proto`, `resource.proto`, `trace.proto`, `metrics.proto` and `logs.proto`, and
"JSON Protobuf Encoding" of the specification of OTLP. Private.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Iterable, Mapping
from math import isfinite
from typing import Any, NamedTuple

from .._otelcol.config.masking import concealed
from .._otelcol.config.secret_names import is_secret_name
from .._otelcol.forecast.capture_facts import HASH
from .._otelcol.otlp_requests import METRIC_KINDS
from . import kept_values
from .body_templates import BodyTemplates
from .value_masks import ValueMasks

Act = Callable[[Any], Any]
KEEP = "keep"
"""The mode of a capture in which all values stay but headers and secrets."""
# What a name of an attribute, a metric or an event looks like. A name with a long number or an address is content.
_NAME = re.compile(r"(?!.*\d{6})[A-Za-z_][A-Za-z0-9_.\-/:]{0,199}")
# Units of UCUM that telemetry has, and annotations such as `{request}`.
_UNIT = re.compile(r"(1|%|[num]?s|min|h|d|[kKMGT]?i?By?|bit|[mk]?[WJVA]|Hz|Cel|K|\{[A-Za-z_. ]{1,40}\})?(/(s|min|h))?")
_VERSION = re.compile(r"v?\d{1,5}(\.\d{1,6}){0,2}([-+][A-Za-z0-9.]{1,20})?")
_NUMBER = re.compile(r"-?\d{1,20}(\.\d{1,20})?(e[+-]?\d{1,3})?|-?Infinity|NaN", re.IGNORECASE)
# What a double has as text. Source: "JSON Protobuf Encoding" and the mapping of protobuf to JSON.
_NO_NUMBERS = ("NaN", "Infinity", "-Infinity")
_ENUM = re.compile(r"[A-Z]+(_[A-Z0-9]+)*")
_SCHEMA = re.compile(r"https://opentelemetry\.io/schemas/[0-9.]{1,20}")
# Scopes of OpenTelemetry's own libraries. Others name packages of an organisation.
_KNOWN_SCOPES = (
    *("io.opentelemetry.", "go.opentelemetry.io/", "@opentelemetry/", "opentelemetry.", "OpenTelemetry."),
    "github.com/open-telemetry/",
)
_SCOPE_NAME = "scope.name"
# Headers of requests that an instrumentation has written into attributes. Source: the semantic conventions of HTTP and
# RPC.
HEADERS = (
    *("http.request.header.", "http.response.header.", "rpc.grpc.request.metadata.", "rpc.request.metadata."),
    *("rpc.grpc.response.metadata.", "rpc.response.metadata.", "rpc.connect_rpc."),
)
# What a client logs in with, which is a secret wherever it stands.
_LOGIN = re.compile(r"\b(Bearer|Basic|Token) +\S", re.IGNORECASE)
# How many attributes, and how many names, are made once and remembered.
_REMEMBERED = 20_000


def message(**fields: Act) -> Act:
    """Return what makes a message of some fields anew; others are left out."""

    def make(given: Any) -> dict[str, Any]:
        made_fields = {}
        for name, value in given.items():
            act = fields.get(name)
            if act is not None and value is not None:
                made_fields[name] = act(value)
        return made_fields

    return make


def each(act: Act) -> Act:
    """Return what makes a list of messages anew."""
    return lambda given: [act(part) for part in given]


def number(value: Any) -> Any:
    """Return a number, which OTLP may write as text; 0 in place of any other text."""
    if isinstance(value, str):
        return value if _NUMBER.fullmatch(value) else "0"
    return value if isinstance(value, (int, float)) else 0


def double(value: Any) -> Any:
    """Return a double, which OTLP writes as text only where it is no number; 0 in place of any other text."""
    if isinstance(value, str):
        if value in _NO_NUMBERS:
            return value
        value = float(value) if _NUMBER.fullmatch(value) else 0.0
    return value if isfinite(value) else 0.0


def flag(value: Any) -> bool:
    return value is True


def enum(value: Any) -> Any:
    """Return the number or the name of an enumeration of OTLP; 0 in place of any other text."""
    return value if isinstance(value, int) or _ENUM.fullmatch(str(value)) else 0


def names_secret(name: str) -> bool:
    """Return whether an attribute is a header of a request, or is named like a secret: no capture has its value."""
    return name.startswith(HEADERS) or is_secret_name(name)


class Owner(NamedTuple):
    """The attribute that a value belongs to; `is_secret` if `names_secret` of it or of one around it."""

    name: str
    is_secret: bool


class TextAttribute(NamedTuple):
    """An attribute with a text as its value, which comes again and again."""

    name: str
    within_secret: bool
    text: Any


class RecordMasks:
    """What becomes of the requests of one run.

    `keep` names attributes whose values stay. `values` is `hash`, or `keep` for all values but headers and secrets.
    """

    def __init__(self, key: bytes, keep: Iterable[str] = (), values: str = HASH) -> None:
        self._masks = ValueMasks(key)
        self._keep = frozenset(keep)
        self._seen: set[str] = set()
        self._hashes = values == HASH
        self._templates = BodyTemplates(self._masks)
        self._known_attributes: dict[TextAttribute, dict[str, Any]] = {}
        self._known_names: dict[str, str] = {}
        self._acts = self._table()

    def masked(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Return a request of one signal without its content.

        Raises TypeError, AttributeError, KeyError or ValueError for what has not the form of OTLP.
        """
        return {name: self._acts[name](value) for name, value in request.items() if name in self._acts}

    @property
    def unseen(self) -> list[str]:
        """The names of `keep` that nothing has had so far, in their order."""
        return sorted(self._keep - self._seen)

    # ── The table ──

    def _table(self) -> dict[str, Act]:
        """Return what becomes of each field of a request."""
        records = {
            "Spans": ("spans", self._span()),
            "Logs": ("logRecords", self._log()),
            "Metrics": ("metrics", self._metric()),
        }
        resource = self._resource()
        scope = message(name=self._scope_name, version=self._version, **self._attribute_fields())
        table = {}
        for signal, (list_name, record) in records.items():
            scoped = message(**{"scope": scope, list_name: each(record), "schemaUrl": self._schema})
            of_resource = message(**{"resource": resource, f"scope{signal}": each(scoped), "schemaUrl": self._schema})
            table[f"resource{signal}"] = each(of_resource)
        return table

    def _attribute_fields(self) -> dict[str, Act]:
        """Return the fields of each message that has attributes."""
        return {"attributes": self._attributes, "droppedAttributesCount": number}

    def _resource(self) -> Act:
        entity = message(
            schemaUrl=self._schema, type=self._name, idKeys=each(self._name), descriptionKeys=each(self._name)
        )
        return message(entityRefs=each(entity), **self._attribute_fields())

    def _span(self) -> Act:
        identifier = self._masks.identifier
        event = message(timeUnixNano=number, name=self._name, **self._attribute_fields())
        link = message(
            traceId=identifier, spanId=identifier, traceState=self._opaque, flags=number, **self._attribute_fields()
        )
        return message(
            traceId=identifier, spanId=identifier, parentSpanId=identifier, traceState=self._opaque, flags=number,
            name=self._template, kind=enum, startTimeUnixNano=number, endTimeUnixNano=number,
            status=message(code=enum, message=self._template), events=each(event), droppedEventsCount=number,
            links=each(link), droppedLinksCount=number, **self._attribute_fields(),
        )  # fmt: skip

    def _log(self) -> Act:
        identifier = self._masks.identifier
        return message(
            timeUnixNano=number, observedTimeUnixNano=number, severityNumber=enum, severityText=self._level,
            eventName=self._name, body=self._body, flags=number, traceId=identifier, spanId=identifier,
            **self._attribute_fields(),
        )  # fmt: skip

    def _metric(self) -> Act:
        return message(
            name=self._name,
            description=self._template,
            unit=self._unit,
            metadata=self._attributes,
            **dict.fromkeys(METRIC_KINDS, self._points()),
        )

    def _points(self) -> Act:
        """Return what makes the data of a metric anew. What was measured stays."""
        identifier, numbers = self._masks.identifier, each(number)
        value = {"asDouble": number, "asInt": number, "timeUnixNano": number}
        exemplar = message(filteredAttributes=self._attributes, traceId=identifier, spanId=identifier, **value)
        buckets = message(offset=number, bucketCounts=numbers)
        point = message(
            attributes=self._attributes, startTimeUnixNano=number, exemplars=each(exemplar), flags=number, count=number,
            sum=number, min=number, max=number, bucketCounts=numbers, explicitBounds=numbers, scale=number,
            zeroCount=number, zeroThreshold=number, positive=buckets, negative=buckets,
            quantileValues=each(message(quantile=number, value=number)), **value,
        )  # fmt: skip
        return message(dataPoints=each(point), aggregationTemporality=enum, isMonotonic=flag)

    # ── Attributes ──

    def _attributes(self, given: Any, within_secret: bool = False) -> list[dict[str, Any]]:
        """Return attributes anew. Most have texts, and most texts come again, so such an attribute is made once."""
        attributes = []
        for pair in given:
            name, value = pair["key"], pair.get("value") or {}
            # A plain tuple finds the same row as a TextAttribute, and costs a third of the time.
            known = self._known_attributes.get((name, within_secret, value.get("stringValue")))  # type: ignore[call-overload]
            attributes.append(known or self._attribute(name, within_secret, value))
        return attributes

    def _attribute(self, name: str, within_secret: bool, value: Any) -> dict[str, Any]:
        owner = Owner(name, within_secret or names_secret(name))
        self._see(name)
        attribute = {"key": self._name(name), "value": self._value(owner, value)}
        if "stringValue" in value:
            if len(self._known_attributes) >= _REMEMBERED:
                self._known_attributes.clear()
            self._known_attributes[TextAttribute(name, within_secret, value["stringValue"])] = attribute
        return attribute

    def _see(self, name: str) -> None:
        if name in self._keep:
            self._seen.add(name)

    def _value(self, owner: Owner, value: Any) -> dict[str, Any]:
        """Return the value of an attribute, tagged by its type as OTLP has it."""
        for tag, content in (value or {}).items():
            act = self._ACTS.get(tag)
            return {tag: act(self, owner, content)} if act else {}
        return {}

    def _hides(self, owner: Owner) -> bool:
        """Whether the values of an attribute are masked, but for those that are one of its enumeration."""
        if owner.is_secret:
            return True
        return self._hashes and owner.name not in self._keep

    def _is_enumerated(self, owner: Owner, text: str) -> bool:
        """Whether a value is one of the enumeration of its attribute. That of a secret never is."""
        return not owner.is_secret and kept_values.stays(owner.name, text)

    def _masked_text(self, owner: Owner, text: str) -> str:
        if self._is_enumerated(owner, text):
            return text
        return self._masks.text(text) if self._hides(owner) else self._without_secrets(text)

    def _integer(self, owner: Owner, value: Any) -> Any:
        whole = int(value)
        if not self._hides(owner) or self._is_enumerated(owner, str(whole)):
            return value
        return str(self._masks.integer(whole))

    def _double(self, owner: Owner, value: Any) -> Any:
        given = double(value)
        if not self._hides(owner) or given in _NO_NUMBERS:
            return given
        return self._masks.number(given)

    def _bytes(self, owner: Owner, value: str) -> str:
        return self._masks.binary(value) if self._hides(owner) or self._packs_secret(value) else value

    def _packs_secret(self, value: str) -> bool:
        """Whether Base64 holds what looks like a secret, or is none."""
        try:
            text = base64.b64decode(value, validate=True).decode("utf-8", "replace")
        except ValueError:
            return True
        return self._without_secrets(text) != text

    def _list(self, owner: Owner, value: Any) -> dict[str, Any]:
        return {"values": [self._value(owner, part) for part in value.get("values") or ()]}

    def _map(self, owner: Owner, value: Any) -> dict[str, Any]:
        return {"values": self._attributes(value.get("values") or (), owner.is_secret)}

    _ACTS: Mapping[str, Callable[[RecordMasks, Owner, Any], Any]] = {
        "stringValue": _masked_text,
        "boolValue": lambda _self, _owner, value: flag(value),
        "intValue": _integer,
        "doubleValue": _double,
        "bytesValue": _bytes,
        "arrayValue": _list,
        "kvlistValue": _map,
    }

    # ── Texts ──

    def _body(self, value: Any) -> dict[str, Any]:
        """Return the body of a log record: a template, or its fields with masked values."""
        if "stringValue" in value:
            return {"stringValue": self._template(value["stringValue"])}
        return self._value(Owner("", False), value)

    def _template(self, text: str) -> str:
        """Return a text without what differs from record to record; all of it but secrets if values stay."""
        return self._templates.template(text) if self._hashes else self._without_secrets(text)

    def _without_secrets(self, text: str) -> str:
        """Return a text that stays, with a mask in place of what looks like a secret."""
        return self._masks.text(text) if _LOGIN.search(text) else concealed(text)

    def _name(self, name: str) -> str:
        """Return a name as it is, or its mask if it looks like content."""
        known_name = self._known_names.get(name)
        if known_name is None:
            known_name = name if _NAME.fullmatch(name) else self._masks.text(name)
            if len(self._known_names) >= _REMEMBERED:
                self._known_names.clear()
            self._known_names[name] = known_name
        return known_name

    def _opaque(self, text: str) -> str:
        return self._masks.text(text)

    def _scope_name(self, name: str) -> str:
        self._see(_SCOPE_NAME)
        if name.startswith(_KNOWN_SCOPES) and _NAME.fullmatch(name):
            return name
        return self._masked_text(Owner(_SCOPE_NAME, False), name)

    def _version(self, text: str) -> str:
        return text if _VERSION.fullmatch(text) else self._masks.text(text)

    def _schema(self, text: str) -> str:
        return text if _SCHEMA.fullmatch(text) else self._masks.text(text)

    def _unit(self, text: str) -> str:
        return text if _UNIT.fullmatch(text) else self._masks.text(text)

    def _level(self, text: str) -> str:
        return text if kept_values.is_level(text) else self._masks.text(text)
