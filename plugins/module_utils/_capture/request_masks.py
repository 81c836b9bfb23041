# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The table of requests: what becomes of each field of OTLP as JSON when it is captured. Private.

`record_masks.py` builds the table once for each run, and masks all requests by it. A mask of a field (`FieldMask` in
field_masks.py) is a function that returns what stands in place of its value; the mask of a message consists of the
masks of its fields. For example, the span `{"traceId": "5b8e…", "name": "GET /order/17", "kind": 2}` becomes
`{"traceId": "c04d…", "name": "GET <5-YErAo>", "kind": 2}`. A field that the table does not have is left out, so that no
later field of OTLP passes unmasked.

Source: opentelemetry-proto 1.9, `common.proto`, `resource.proto`, `trace.proto`, `metrics.proto` and `logs.proto`, and
"JSON Protobuf Encoding" of the specification of OTLP.
"""

from __future__ import annotations

from typing import Any

from .._otelcol.otlp_requests import METRIC_KINDS
from .attribute_masks import AttributeMasks, Owner
from .field_masks import FieldMask, keep_enum, keep_flag, keep_number, make_list_mask, make_message_mask
from .text_masks import NAME_PATTERN, TextMasks
from .value_masks import ValueMasks

# What the names of the scopes of OpenTelemetry's own libraries begin with. Others name packages of an organisation.
_KNOWN_SCOPES = (
    "io.opentelemetry.",
    "go.opentelemetry.io/",
    "@opentelemetry/",
    "opentelemetry.",
    "OpenTelemetry.",
    "github.com/open-telemetry/",
)
# What the name of a scope is called among the attributes whose values may stay.
_SCOPE_NAME = "scope.name"


class RequestMasks:
    """Builds the table out of the masks of values, texts and attributes of one run."""

    def __init__(self, values: ValueMasks, texts: TextMasks, attributes: AttributeMasks) -> None:
        self._values = values
        self._texts = texts
        self._attributes = attributes
        # The fields of each message that has attributes.
        self._attribute_fields: dict[str, FieldMask] = {
            "attributes": attributes.mask_attributes,
            "droppedAttributesCount": keep_number,
        }

    def build_masks(self) -> dict[str, FieldMask]:
        """Return the mask of each field of a request, by the name of the field. A request has one of them."""
        return {
            "resourceSpans": self._make_resources_mask("scopeSpans", "spans", self._make_span_mask()),
            "resourceLogs": self._make_resources_mask("scopeLogs", "logRecords", self._make_log_mask()),
            "resourceMetrics": self._make_resources_mask("scopeMetrics", "metrics", self._make_metric_mask()),
        }

    def _make_resources_mask(self, scopes_field: str, records_field: str, record_mask: FieldMask) -> FieldMask:
        """Return the mask of a list of resources, each with scopes, each with records of one signal.

        `scopes_field` and `records_field` are the names of these lists, such as `scopeSpans` and `spans`.
        """
        scope_mask = make_message_mask(
            {"name": self._mask_scope_name, "version": self._texts.mask_version, **self._attribute_fields}
        )
        records_of_scope_mask = make_message_mask(
            {"scope": scope_mask, records_field: make_list_mask(record_mask), "schemaUrl": self._texts.mask_schema}
        )
        scopes_of_resource_mask = make_message_mask(
            {
                "resource": self._make_resource_mask(),
                scopes_field: make_list_mask(records_of_scope_mask),
                "schemaUrl": self._texts.mask_schema,
            }
        )
        return make_list_mask(scopes_of_resource_mask)

    def _make_resource_mask(self) -> FieldMask:
        entity_mask = make_message_mask(
            {
                "schemaUrl": self._texts.mask_schema,
                "type": self._texts.mask_name,
                "idKeys": make_list_mask(self._texts.mask_name),
                "descriptionKeys": make_list_mask(self._texts.mask_name),
            }
        )
        return make_message_mask({"entityRefs": make_list_mask(entity_mask), **self._attribute_fields})

    # ── Spans ──

    def _make_span_mask(self) -> FieldMask:
        return make_message_mask(
            {
                "traceId": self._values.mask_identifier,
                "spanId": self._values.mask_identifier,
                "parentSpanId": self._values.mask_identifier,
                "traceState": self._texts.mask_opaque,
                "flags": keep_number,
                "name": self._texts.make_template,
                "kind": keep_enum,
                "startTimeUnixNano": keep_number,
                "endTimeUnixNano": keep_number,
                "status": make_message_mask({"code": keep_enum, "message": self._texts.make_template}),
                "events": make_list_mask(self._make_event_mask()),
                "droppedEventsCount": keep_number,
                "links": make_list_mask(self._make_link_mask()),
                "droppedLinksCount": keep_number,
                **self._attribute_fields,
            }
        )

    def _make_event_mask(self) -> FieldMask:
        return make_message_mask({"timeUnixNano": keep_number, "name": self._texts.mask_name, **self._attribute_fields})

    def _make_link_mask(self) -> FieldMask:
        return make_message_mask(
            {
                "traceId": self._values.mask_identifier,
                "spanId": self._values.mask_identifier,
                "traceState": self._texts.mask_opaque,
                "flags": keep_number,
                **self._attribute_fields,
            }
        )

    # ── Log records ──

    def _make_log_mask(self) -> FieldMask:
        return make_message_mask(
            {
                "timeUnixNano": keep_number,
                "observedTimeUnixNano": keep_number,
                "severityNumber": keep_enum,
                "severityText": self._texts.mask_level,
                "eventName": self._texts.mask_name,
                "body": self._mask_body,
                "flags": keep_number,
                "traceId": self._values.mask_identifier,
                "spanId": self._values.mask_identifier,
                **self._attribute_fields,
            }
        )

    def _mask_body(self, value: Any) -> dict[str, Any]:
        """Return the body of a log record: a template, or its fields with masked values.

        A body belongs to no attribute, so its owner has no name.
        """
        if "stringValue" in value:
            return {"stringValue": self._texts.make_template(value["stringValue"])}
        return self._attributes.mask_value(Owner(name="", is_secret=False), value)

    # ── Metrics ──

    def _make_metric_mask(self) -> FieldMask:
        """Return the mask of a metric. A metric has one of METRIC_KINDS, such as `sum`, with its data points."""
        return make_message_mask(
            {
                "name": self._texts.mask_name,
                "description": self._texts.make_template,
                "unit": self._texts.mask_unit,
                "metadata": self._attributes.mask_attributes,
                **dict.fromkeys(METRIC_KINDS, self._make_points_mask()),
            }
        )

    def _make_points_mask(self) -> FieldMask:
        """Return the mask of the data of a metric, one for all kinds of metrics. What was measured stays."""
        return make_message_mask(
            {
                "dataPoints": make_list_mask(self._make_point_mask()),
                "aggregationTemporality": keep_enum,
                "isMonotonic": keep_flag,
            }
        )

    def _make_point_mask(self) -> FieldMask:
        """Return the mask of a data point, with the fields of all kinds of metrics."""
        numbers_mask = make_list_mask(keep_number)
        buckets_mask = make_message_mask({"offset": keep_number, "bucketCounts": numbers_mask})
        quantile_mask = make_message_mask({"quantile": keep_number, "value": keep_number})
        return make_message_mask(
            {
                "attributes": self._attributes.mask_attributes,
                "startTimeUnixNano": keep_number,
                "timeUnixNano": keep_number,
                "asDouble": keep_number,
                "asInt": keep_number,
                "exemplars": make_list_mask(self._make_exemplar_mask()),
                "flags": keep_number,
                "count": keep_number,
                "sum": keep_number,
                "min": keep_number,
                "max": keep_number,
                "bucketCounts": numbers_mask,
                "explicitBounds": numbers_mask,
                "scale": keep_number,
                "zeroCount": keep_number,
                "zeroThreshold": keep_number,
                "positive": buckets_mask,
                "negative": buckets_mask,
                "quantileValues": make_list_mask(quantile_mask),
            }
        )

    def _make_exemplar_mask(self) -> FieldMask:
        return make_message_mask(
            {
                "filteredAttributes": self._attributes.mask_attributes,
                "traceId": self._values.mask_identifier,
                "spanId": self._values.mask_identifier,
                "timeUnixNano": keep_number,
                "asDouble": keep_number,
                "asInt": keep_number,
            }
        )

    # ── Scopes ──

    def _mask_scope_name(self, name: str) -> str:
        """Return the name of a scope: that of a library of OpenTelemetry, or the mask of another."""
        self._attributes.note_seen_name(_SCOPE_NAME)
        if name.startswith(_KNOWN_SCOPES) and NAME_PATTERN.fullmatch(name):
            return name
        return self._attributes.mask_text(Owner(_SCOPE_NAME, is_secret=False), name)
