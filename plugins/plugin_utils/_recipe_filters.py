# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filters of the templates of recipes, by name. Controller only. Private."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..module_utils._collector import gen_ai_cost, gen_ai_protection, gen_ai_sums, gpu_exporters, ottl_builders
from ..module_utils._otelcol.kube.service_names import headless_address
from . import _filters_of_exporters, _filters_of_scrapes, _general_filters

# What templates of recipes can do beside Jinja's own filters.
FILTERS: dict[str, Callable[..., Any]] = {
    "and_rotated": _filters_of_scrapes.and_rotated,
    "annotated_jobs": _filters_of_scrapes.annotated_jobs,
    "any_of": _general_filters.any_of,
    "calls_of_models": gen_ai_sums.calls_of_models,
    "client_tls": _filters_of_exporters.client_tls,
    "cost_statements": gen_ai_cost.cost_statements,
    "critical_places": _filters_of_scrapes.critical_places,
    "document_mapping": _filters_of_exporters.document_mapping,
    "gen_ai_protection": gen_ai_protection.protection,
    "given": _general_filters.given,
    "gpu_counters": gpu_exporters.kept_names,
    "gpu_exporter_pods": gpu_exporters.exporter_pods,
    "gpu_labels_to_attributes": gpu_exporters.labels_to_attributes,
    "gpu_pod_attributes": gpu_exporters.pod_attributes,
    "gpu_port": _filters_of_scrapes.gpu_port,
    "gpu_without_empty": gpu_exporters.without_empty,
    "headless": headless_address,
    "host_scrapers": _filters_of_scrapes.host_scrapers,
    "of_namespaces": _filters_of_scrapes.of_namespaces,
    "on_own_node": _filters_of_scrapes.on_own_node,
    "once": _general_filters.once,
    "ottl_number": ottl_builders.ottl_number,
    "pairs": _general_filters.pairs,
    "places": _filters_of_scrapes.places,
    "pods_of_gpu_metrics": gpu_exporters.pods_of_gpu_metrics,
    "sums_of_calls": gen_ai_sums.sums_of_calls,
    "to_json": _general_filters.to_json,
    "whole_values": _general_filters.whole_values,
    "without": _filters_of_exporters.without,
    "workspace_address": _filters_of_exporters.workspace_address,
}
