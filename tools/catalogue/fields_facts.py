# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Facts about settings that types do not show: from the components' own Validate, and tried with the Collector.

`fields.py` adds them to the rows of fields.json. Settings and words are in the notation that README.md describes.
"""

from __future__ import annotations

from pathlib import Path

FIELDS_FILE = (
    Path(__file__).parents[2] / "plugins" / "plugin_utils" / "_otelcol" / "_data" / "catalogue" / "fields.json"
)

# Version of a component's module where it is not that of the build that was asked.
READ_AT = {
    "receivers/kubelet_stats": "0.155.0",
    "receivers/k8s_cluster": "0.149.0",
    "exporters/elasticsearch": "0.157.0",
    "exporters/awsxray": "0.159.0",
    "exporters/awsemf": "0.156.0",
    "extensions/sigv4auth": "0.156.0",
    "connectors/routing": "0.157.0",
    "receivers/tcp_log": "0.159.0",
    "receivers/udp_log": "0.159.0",
    "extensions/oidc": "0.159.0",
    "extensions/otlp_encoding": "0.159.0",
}
READ_RELEASE = "0.158.0"

# Releases that only stand beside those of the table: a setting that is the same before and after a release whose module
# is not at hand, is the same in it.
NEIGHBOURS = ("0.149.0", "0.150.0", "0.151.0", "0.152.0", "0.161.0", "0.162.0")

# Components of which a build has a module that is older than the schema that published.yml was read from.
OUTDATED = ("receivers/k8sobjects", "receivers/k8s_objects", "receivers/k8s_events", "extensions/k8s_leader_elector")

# Rows of published.yml. Their schemas are those of upstream's main branch, and a key of 0.139.0 or of another source
# that they lack is entered too, so they hold for all of these versions. Faults in them are warnings with this note.
PUBLISHED_FOR = "0.155.0..0.160.0"
PUBLISHED_DOUBT = "by the published schema of the component; no Collector was asked"

# Places whose keys are read by code of their own, or by one of several older schemas: nothing is said of them.
UNJUDGED_PLACES = (
    "service/telemetry:traces.sampler",
    "service/telemetry:metrics.views",
    "receivers/file_log:header",
    "receivers/file_log:operators",
    "receivers/journald:operators",
    "receivers/syslog:operators",
    "receivers/tcp_log:operators",
    "receivers/udp_log:operators",
    "receivers/prometheus:config",
    "receivers/prometheus:target_allocator",
    "exporters/prometheus_remote_write:remote_write_queue",
)

# Places whose keys are read by code of their own, from the structs of otelconf: 0.2.0 and 0.3.0 of the SDK's
# configuration, which did not change from v0.23.0 to v0.25.0 of that module.
_OTLP = {
    **dict.fromkeys(("certificate", "client_certificate", "client_key", "compression", "endpoint"), "s"),
    **dict.fromkeys(("headers_list", "protocol"), "s"),
    "headers": "ml",  # a mapping, or a list of names with values
    "insecure": "b",
    "timeout": "if",
}
_OTLP_METRIC = {**_OTLP, "default_histogram_aggregation": "s", "temporality_preference": "s"}
_LABELS = {"excluded": ["sl", "s"], "included": ["sl", "s"]}
_PROMETHEUS = {
    "host": "s",
    "port": "if",
    "with_resource_constant_labels": _LABELS,
    **dict.fromkeys(("without_scope_info", "without_type_suffix", "without_units"), "b"),
}
_TIMES = dict.fromkeys(("export_timeout", "max_export_batch_size", "max_queue_size", "schedule_delay"), "if")


def _processor_settings(**exporters: object) -> list[object]:
    exporter_settings = {"console": "?", "otlp": _OTLP, **exporters}
    return [
        "l",
        {"batch": {**_TIMES, "exporter": exporter_settings}, "simple": {"exporter": exporter_settings}, "...": "?"},
    ]


TYPED_PLACES: dict[str, object] = {
    "service/telemetry:logs.processors": _processor_settings(),
    "service/telemetry:traces.processors": _processor_settings(zipkin={"endpoint": "s", "timeout": "if"}),
    "service/telemetry:metrics.readers.*.pull": {"exporter": {"prometheus": _PROMETHEUS}},
    # Any other key is an attribute, as resources were written before.
    "service/telemetry:resource": {"attributes": ["l", "?"], "detectors": {"...": "?"}, "*": "s"},
    "service/telemetry:metrics.readers.*.periodic": {
        "exporter": {"console": "?", "otlp": _OTLP_METRIC},
        "interval": "if",
        "timeout": "if",
    },
}

# Of these one must be there (with `?`: the key is enough).
NEEDED_KEYS = {
    "receivers/otlp": [["protocols.grpc?", "protocols.http?"]],
    "receivers/jaeger": [
        ["protocols.grpc?", "protocols.thrift_http?", "protocols.thrift_binary?", "protocols.thrift_compact?"]
    ],
    "receivers/file_log": [["include"]],
    "receivers/prometheus": [["config.scrape_configs", "config.scrape_config_files", "target_allocator?"]],
    "processors/attributes": [["actions"]],
    "processors/resource": [["attributes"]],
    "processors/delta_to_rate": [["metrics"]],
    "processors/memory_limiter": [["check_interval"], ["limit_mib", "limit_percentage"]],
    "exporters/otlp_grpc": [["endpoint"]],
    "exporters/otlp_http": [["endpoint", "traces_endpoint", "metrics_endpoint", "logs_endpoint", "profiles_endpoint"]],
    "exporters/coralogix": [
        ["private_key"],
        ["domain", "traces.endpoint", "metrics.endpoint", "logs.endpoint", "profiles.endpoint"],
    ],
    "exporters/file": [["path"]],
    "exporters/zipkin": [["endpoint"]],
    "exporters/awscloudwatchlogs": [["log_group_name"], ["log_stream_name"]],
    "connectors/routing": [["table"]],
}

# Rules whose facts of a component hold only when a pipeline uses it: they are checked when it is created.
WHEN_USED = {
    "receivers/file_log": ["missing_field"],
    "processors/attributes": ["unknown_value"],
    "processors/resource": ["unknown_value"],
}

_ACTIONS = "insert update upsert delete hash extract convert"
EMPTY_TEXT = "''"  # no text at all, which stands for the default
_COMPRESSION = "=gzip zlib deflate snappy x-snappy-framed zstd lz4 none " + EMPTY_TEXT
_LEVELS = "none basic normal detailed"
_ERROR_MODES = "ignore silent propagate"

# Text that is one of these words; `=`: as they are, `~`: in any case.
ALLOWED_WORDS = {
    "processors/attributes:actions.*.action": "~" + _ACTIONS,
    "processors/resource:attributes.*.action": "~" + _ACTIONS,
    "exporters/debug:verbosity": "~" + _LEVELS.replace("none ", ""),
    "processors/filter:error_mode": "~" + _ERROR_MODES,
    "processors/transform:error_mode": "~" + _ERROR_MODES,
    "service/telemetry:metrics.level": "~" + _LEVELS,
    "service/telemetry:traces.level": "~" + _LEVELS,
    "service/telemetry:logs.level": "~debug info warn error dpanic panic fatal " + EMPTY_TEXT,
    "exporters/otlp_grpc:compression": _COMPRESSION,
    "exporters/otlp_http:compression": _COMPRESSION,
    "exporters/kafka:producer.required_acks": "=all",
}
