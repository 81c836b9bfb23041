# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filters of the templates of recipes, by name. Controller only. Private.

A filter of Jinja is a function that a template calls, as in `{{ url | without('/v1/traces') }}`.
`_recipe_rendering.py` gives them to the templates.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..module_utils._collector import gen_ai_cost, gen_ai_protection, gen_ai_sums, gpu_exporters, ottl_builders
from ..module_utils._otelcol.kube.service_names import headless_address
from . import _filters_of_exporters, _filters_of_scrapes, _general_filters

# What templates of recipes can do beside Jinja's own filters.
FILTERS: dict[str, Callable[..., Any]] = {
    "and_rotated": _filters_of_scrapes.add_rotated_files,
    "annotated_jobs": _filters_of_scrapes.list_annotated_jobs,
    "any_of": _general_filters.build_any_of_condition,
    "calls_of_models": gen_ai_sums.model_call_condition,
    "client_tls": _filters_of_exporters.build_client_tls,
    "cost_statements": gen_ai_cost.list_cost_statements,
    "critical_places": _filters_of_scrapes.locate_critical_components,
    "datadog_site": _filters_of_exporters.check_datadog_site,
    "document_mapping": _filters_of_exporters.choose_document_mapping,
    "gen_ai_protection": gen_ai_protection.build_protection,
    "given": _general_filters.drop_empty_values,
    "gpu_counters": gpu_exporters.build_names_pattern,
    "gpu_exporter_pods": gpu_exporters.build_pods_pattern,
    "gpu_labels_to_attributes": gpu_exporters.list_label_statements,
    "gpu_pod_attributes": gpu_exporters.map_pod_attributes,
    "gpu_port": _filters_of_scrapes.choose_gpu_port,
    "gpu_without_empty": gpu_exporters.list_cleanup_statements,
    "headless": headless_address,
    "host_scrapers": _filters_of_scrapes.list_host_scrapers,
    "of_namespaces": _filters_of_scrapes.select_namespace_globs,
    "on_own_node": _filters_of_scrapes.scrapes_own_node,
    "once": _general_filters.check_values_once,
    "ottl_number": ottl_builders.ottl_number,
    "pairs": _general_filters.list_names_and_values,
    "places": _filters_of_scrapes.locate_components,
    "pods_of_gpu_metrics": gpu_exporters.build_gpu_pods_pattern,
    "rising": _general_filters.check_rising_bounds,
    "service_name": _filters_of_exporters.check_service,
    "sums_of_calls": gen_ai_sums.list_call_sums,
    "to_json": _general_filters.convert_to_json,
    "whole_values": _general_filters.match_whole_values,
    "without": _filters_of_exporters.remove_url_ends,
    "workspace_address": _filters_of_exporters.find_workspace_address,
}
