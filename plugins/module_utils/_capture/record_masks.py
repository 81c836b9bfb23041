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

from .._otelcol.config.masking import conceal_secrets
from .._otelcol.config.secret_names import is_secret_name
from .._otelcol.forecast.capture_facts import HASH_MODE
from .._otelcol.otlp_requests import METRIC_KINDS
from . import kept_values
from .body_templates import BodyTemplates
from .value_masks import ValueMasks

FieldMask = Callable[[Any], Any]
KEEP_MODE = "keep"
"""The mode of a capture in which all values stay but headers and secrets."""
# What a name of an attribute, a metric or an event looks like. A name with a long number or an address is content.
_NAME_PATTERN = re.compile(r"(?!.*\d{6})[A-Za-z_][A-Za-z0-9_.\-/:]{0,199}")
# Units of UCUM that telemetry has, and annotations such as `{request}`.
_UNIT_PATTERN = re.compile(
    r"(1|%|[num]?s|min|h|d|[kKMGT]?i?By?|bit|[mk]?[WJVA]|Hz|Cel|K|\{[A-Za-z_. ]{1,40}\})?(/(s|min|h))?"
)
_VERSION_PATTERN = re.compile(r"v?\d{1,5}(\.\d{1,6}){0,2}([-+][A-Za-z0-9.]{1,20})?")
_NUMBER_PATTERN = re.compile(r"-?\d{1,20}(\.\d{1,20})?(e[+-]?\d{1,3})?|-?Infinity|NaN", re.IGNORECASE)
# What a double has as text. Source: "JSON Protobuf Encoding" and the mapping of protobuf to JSON.
_NO_NUMBERS = ("NaN", "Infinity", "-Infinity")
_ENUM_PATTERN = re.compile(r"[A-Z]+(_[A-Z0-9]+)*")
_SCHEMA_PATTERN = re.compile(r"https://opentelemetry\.io/schemas/[0-9.]{1,20}")
# Scopes of OpenTelemetry's own libraries. Others name packages of an organisation.
_KNOWN_SCOPES = (
    *("io.opentelemetry.", "go.opentelemetry.io/", "@opentelemetry/", "opentelemetry.", "OpenTelemetry."),
    "github.com/open-telemetry/",
)
_SCOPE_NAME = "scope.name"
# Headers of requests that an instrumentation has written into attributes. Source: the semantic conventions of HTTP and
# RPC.
HEADER_PREFIXES = (
    *("http.request.header.", "http.response.header.", "rpc.grpc.request.metadata.", "rpc.request.metadata."),
    *("rpc.grpc.response.metadata.", "rpc.response.metadata.", "rpc.connect_rpc."),
)
# What a client logs in with, which is a secret wherever it stands.
_LOGIN_PATTERN = re.compile(r"\b(Bearer|Basic|Token) +\S", re.IGNORECASE)
# How many attributes, and how many names, are made once and remembered.
_MOST_REMEMBERED = 20_000


def message_mask(**field_masks: FieldMask) -> FieldMask:
    """Return what makes a message of some fields anew; others are left out."""

    def make_message(given_fields: Any) -> dict[str, Any]:
        masked_fields = {}
        for name, value in given_fields.items():
            field_mask = field_masks.get(name)
            if field_mask is not None and value is not None:
                masked_fields[name] = field_mask(value)
        return masked_fields

    return make_message


def list_mask(element_mask: FieldMask) -> FieldMask:
    """Return what makes a list of messages anew."""
    return lambda elements: [element_mask(element) for element in elements]


def keep_number(value: Any) -> Any:
    """Return a number, which OTLP may write as text; 0 in place of any other text."""
    if isinstance(value, str):
        return value if _NUMBER_PATTERN.fullmatch(value) else "0"
    return value if isinstance(value, (int, float)) else 0


def keep_double(value: Any) -> Any:
    """Return a double, which OTLP writes as text only where it is no number; 0 in place of any other text."""
    if isinstance(value, str):
        if value in _NO_NUMBERS:
            return value
        value = float(value) if _NUMBER_PATTERN.fullmatch(value) else 0.0
    return value if isfinite(value) else 0.0


def keep_flag(value: Any) -> bool:
    return value is True


def keep_enum(value: Any) -> Any:
    """Return the number or the name of an enumeration of OTLP; 0 in place of any other text."""
    return value if isinstance(value, int) or _ENUM_PATTERN.fullmatch(str(value)) else 0


def names_secret(name: str) -> bool:
    """Return whether an attribute is a header of a request, or is named like a secret: no capture has its value."""
    return name.startswith(HEADER_PREFIXES) or is_secret_name(name)


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

    def __init__(self, key: bytes, keep: Iterable[str] = (), values: str = HASH_MODE) -> None:
        self._masks = ValueMasks(key)
        self._keep = frozenset(keep)
        self._seen: set[str] = set()
        self._hashes = values == HASH_MODE
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

    def _table(self) -> dict[str, FieldMask]:
        """Return what becomes of each field of a request."""
        record_masks = {
            "Spans": ("spans", self._span_mask()),
            "Logs": ("logRecords", self._log_mask()),
            "Metrics": ("metrics", self._metric_mask()),
        }
        resource_mask = self._resource_mask()
        scope_mask = message_mask(
            name=self._mask_scope_name, version=self._mask_version, **self._attribute_field_masks()
        )
        request_masks = {}
        for signal, (list_name, record_mask) in record_masks.items():
            scope_list_mask = message_mask(
                **{"scope": scope_mask, list_name: list_mask(record_mask), "schemaUrl": self._mask_schema}
            )
            resource_list_mask = message_mask(
                **{
                    "resource": resource_mask,
                    f"scope{signal}": list_mask(scope_list_mask),
                    "schemaUrl": self._mask_schema,
                }
            )
            request_masks[f"resource{signal}"] = list_mask(resource_list_mask)
        return request_masks

    def _attribute_field_masks(self) -> dict[str, FieldMask]:
        """Return the fields of each message that has attributes."""
        return {"attributes": self._attributes, "droppedAttributesCount": keep_number}

    def _resource_mask(self) -> FieldMask:
        entity = message_mask(
            schemaUrl=self._mask_schema,
            type=self._name,
            idKeys=list_mask(self._name),
            descriptionKeys=list_mask(self._name),
        )
        return message_mask(entityRefs=list_mask(entity), **self._attribute_field_masks())

    def _span_mask(self) -> FieldMask:
        identifier = self._masks.mask_identifier
        event = message_mask(timeUnixNano=keep_number, name=self._name, **self._attribute_field_masks())
        link = message_mask(
            traceId=identifier,
            spanId=identifier,
            traceState=self._mask_opaque,
            flags=keep_number,
            **self._attribute_field_masks(),
        )
        return message_mask(
            traceId=identifier,
            spanId=identifier,
            parentSpanId=identifier,
            traceState=self._mask_opaque,
            flags=keep_number,
            name=self._make_template,
            kind=keep_enum,
            startTimeUnixNano=keep_number,
            endTimeUnixNano=keep_number,
            status=message_mask(code=keep_enum, message=self._make_template),
            events=list_mask(event),
            droppedEventsCount=keep_number,
            links=list_mask(link),
            droppedLinksCount=keep_number,
            **self._attribute_field_masks(),
        )

    def _log_mask(self) -> FieldMask:
        identifier = self._masks.mask_identifier
        return message_mask(
            timeUnixNano=keep_number,
            observedTimeUnixNano=keep_number,
            severityNumber=keep_enum,
            severityText=self._mask_level,
            eventName=self._name,
            body=self._mask_body,
            flags=keep_number,
            traceId=identifier,
            spanId=identifier,
            **self._attribute_field_masks(),
        )

    def _metric_mask(self) -> FieldMask:
        return message_mask(
            name=self._name,
            description=self._make_template,
            unit=self._mask_unit,
            metadata=self._attributes,
            **dict.fromkeys(METRIC_KINDS, self._points_mask()),
        )

    def _points_mask(self) -> FieldMask:
        """Return what makes the data of a metric anew. What was measured stays."""
        identifier, numbers = self._masks.mask_identifier, list_mask(keep_number)
        value = {"asDouble": keep_number, "asInt": keep_number, "timeUnixNano": keep_number}
        exemplar = message_mask(filteredAttributes=self._attributes, traceId=identifier, spanId=identifier, **value)
        buckets = message_mask(offset=keep_number, bucketCounts=numbers)
        point = message_mask(
            attributes=self._attributes,
            startTimeUnixNano=keep_number,
            exemplars=list_mask(exemplar),
            flags=keep_number,
            count=keep_number,
            sum=keep_number,
            min=keep_number,
            max=keep_number,
            bucketCounts=numbers,
            explicitBounds=numbers,
            scale=keep_number,
            zeroCount=keep_number,
            zeroThreshold=keep_number,
            positive=buckets,
            negative=buckets,
            quantileValues=list_mask(message_mask(quantile=keep_number, value=keep_number)),
            **value,
        )
        return message_mask(dataPoints=list_mask(point), aggregationTemporality=keep_enum, isMonotonic=keep_flag)

    # ── Attributes ──

    def _attributes(self, pairs: Any, within_secret: bool = False) -> list[dict[str, Any]]:
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
        self._note_seen_name(name)
        attribute = {"key": self._name(name), "value": self._value(owner, value)}
        if "stringValue" in value:
            if len(self._known_attributes) >= _MOST_REMEMBERED:
                self._known_attributes.clear()
            self._known_attributes[TextAttribute(name, within_secret, value["stringValue"])] = attribute
        return attribute

    def _note_seen_name(self, name: str) -> None:
        if name in self._keep:
            self._seen.add(name)

    def _value(self, owner: Owner, value: Any) -> dict[str, Any]:
        """Return the value of an attribute, tagged by its type as OTLP has it."""
        for tag, content in (value or {}).items():
            value_mask = self._ACTS.get(tag)
            return {tag: value_mask(self, owner, content)} if value_mask else {}
        return {}

    def _hides_values(self, owner: Owner) -> bool:
        """Whether the values of an attribute are masked, but for those that are one of its enumeration."""
        if owner.is_secret:
            return True
        return self._hashes and owner.name not in self._keep

    def _is_enumerated(self, owner: Owner, text: str) -> bool:
        """Whether a value is one of the enumeration of its attribute. That of a secret never is."""
        return not owner.is_secret and kept_values.is_kept_value(owner.name, text)

    def _masked_text(self, owner: Owner, text: str) -> str:
        if self._is_enumerated(owner, text):
            return text
        return self._masks.mask_text(text) if self._hides_values(owner) else self._without_secrets(text)

    def _integer(self, owner: Owner, value: Any) -> Any:
        integer_value = int(value)
        if not self._hides_values(owner) or self._is_enumerated(owner, str(integer_value)):
            return value
        return str(self._masks.mask_integer(integer_value))

    def _double(self, owner: Owner, value: Any) -> Any:
        number_value = keep_double(value)
        if not self._hides_values(owner) or number_value in _NO_NUMBERS:
            return number_value
        return self._masks.mask_number(number_value)

    def _bytes(self, owner: Owner, value: str) -> str:
        return self._masks.mask_binary(value) if self._hides_values(owner) or self._packs_secret(value) else value

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
        "boolValue": lambda _self, _owner, value: keep_flag(value),
        "intValue": _integer,
        "doubleValue": _double,
        "bytesValue": _bytes,
        "arrayValue": _list,
        "kvlistValue": _map,
    }

    # ── Texts ──

    def _mask_body(self, value: Any) -> dict[str, Any]:
        """Return the body of a log record: a template, or its fields with masked values."""
        if "stringValue" in value:
            return {"stringValue": self._make_template(value["stringValue"])}
        return self._value(Owner("", False), value)

    def _make_template(self, text: str) -> str:
        """Return a text without what differs from record to record; all of it but secrets if values stay."""
        return self._templates.make_template(text) if self._hashes else self._without_secrets(text)

    def _without_secrets(self, text: str) -> str:
        """Return a text that stays, with a mask in place of what looks like a secret."""
        return self._masks.mask_text(text) if _LOGIN_PATTERN.search(text) else conceal_secrets(text)

    def _name(self, name: str) -> str:
        """Return a name as it is, or its mask if it looks like content."""
        known_name = self._known_names.get(name)
        if known_name is None:
            known_name = name if _NAME_PATTERN.fullmatch(name) else self._masks.mask_text(name)
            if len(self._known_names) >= _MOST_REMEMBERED:
                self._known_names.clear()
            self._known_names[name] = known_name
        return known_name

    def _mask_opaque(self, text: str) -> str:
        return self._masks.mask_text(text)

    def _mask_scope_name(self, name: str) -> str:
        self._note_seen_name(_SCOPE_NAME)
        if name.startswith(_KNOWN_SCOPES) and _NAME_PATTERN.fullmatch(name):
            return name
        return self._masked_text(Owner(_SCOPE_NAME, False), name)

    def _mask_version(self, text: str) -> str:
        return text if _VERSION_PATTERN.fullmatch(text) else self._masks.mask_text(text)

    def _mask_schema(self, text: str) -> str:
        return text if _SCHEMA_PATTERN.fullmatch(text) else self._masks.mask_text(text)

    def _mask_unit(self, text: str) -> str:
        return text if _UNIT_PATTERN.fullmatch(text) else self._masks.mask_text(text)

    def _mask_level(self, text: str) -> str:
        return text if kept_values.is_severity_name(text) else self._masks.mask_text(text)
