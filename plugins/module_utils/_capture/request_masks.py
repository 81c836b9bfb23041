# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The table of requests: what becomes of each field of OTLP as JSON.

A mask of a field (`FieldMask` in field_masks.py) is a function that returns what stands in place of its value. The
methods `_make_…_mask` of this file return such functions, those of messages out of those of their fields. A field that
the table does not have is left out, so that no later field of OTLP passes unmasked.
Source: opentelemetry-proto 1.9, `common.proto`, `resource.proto`, `trace.proto`, `metrics.proto` and `logs.proto`, and
"JSON Protobuf Encoding" of the specification of OTLP. Private.
"""

from __future__ import annotations

from typing import Any

from .._otelcol.otlp_requests import METRIC_KINDS
from .attribute_masks import AttributeMasks, Owner
from .field_masks import FieldMask, keep_enum, keep_flag, keep_number, make_list_mask, make_message_mask
from .text_masks import NAME_PATTERN, TextMasks
from .value_masks import ValueMasks

# Scopes of OpenTelemetry's own libraries. Others name packages of an organisation.
_KNOWN_SCOPES = (
    *("io.opentelemetry.", "go.opentelemetry.io/", "@opentelemetry/", "opentelemetry.", "OpenTelemetry."),
    "github.com/open-telemetry/",
)
_SCOPE_NAME = "scope.name"


class RequestMasks:
    """Makes the table out of the masks of values, texts and attributes of one run."""

    def __init__(self, values: ValueMasks, texts: TextMasks, attributes: AttributeMasks) -> None:
        self._values = values
        self._texts = texts
        self._attributes = attributes

    def build_masks(self) -> dict[str, FieldMask]:
        """Return the mask of each field of a request, by the name of the field."""
        record_masks = {
            "Spans": ("spans", self._make_span_mask()),
            "Logs": ("logRecords", self._make_log_mask()),
            "Metrics": ("metrics", self._make_metric_mask()),
        }
        resource_mask = self._make_resource_mask()
        scope_mask = make_message_mask(
            name=self._mask_scope_name, version=self._texts.mask_version, **self._make_attribute_field_masks()
        )
        request_masks = {}
        for signal, (list_name, record_mask) in record_masks.items():
            scope_list_mask = make_message_mask(
                **{"scope": scope_mask, list_name: make_list_mask(record_mask), "schemaUrl": self._texts.mask_schema}
            )
            resource_list_mask = make_message_mask(
                **{
                    "resource": resource_mask,
                    f"scope{signal}": make_list_mask(scope_list_mask),
                    "schemaUrl": self._texts.mask_schema,
                }
            )
            request_masks[f"resource{signal}"] = make_list_mask(resource_list_mask)
        return request_masks

    def _make_attribute_field_masks(self) -> dict[str, FieldMask]:
        """Return the fields of each message that has attributes."""
        return {"attributes": self._attributes.mask_attributes, "droppedAttributesCount": keep_number}

    def _make_resource_mask(self) -> FieldMask:
        entity = make_message_mask(
            schemaUrl=self._texts.mask_schema,
            type=self._texts.mask_name,
            idKeys=make_list_mask(self._texts.mask_name),
            descriptionKeys=make_list_mask(self._texts.mask_name),
        )
        return make_message_mask(entityRefs=make_list_mask(entity), **self._make_attribute_field_masks())

    def _make_span_mask(self) -> FieldMask:
        identifier_mask = self._values.mask_identifier
        event = make_message_mask(
            timeUnixNano=keep_number, name=self._texts.mask_name, **self._make_attribute_field_masks()
        )
        link = make_message_mask(
            traceId=identifier_mask,
            spanId=identifier_mask,
            traceState=self._texts.mask_opaque,
            flags=keep_number,
            **self._make_attribute_field_masks(),
        )
        return make_message_mask(
            traceId=identifier_mask,
            spanId=identifier_mask,
            parentSpanId=identifier_mask,
            traceState=self._texts.mask_opaque,
            flags=keep_number,
            name=self._texts.make_template,
            kind=keep_enum,
            startTimeUnixNano=keep_number,
            endTimeUnixNano=keep_number,
            status=make_message_mask(code=keep_enum, message=self._texts.make_template),
            events=make_list_mask(event),
            droppedEventsCount=keep_number,
            links=make_list_mask(link),
            droppedLinksCount=keep_number,
            **self._make_attribute_field_masks(),
        )

    def _make_log_mask(self) -> FieldMask:
        identifier_mask = self._values.mask_identifier
        return make_message_mask(
            timeUnixNano=keep_number,
            observedTimeUnixNano=keep_number,
            severityNumber=keep_enum,
            severityText=self._texts.mask_level,
            eventName=self._texts.mask_name,
            body=self._mask_body,
            flags=keep_number,
            traceId=identifier_mask,
            spanId=identifier_mask,
            **self._make_attribute_field_masks(),
        )

    def _make_metric_mask(self) -> FieldMask:
        return make_message_mask(
            name=self._texts.mask_name,
            description=self._texts.make_template,
            unit=self._texts.mask_unit,
            metadata=self._attributes.mask_attributes,
            **dict.fromkeys(METRIC_KINDS, self._make_points_mask()),
        )

    def _make_points_mask(self) -> FieldMask:
        """Return the mask of the data of a metric, one for all kinds of metrics. What was measured stays."""
        identifier_mask, numbers = self._values.mask_identifier, make_list_mask(keep_number)
        value = {"asDouble": keep_number, "asInt": keep_number, "timeUnixNano": keep_number}
        exemplar = make_message_mask(
            filteredAttributes=self._attributes.mask_attributes,
            traceId=identifier_mask,
            spanId=identifier_mask,
            **value,
        )
        buckets = make_message_mask(offset=keep_number, bucketCounts=numbers)
        point = make_message_mask(
            attributes=self._attributes.mask_attributes,
            startTimeUnixNano=keep_number,
            exemplars=make_list_mask(exemplar),
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
            quantileValues=make_list_mask(make_message_mask(quantile=keep_number, value=keep_number)),
            **value,
        )
        return make_message_mask(
            dataPoints=make_list_mask(point), aggregationTemporality=keep_enum, isMonotonic=keep_flag
        )

    def _mask_body(self, value: Any) -> dict[str, Any]:
        """Return the body of a log record: a template, or its fields with masked values.

        A body belongs to no attribute, so its owner has no name.
        """
        if "stringValue" in value:
            return {"stringValue": self._texts.make_template(value["stringValue"])}
        return self._attributes.mask_value(Owner("", False), value)

    def _mask_scope_name(self, name: str) -> str:
        """Return the name of a scope: that of a library of OpenTelemetry, or the mask of another."""
        self._attributes.note_seen_name(_SCOPE_NAME)
        if name.startswith(_KNOWN_SCOPES) and NAME_PATTERN.fullmatch(name):
            return name
        return self._attributes.mask_text(Owner(_SCOPE_NAME, False), name)
