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
    data_of_hosts,
    datadog_exporter,
    elasticsearch_documents,
    expansion,
    instrumentation_rules,
    ip_families,
    listen_addresses,
    loops,
    observers,
    ottl_statements,
    ports,
    references,
    request_sizes,
    scraping,
    sizing,
    structure,
    transport,
    vendor_endpoints,
)
from . import (
    custom_resource_rules as resource,
)
from . import (
    pod_environment as surroundings,
)
from . import (
    processor_order as order,
)
from . import (
    setting_fields as fields,
)
from . import (
    setting_values as values,
)
from . import (
    workload_placement as placement,
)
from .subject import Finding, Rule, Subject, run_rules
from .user_rules import NONE, UserRules

# In the order of the page on rules.
_TOPICS = (
    *(
        structure,
        references,
        authenticators,
        surroundings,
        components,
        connectors,
        client_metadata,
        expansion,
        fields,
        values,
        ottl_statements,
        order,
        batching,
        sizing,
    ),
    *(
        ports,
        listen_addresses,
        ip_families,
        placement,
        data_of_hosts,
        loops,
        observers,
        scraping,
        resource,
        instrumentation_rules,
        transport,
        vendor_endpoints,
        datadog_exporter,
        aws_exporters,
    ),
    *(elasticsearch_documents, request_sizes, attribute_names),
)
RULES: tuple[Rule, ...] = tuple(rule for topic in _TOPICS for rule in topic.RULES)


def lint(subject: Subject, own: UserRules = NONE) -> list[Finding]:
    """Return the findings of every rule and of the user's own ones, sorted by position."""
    return run_rules((*RULES, *own.rules) if own.all else RULES, subject)


def lint_resource(subject: Subject) -> list[Finding]:
    """Return the findings in a custom resource that holds no config."""
    return run_rules((*resource.RULES, *instrumentation_rules.RULES), subject)
