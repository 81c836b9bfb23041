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
# Headers of requests that an instrumentation has written into attributes. Source: the semantic conventions of HTTP and
# RPC.
HEADERS = (
    *("http.request.header.", "http.response.header.", "rpc.grpc.request.metadata.", "rpc.request.metadata."),
    *("rpc.grpc.response.metadata.", "rpc.response.metadata.", "rpc.connect_rpc."),
)
# What a client logs in with, which is a secret wherever it stands.
_LOGIN = re.compile(r"\b(Bearer|Basic|Token) +\S", re.IGNORECASE)
_REMEMBERED = 20_000


def message(**fields: Act) -> Act:
    """Return what makes a message of some fields anew; others are left out."""

    def made(given: Any) -> dict[str, Any]:
        kept = {}
        for name, value in given.items():
            act = fields.get(name)
            if act is not None and value is not None:
                kept[name] = act(value)
        return kept

    return made


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


class RecordMasks:
    """What becomes of the requests of one run.

    `keep` names attributes whose values stay. `values` is `hash`, or `keep` for all values but headers and secrets.
    """

    def __init__(self, key: bytes, keep: Iterable[str] = (), values: str = HASH) -> None:
        self._masks, self._keep, self._hashes = ValueMasks(key), frozenset(keep), values == HASH
        self._templates = BodyTemplates(self._masks)
        self._texts: dict[tuple[str, bool, Any], dict[str, Any]] = {}
        self._names: dict[str, str] = {}
        self._acts = self._table()

    def masked(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Return a request of one signal without its content.

        Raises TypeError, AttributeError, KeyError or ValueError for what has not the form of OTLP.
        """
        return {name: self._acts[name](value) for name, value in request.items() if name in self._acts}

    # ── The table ──

    def _table(self) -> dict[str, Act]:
        text, name, attributes = self._template, self._name, self._attributes
        identifier, opaque = self._masks.identifier, self._opaque
        about: dict[str, Act] = {"attributes": attributes, "droppedAttributesCount": number}
        scope = message(name=self._scope_name, version=self._version, **about)
        entity = message(schemaUrl=self._schema, type=name, idKeys=each(name), descriptionKeys=each(name))
        resource = message(entityRefs=each(entity), **about)
        event = message(timeUnixNano=number, name=name, **about)
        link = message(traceId=identifier, spanId=identifier, traceState=opaque, flags=number, **about)
        span = message(
            traceId=identifier, spanId=identifier, parentSpanId=identifier, traceState=opaque, flags=number,
            name=text, kind=enum, startTimeUnixNano=number, endTimeUnixNano=number, status=message(
                code=enum, message=text
            ), events=each(event), droppedEventsCount=number, links=each(link), droppedLinksCount=number, **about,
        )  # fmt: skip
        log = message(
            timeUnixNano=number, observedTimeUnixNano=number, severityNumber=enum, severityText=self._level,
            eventName=name, body=self._body, flags=number, traceId=identifier, spanId=identifier, **about,
        )  # fmt: skip
        metric = message(
            name=name,
            description=text,
            unit=self._unit,
            metadata=attributes,
            **dict.fromkeys(METRIC_KINDS, self._points()),
        )
        records = {"Spans": ("spans", span), "Logs": ("logRecords", log), "Metrics": ("metrics", metric)}
        table = {}
        for signal, (listed, record) in records.items():
            scoped = message(**{"scope": scope, listed: each(record), "schemaUrl": self._schema})
            of_resource = message(**{"resource": resource, f"scope{signal}": each(scoped), "schemaUrl": self._schema})
            table[f"resource{signal}"] = each(of_resource)
        return table

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
        texts, made = self._texts, []
        for pair in given:
            name, value = pair["key"], pair.get("value") or {}
            known = texts.get((name, within_secret, value.get("stringValue")))
            made.append(known or self._attribute(name, within_secret, value))
        return made

    def _attribute(self, name: str, within_secret: bool, value: Any) -> dict[str, Any]:
        owner = Owner(name, within_secret or names_secret(name))
        made = {"key": self._name(name), "value": self._value(owner, value)}
        if "stringValue" in value:
            if len(self._texts) >= _REMEMBERED:
                self._texts.clear()
            self._texts[name, within_secret, value["stringValue"]] = made
        return made

    def _value(self, owner: Owner, value: Any) -> dict[str, Any]:
        """Return the value of an attribute, tagged by its type as OTLP has it."""
        for tag, content in (value or {}).items():
            act = self._ACTS.get(tag)
            return {tag: act(self, owner, content)} if act else {}
        return {}

    def _hides(self, owner: Owner) -> bool:
        """Whether values of an attribute are masked that are none of its enumeration."""
        return owner.is_secret or (self._hashes and owner.name not in self._keep)

    def _word(self, owner: Owner, text: str) -> str:
        if not owner.is_secret and kept_values.stays(owner.name, text):
            return text
        return self._masks.text(text) if self._hides(owner) else self._kept(text)

    def _integer(self, owner: Owner, value: Any) -> Any:
        whole = int(value)
        is_enumerated = not owner.is_secret and kept_values.stays(owner.name, str(whole))
        return str(self._masks.integer(whole)) if self._hides(owner) and not is_enumerated else value

    def _double(self, owner: Owner, value: Any) -> Any:
        given = double(value)
        return self._masks.number(given) if self._hides(owner) and given not in _NO_NUMBERS else given

    def _bytes(self, owner: Owner, value: str) -> str:
        return self._masks.binary(value) if self._hides(owner) or self._packs_secret(value) else value

    def _packs_secret(self, value: str) -> bool:
        """Whether Base64 holds what looks like a secret, or is none."""
        try:
            text = base64.b64decode(value, validate=True).decode("utf-8", "replace")
        except ValueError:
            return True
        return self._kept(text) != text

    def _list(self, owner: Owner, value: Any) -> dict[str, Any]:
        return {"values": [self._value(owner, part) for part in value.get("values") or ()]}

    def _map(self, owner: Owner, value: Any) -> dict[str, Any]:
        return {"values": self._attributes(value.get("values") or (), owner.is_secret)}

    _ACTS: Mapping[str, Callable[[RecordMasks, Owner, Any], Any]] = {
        "stringValue": _word,
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
        return self._templates.template(text) if self._hashes else self._kept(text)

    def _kept(self, text: str) -> str:
        """Return a text that stays, with a mask in place of what looks like a secret."""
        return self._masks.text(text) if _LOGIN.search(text) else concealed(text)

    def _name(self, name: str) -> str:
        """Return a name as it is, or its mask if it looks like content."""
        known = self._names.get(name)
        if known is None:
            known = name if _NAME.fullmatch(name) else self._masks.text(name)
            if len(self._names) >= _REMEMBERED:
                self._names.clear()
            self._names[name] = known
        return known

    def _opaque(self, text: str) -> str:
        return self._masks.text(text)

    def _scope_name(self, name: str) -> str:
        return (
            name
            if name.startswith(_KNOWN_SCOPES) and _NAME.fullmatch(name)
            else self._word(Owner("scope.name", False), name)
        )

    def _version(self, text: str) -> str:
        return text if _VERSION.fullmatch(text) else self._masks.text(text)

    def _schema(self, text: str) -> str:
        return text if _SCHEMA.fullmatch(text) else self._masks.text(text)

    def _unit(self, text: str) -> str:
        return text if _UNIT.fullmatch(text) else self._masks.text(text)

    def _level(self, text: str) -> str:
        return text if kept_values.is_level(text) else self._masks.text(text)
