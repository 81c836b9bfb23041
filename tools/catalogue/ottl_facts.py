# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hand-written facts about OTTL, the OpenTelemetry Transformation Language, that are in no struct of its code.

`ottl.py` joins them with what it reads of the code, and writes the table ottl.json. The facts are:

- which packages have functions, and where these can be called
- which arguments are more than their type says: a regular expression, a glob, one of some words
- which paths and enums each context has
- at which places of a config texts in OTTL stand

Source: pkg/ottl of opentelemetry-collector-contrib, and the components of that repository that the facts name.
`tests/integration/test_ottl.py` asks the real Collector for each path, enum and word.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple, TypedDict

END_VERSION = "0.162.0"  # the first version that the table says nothing about


class ContextRow(TypedDict):
    """A row of ottl.json about a context: what a text about a span, a log record and so on can name."""

    context: str
    sees: list[str]
    """The contexts whose paths a text may name, this one first."""
    paths: list[str]
    """Its own paths; one that takes keys ends with `[]`."""
    enums: list[str]


class OttlPlaceRow(TypedDict):
    """A row of ottl.json about a place in configs at which texts in OTTL stand."""

    place: str
    """Section, type and path in the settings, such as `processors.filter.traces.span.*`; `*` is any key or index."""
    contexts: list[str]
    """The contexts that a text may have there."""
    kind: str
    """How the texts stand there.

    `statement` and `condition`: a list of texts whose context is inferred, or of groups that may name it. `fixed` and
    `policy`: conditions with the one context of the place, the second in policies of tail_sampling. `route`: a row of
    the table of connector routing.
    """


class Package(NamedTuple):
    """A Go package with functions of OTTL."""

    group: str
    """Where its functions can be called; `standard` is everywhere."""
    module: str
    """The path of its module in the repository."""
    folder: str
    """Its folder in the module."""


PACKAGES = (
    Package("standard", "pkg/ottl", "ottlfuncs"),
    Package("transform metric", "processor/transformprocessor", "internal/metrics"),
    Package("transform span", "processor/transformprocessor", "internal/traces"),
    Package("transform log", "processor/transformprocessor", "internal/logparsingfuncs"),
    Package("condition metric", "internal/filter", "filterottl"),
)
# The grok patterns of ExtractGrokPatterns, which are the same at every version of the table.
GROK_FOLDER = "github.com/elastic/go-grok@v0.3.1/patterns"
# The function of connector routing, which no package of functions has.
ROUTE_FUNCTION = {"function": "route", "in": "route", "arguments": []}
# The groups of functions that can be called at fewer places than the others of their package.
NARROWER_GROUPS = {
    "IsRootSpan": "span",
    "convert_summary_sum_val_to_sum": "transform datapoint",
    "convert_summary_count_val_to_sum": "transform datapoint",
    "merge_histogram_buckets": "transform datapoint",
}


def has_history(module: str) -> bool:
    """Whether every version of a module is read, so that the first and last version of its functions are known."""
    return module != "internal/filter"


# ── Arguments ──

_AGGREGATION = "literal-text=sum|max|min|mean|median|count"
_TEMPORALITY = "literal-text=delta|cumulative"
# The kind of each argument, as `FUNCTION.ARGUMENT`, that the type in its struct does not tell.
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

# ── Contexts ──

_SPAN_ENUMS = (
    "SPAN_KIND_UNSPECIFIED SPAN_KIND_INTERNAL SPAN_KIND_SERVER SPAN_KIND_CLIENT SPAN_KIND_PRODUCER SPAN_KIND_CONSUMER "
    "STATUS_CODE_UNSET STATUS_CODE_OK STATUS_CODE_ERROR"
)
_METRIC_ENUMS = (
    "AGGREGATION_TEMPORALITY_UNSPECIFIED AGGREGATION_TEMPORALITY_DELTA AGGREGATION_TEMPORALITY_CUMULATIVE "
    "METRIC_DATA_TYPE_NONE METRIC_DATA_TYPE_GAUGE METRIC_DATA_TYPE_SUM METRIC_DATA_TYPE_HISTOGRAM "
    "METRIC_DATA_TYPE_EXPONENTIAL_HISTOGRAM METRIC_DATA_TYPE_SUMMARY"
)
_SEVERITY_ENUMS = " ".join(
    f"SEVERITY_NUMBER_{level}{number}"
    for level in ("TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL")
    for number in ("", 2, 3, 4)
)
# The contexts around each record.
_SURROUNDING_CONTEXTS = "scope instrumentation_scope resource otelcol"


def _build_context(name: str, visible_contexts: str, paths: str, enums: str = "") -> ContextRow:
    """Return the row of a context. The words of each text are the other contexts that it sees, its paths, its enums."""
    return {
        "context": name,
        "sees": f"{name} {visible_contexts}".split(),
        "paths": paths.split(),
        "enums": enums.split(),
    }


# In the order in which a context is chosen for texts whose paths name several.
CONTEXTS = (
    _build_context(
        name="log",
        visible_contexts=_SURROUNDING_CONTEXTS,
        paths=(
            "time_unix_nano observed_time_unix_nano time observed_time severity_number severity_text body[] "
            "body.string attributes[] dropped_attributes_count flags trace_id trace_id.string span_id span_id.string "
            "event_name"
        ),
        enums=f"SEVERITY_NUMBER_UNSPECIFIED {_SEVERITY_ENUMS}",
    ),
    _build_context(
        name="exemplar",
        visible_contexts=f"datapoint metric {_SURROUNDING_CONTEXTS}",
        paths=(
            "time_unix_nano time double_value int_value trace_id trace_id.string span_id span_id.string "
            "filtered_attributes[]"
        ),
    ),
    _build_context(
        name="datapoint",
        visible_contexts=f"metric {_SURROUNDING_CONTEXTS}",
        paths=(
            "attributes[] start_time_unix_nano time_unix_nano start_time time value_double value_int exemplars flags "
            "count sum bucket_counts explicit_bounds scale zero_count positive positive.offset positive.bucket_counts "
            "negative negative.offset negative.bucket_counts quantile_values"
        ),
        enums=f"{_METRIC_ENUMS} FLAG_NONE FLAG_NO_RECORDED_VALUE",
    ),
    _build_context(
        name="metric",
        visible_contexts=_SURROUNDING_CONTEXTS,
        paths="name description unit type aggregation_temporality is_monotonic data_points metadata[]",
        enums=_METRIC_ENUMS,
    ),
    _build_context(
        name="spanevent",
        visible_contexts=f"span {_SURROUNDING_CONTEXTS}",
        paths="time_unix_nano time name attributes[] dropped_attributes_count event_index",
        enums=_SPAN_ENUMS,
    ),
    _build_context(
        name="span",
        visible_contexts=_SURROUNDING_CONTEXTS,
        paths=(
            "trace_id trace_id.string span_id span_id.string trace_state[] parent_span_id parent_span_id.string name "
            "kind kind.string kind.deprecated_string start_time_unix_nano end_time_unix_nano start_time end_time "
            "attributes[] dropped_attributes_count events dropped_events_count links dropped_links_count status "
            "status.code status.message flags"
        ),
        enums=_SPAN_ENUMS,
    ),
    _build_context(
        name="profile",
        visible_contexts=_SURROUNDING_CONTEXTS,
        paths=(
            "sample_type sample_type.type sample_type.unit sample time_unix_nano time duration_unix_nano duration "
            "period_type period_type.type period_type.unit period profile_id profile_id.string attribute_indices "
            "dropped_attributes_count original_payload_format original_payload attributes[]"
        ),
    ),
    _build_context(
        name="scope",
        visible_contexts="resource otelcol",
        paths="name version attributes[] dropped_attributes_count schema_url",
    ),
    _build_context(
        name="resource",
        visible_contexts="otelcol",
        paths="attributes[] dropped_attributes_count schema_url",
    ),
    _build_context(
        name="otelcol",
        visible_contexts="",
        paths="client.addr client.auth.attributes[] client.metadata[] grpc.metadata[]",
    ),
)


# ── Places of texts ──


def _list_inferred_places(processor: str, contexts_by_signal: Mapping[str, str], kind: str) -> list[OttlPlaceRow]:
    """Return the places of a processor whose texts may have several contexts: `trace_statements` and so on."""
    places: list[OttlPlaceRow] = []
    for signal, contexts in contexts_by_signal.items():
        place = f"processors.{processor}.{signal}_{kind}s"
        places.append({"place": place, "contexts": contexts.split(), "kind": kind})
    return places


def _list_fixed_places(component: str, context_by_path: Mapping[str, str]) -> list[OttlPlaceRow]:
    """Return the places of a component such as `connectors.count` whose texts have one context each."""
    places: list[OttlPlaceRow] = []
    for path, context in context_by_path.items():
        places.append({"place": f"{component}.{path}", "contexts": [context], "kind": "fixed"})
    return places


def _list_policy_places(policy_path: str) -> list[OttlPlaceRow]:
    """Return the places of conditions in the policies of tail_sampling that are at a path below `policies`."""
    places: list[OttlPlaceRow] = []
    for context in ("span", "spanevent"):
        place = f"processors.tail_sampling.policies.{policy_path}.ottl_condition.{context}.*"
        places.append({"place": place, "contexts": [context], "kind": "policy"})
    return places


# The contexts that a text about a signal may have.
_CONTEXTS_BY_SIGNAL = {
    "trace": "span spanevent scope resource",
    "metric": "datapoint metric scope resource",
    "log": "log scope resource",
    "profile": "profile scope resource",
}
_TRANSFORM_CONTEXTS = _CONTEXTS_BY_SIGNAL | {"metric": "exemplar datapoint metric scope resource"}
# The context of each list of conditions of processor filter, by its path.
_FILTER_CONTEXTS = {
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
# The context of each list of conditions of connector count, by its path.
_COUNT_CONTEXTS = {
    "spans.*.conditions.*": "span",
    "spanevents.*.conditions.*": "spanevent",
    "metrics.*.conditions.*": "metric",
    "datapoints.*.conditions.*": "datapoint",
    "logs.*.conditions.*": "log",
    "profiles.*.conditions.*": "profile",
}
_ROUTE_PLACE: OttlPlaceRow = {
    "place": "connectors.routing.table.*",
    "contexts": ["log", "datapoint", "metric", "span", "resource", "otelcol"],
    "kind": "route",
}
PLACES = (
    *_list_inferred_places("transform", _TRANSFORM_CONTEXTS, "statement"),
    *_list_inferred_places("filter", _CONTEXTS_BY_SIGNAL, "condition"),
    *_list_fixed_places("processors.filter", _FILTER_CONTEXTS),
    *_list_fixed_places("connectors.count", _COUNT_CONTEXTS),
    _ROUTE_PLACE,
    *_list_policy_places("*"),
    *_list_policy_places("*.and.and_sub_policy.*"),
    *_list_policy_places("*.composite.composite_sub_policy.*"),
    *_list_policy_places("*.drop.drop_sub_policy.*"),
)
