# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Facts about OTTL that no struct shows: where functions are available, words, paths, enums, and where texts stand."""

from __future__ import annotations

from typing import Any

END_VERSION = "0.162.0"

# Group of functions, module, and folder of the package in it. `standard` is every editor and converter.
PACKAGES = (
    ("standard", "pkg/ottl", "ottlfuncs"),
    ("transform metric", "processor/transformprocessor", "internal/metrics"),
    ("transform span", "processor/transformprocessor", "internal/traces"),
    ("transform log", "processor/transformprocessor", "internal/logparsingfuncs"),
    ("condition metric", "internal/filter", "filterottl"),
)
# The grok patterns of ExtractGrokPatterns, at every version.
GROK_FOLDER = "github.com/elastic/go-grok@v0.3.1/patterns"
ROUTE_FUNCTION = {"function": "route", "in": "route", "arguments": []}
NARROWER_GROUPS = {
    "IsRootSpan": "span",
    "convert_summary_sum_val_to_sum": "transform datapoint",
    "convert_summary_count_val_to_sum": "transform datapoint",
    "merge_histogram_buckets": "transform datapoint",
}


def has_history(module: str) -> bool:
    """Whether every version of a module was read, so that the first version of its functions is known."""
    return module != "internal/filter"


_AGGREGATION = "literal-text=sum|max|min|mean|median|count"
_TEMPORALITY = "literal-text=delta|cumulative"
SPECIAL_KINDS = {
    "IsMatch.Pattern": "regex",
    "ExtractPatterns.Pattern": "regex",
    "delete_matching_keys.Pattern": "regex",
    "keep_matching_keys.Pattern": "regex",
    "replace_pattern.RegexPattern": "regex",
    "replace_all_patterns.RegexPattern": "regex",
    "replace_match.Pattern": "glob",
    "replace_all_matches.Pattern": "glob",
    "replace_all_patterns.Mode": "literal-text=key|value",
    "merge_maps.Strategy": "literal-text=insert|update|upsert",
    "ConvertCase.ToCase": "literal-text=lower|upper|snake|camel",
    "Sort.Order": "literal-text=asc|desc",
    "ParseCSV.Mode": "literal-text=strict|lazyQuotes|ignoreQuotes",
    "Time.Format": "time-format",
    "FormatTime.Format": "time-format",
    "convert_gauge_to_sum.StringAggTemp": _TEMPORALITY,
    "convert_summary_sum_val_to_sum.StringAggTemp": _TEMPORALITY,
    "convert_summary_count_val_to_sum.StringAggTemp": _TEMPORALITY,
    "aggregate_on_attributes.AggregationFunction": _AGGREGATION,
    "aggregate_on_attribute_value.AggregationFunction": _AGGREGATION,
    "convert_exponential_histogram_to_histogram.DistributionFn": "literal-text=upper|midpoint|uniform|random",
}

_SPAN_ENUMS = "SPAN_KIND_UNSPECIFIED SPAN_KIND_INTERNAL SPAN_KIND_SERVER SPAN_KIND_CLIENT SPAN_KIND_PRODUCER"
_SPAN_ENUMS += " SPAN_KIND_CONSUMER STATUS_CODE_UNSET STATUS_CODE_OK STATUS_CODE_ERROR"
_METRIC_ENUMS = "AGGREGATION_TEMPORALITY_UNSPECIFIED AGGREGATION_TEMPORALITY_DELTA AGGREGATION_TEMPORALITY_CUMULATIVE"
_METRIC_ENUMS += " METRIC_DATA_TYPE_NONE METRIC_DATA_TYPE_GAUGE METRIC_DATA_TYPE_SUM METRIC_DATA_TYPE_HISTOGRAM"
_METRIC_ENUMS += " METRIC_DATA_TYPE_EXPONENTIAL_HISTOGRAM METRIC_DATA_TYPE_SUMMARY"
_SEVERITY_ENUMS = " ".join(
    f"SEVERITY_NUMBER_{level}{number}"
    for level in ("TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL")
    for number in ("", 2, 3, 4)
)
_SURROUNDING_CONTEXTS = "scope instrumentation_scope resource otelcol"


def _build_context(name: str, visible_contexts: str, paths: str, enums: str = "") -> dict[str, Any]:
    """Return a context: the contexts that its paths may name, its own paths (`[]`: with keys), and its enums."""
    return {
        "context": name,
        "sees": f"{name} {visible_contexts}".split(),
        "paths": paths.split(),
        "enums": enums.split(),
    }


# In the order in which a context is chosen for statements that name several.
CONTEXTS = (
    _build_context(
        "log",
        _SURROUNDING_CONTEXTS,
        "time_unix_nano observed_time_unix_nano time observed_time severity_number severity_text body[] body.string "
        "attributes[] dropped_attributes_count flags trace_id trace_id.string span_id span_id.string event_name",
        f"SEVERITY_NUMBER_UNSPECIFIED {_SEVERITY_ENUMS}",
    ),
    _build_context(
        "exemplar",
        f"datapoint metric {_SURROUNDING_CONTEXTS}",
        "time_unix_nano time double_value int_value trace_id trace_id.string span_id span_id.string "
        "filtered_attributes[]",
    ),
    _build_context(
        "datapoint",
        f"metric {_SURROUNDING_CONTEXTS}",
        "attributes[] start_time_unix_nano time_unix_nano start_time time value_double value_int exemplars flags count "
        "sum bucket_counts explicit_bounds scale zero_count positive positive.offset positive.bucket_counts negative "
        "negative.offset negative.bucket_counts quantile_values",
        f"{_METRIC_ENUMS} FLAG_NONE FLAG_NO_RECORDED_VALUE",
    ),
    _build_context(
        "metric",
        _SURROUNDING_CONTEXTS,
        "name description unit type aggregation_temporality is_monotonic data_points metadata[]",
        _METRIC_ENUMS,
    ),
    _build_context(
        "spanevent",
        f"span {_SURROUNDING_CONTEXTS}",
        "time_unix_nano time name attributes[] dropped_attributes_count event_index",
        _SPAN_ENUMS,
    ),
    _build_context(
        "span",
        _SURROUNDING_CONTEXTS,
        "trace_id trace_id.string span_id span_id.string trace_state[] parent_span_id parent_span_id.string name kind "
        "kind.string kind.deprecated_string start_time_unix_nano end_time_unix_nano start_time end_time attributes[] "
        "dropped_attributes_count events dropped_events_count links dropped_links_count status status.code "
        "status.message flags",
        _SPAN_ENUMS,
    ),
    _build_context(
        "profile",
        _SURROUNDING_CONTEXTS,
        "sample_type sample_type.type sample_type.unit sample time_unix_nano time duration_unix_nano duration "
        "period_type period_type.type period_type.unit period profile_id profile_id.string attribute_indices "
        "dropped_attributes_count original_payload_format original_payload attributes[]",
    ),
    _build_context("scope", "resource otelcol", "name version attributes[] dropped_attributes_count schema_url"),
    _build_context("resource", "otelcol", "attributes[] dropped_attributes_count schema_url"),
    _build_context("otelcol", "", "client.addr client.auth.attributes[] client.metadata[] grpc.metadata[]"),
)


def _inferred_places(component: str, signals: dict[str, str], kind: str) -> list[dict[str, Any]]:
    """Return the lists of texts, or of groups with a `context`, of a processor: `trace_statements` and so on."""
    places = []
    for signal, contexts in signals.items():
        place = f"processors.{component}.{signal}_{kind}s"
        places.append({"place": place, "contexts": contexts.split(), "kind": kind})
    return places


def _fixed_places(component: str, context_of_path: dict[str, str]) -> list[dict[str, Any]]:
    """Return the places of a component whose texts are of one context each."""
    places = []
    for path, context in context_of_path.items():
        places.append({"place": f"{component}.{path}", "contexts": [context], "kind": "fixed"})
    return places


def _policy_places(policy: str) -> list[dict[str, Any]]:
    """Return the conditions of a policy of tail_sampling at a path below `policies`."""
    places = []
    for context in ("span", "spanevent"):
        place = f"processors.tail_sampling.policies.{policy}.ottl_condition.{context}.*"
        places.append({"place": place, "contexts": [context], "kind": "policy"})
    return places


_BY_SIGNAL = {
    "trace": "span spanevent scope resource",
    "metric": "datapoint metric scope resource",
    "log": "log scope resource",
    "profile": "profile scope resource",
}
_FILTER_PATHS = {
    "traces.resource.*": "resource",
    "traces.span.*": "span",
    "traces.spanevent.*": "spanevent",
    "metrics.resource.*": "resource",
    "metrics.metric.*": "metric",
    "metrics.datapoint.*": "datapoint",
    "logs.resource.*": "resource",
    "logs.log_record.*": "log",
    "profiles.resource.*": "resource",
    "profiles.profile.*": "profile",
}
_COUNT_PATHS = {
    "spans.*.conditions.*": "span",
    "spanevents.*.conditions.*": "spanevent",
    "metrics.*.conditions.*": "metric",
    "datapoints.*.conditions.*": "datapoint",
    "logs.*.conditions.*": "log",
    "profiles.*.conditions.*": "profile",
}
PLACES = (
    *_inferred_places("transform", _BY_SIGNAL | {"metric": f"exemplar {_BY_SIGNAL['metric']}"}, "statement"),
    *_inferred_places("filter", _BY_SIGNAL, "condition"),
    *_fixed_places("processors.filter", _FILTER_PATHS),
    *_fixed_places("connectors.count", _COUNT_PATHS),
    {
        "place": "connectors.routing.table.*",
        "contexts": ["log", "datapoint", "metric", "span", "resource", "otelcol"],
        "kind": "route",
    },
    *_policy_places("*"),
    *_policy_places("*.and.and_sub_policy.*"),
    *_policy_places("*.composite.composite_sub_policy.*"),
    *_policy_places("*.drop.drop_sub_policy.*"),
)
