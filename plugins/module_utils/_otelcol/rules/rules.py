# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The table of all rules. A new rule is one function and one row in the file of its topic.

Rules judge for the build and the platform that will run the config; what is not known exactly is no error. Rules marked
`shared` agree with `otelcol validate`: tests/integration compares them with the real Collector. Schema, CEL rules and
webhook of the operator are rules too, compared with its end-to-end cases and a real API server.
"""

from __future__ import annotations

from . import (
    attribute_names,
    authenticators,
    aws_exporters,
    batching,
    client_metadata,
    components,
    connectors,
    custom_resource_rules,
    data_of_hosts,
    datadog_exporter,
    deprecated_settings,
    divided_data,
    elasticsearch_documents,
    environment_variables,
    expansion,
    exporter_settings,
    health_checks,
    instrumentation_rules,
    ip_families,
    listen_addresses,
    loops,
    memory_limiters,
    mounted_files,
    needed_consent,
    network_exposure,
    node_access,
    observers,
    ottl_statements,
    permissions,
    pod_resources,
    port_reachability,
    ports,
    processor_order,
    references,
    request_sizes,
    scraping,
    secrets_in_clear,
    series_count,
    setting_fields,
    setting_values,
    structure,
    tail_sampling_memory,
    target_allocators,
    vendor_endpoints,
    workload_placement,
)
from .findings import Finding, run_rules
from .rule_definitions import Rule
from .subject import Subject
from .user_rules import NO_USER_RULES, UserRules

# In the order of docs/rules.md.
_RULE_MODULES = (
    structure,
    references,
    authenticators,
    environment_variables,
    permissions,
    mounted_files,
    needed_consent,
    components,
    deprecated_settings,
    connectors,
    client_metadata,
    expansion,
    setting_fields,
    setting_values,
    ottl_statements,
    processor_order,
    batching,
    memory_limiters,
    tail_sampling_memory,
    pod_resources,
    series_count,
    ports,
    port_reachability,
    health_checks,
    listen_addresses,
    ip_families,
    workload_placement,
    node_access,
    divided_data,
    data_of_hosts,
    loops,
    observers,
    scraping,
    target_allocators,
    custom_resource_rules,
    instrumentation_rules,
    secrets_in_clear,
    network_exposure,
    exporter_settings,
    vendor_endpoints,
    datadog_exporter,
    aws_exporters,
    elasticsearch_documents,
    request_sizes,
    attribute_names,
)
# The rules that need no config of a Collector, and look at custom resources such as an Instrumentation.
_RESOURCE_RULE_MODULES = (custom_resource_rules, instrumentation_rules)
RULES: tuple[Rule, ...] = tuple(rule for topic in _RULE_MODULES for rule in topic.RULES)
_RESOURCE_RULES = tuple(rule for topic in _RESOURCE_RULE_MODULES for rule in topic.RULES)


def lint_config(subject: Subject, own_rules: UserRules = NO_USER_RULES) -> list[Finding]:
    """Return the findings of every rule and of the user's own ones, sorted by position."""
    return run_rules((*RULES, *own_rules.rules) if own_rules.user_rules else RULES, subject)


def lint_resource(subject: Subject) -> list[Finding]:
    """Return the findings in a custom resource that holds no config."""
    return run_rules(_RESOURCE_RULES, subject)
