# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Cases of the rules on what components check of their own settings: log operators, scrape configs, TLS, queues."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.rules.subject import Subject

from tests.contract.mutants.edits import Mutator, built, plus

CASES = """
out-of-range:
  given: {build: contrib 0.158.0}
  a queue of nothing: {exporters.otlp_grpc: {endpoint: "x:1", sending_queue: {queue_size: 0}},
    finds: "exporters.otlp_grpc.sending_queue.queue_size: 'queue_size' is at least 1, not 0"}
  the port of a syslog exporter: {exporters.syslog: {endpoint: x, port: 0}, signal: logs,
    finds: "exporters.syslog.port: 'port' is between 1 and 65535, not 0"}
  a batch that the queue has no place for: {exporters.otlp_grpc: {endpoint: "x:1", sending_queue: {sizer: items,
    queue_size: 2000, batch: {min_size: 4000}}},
    finds: "exporters.otlp_grpc.sending_queue.queue_size: 'batch.min_size' is 4000, more than 'queue_size', which is
      2000 Write at least 4000 for `queue_size`."}
  batches that are turned on, in a queue that is smaller than they are by default: {exporters.otlp_grpc: {
    endpoint: "x:1", sending_queue: {sizer: items, batch: {}}},
    finds: "exporters.otlp_grpc.sending_queue.queue_size: 'batch.min_size' is 8192 by default, more than 'queue_size',
      which is 1000 by default Write at least 8192 for `queue_size`."}
  default batches in a queue of a size: {exporters.otlp_http: {endpoint: "http://x",
    sending_queue: {sizer: items, queue_size: 5000, batch: {flush_timeout: 1s}}},
    finds: "exporters.otlp_http.sending_queue.queue_size: 'batch.min_size' is 8192 by default, more than 'queue_size',
      which is 5000 Write"}
  batches of a size in a default queue: {exporters.kafka: {sending_queue: {sizer: items, batch: {min_size: 5000}}},
    finds: "exporters.kafka.sending_queue.queue_size: 'batch.min_size' is 5000, more than 'queue_size', which is 1000 by
      default"}
  default batches of bytes: {exporters.debug.sending_queue: {sizer: bytes, batch: {}},
    finds: "exporters.debug.sending_queue.queue_size: 'batch.min_size' is 8192 by default"}
  batches of null are default ones of items: {exporters.debug.sending_queue: {sizer: items, batch: null},
    finds: "exporters.debug.sending_queue.queue_size: 'batch.min_size' is 8192 by default"}
  batches of null in a queue of bytes: {exporters.debug.sending_queue: {sizer: bytes, batch: null}}
  no batches: {exporters.otlp_grpc: {endpoint: "x:1", sending_queue: {sizer: items}}}
  default batches that fit: {exporters.otlp_grpc: {endpoint: "x:1",
    sending_queue: {sizer: items, queue_size: 8192, batch: {}}}}
  batches of any size: {exporters.otlp_grpc: {endpoint: "x:1", sending_queue: {sizer: items, batch: {min_size: null}}}}
  default batches in another unit: {exporters.otlp_grpc: {endpoint: "x:1",
    sending_queue: {sizer: items, batch: {sizer: bytes}}}}
  batches that are turned off: {exporters.otlp_grpc: {endpoint: "x:1",
    sending_queue: {sizer: items, queue_size: 5, batch: {enabled: false, min_size: 10}}}}
  default batches of a queue that is turned off: {exporters.otlp_grpc: {endpoint: "x:1",
    sending_queue: {enabled: false, sizer: items, batch: {}}}}
  default batches before the version that has them: {exporters.otlp: {endpoint: "x:1",
    sending_queue: {sizer: items, batch: {}}}, build: contrib 0.137.0,
    finds: "exporters.otlp.sending_queue.queue_size: another version may differ"}
  the batches of elasticsearch are on: {exporters.elasticsearch: {endpoint: "http://x", sending_queue: {sizer: bytes}},
    build: contrib 0.157.0, finds: "exporters.elasticsearch.sending_queue.queue_size: 'batch.min_size' is 1000000 by
      default, more than 'queue_size', which is 10 by default"}
  the batches of elasticsearch are larger than others: {exporters.elasticsearch: {endpoint: "http://x",
    sending_queue: {sizer: items, queue_size: 9000, batch: {}}}, build: contrib 0.157.0,
    finds: "exporters.elasticsearch.sending_queue.queue_size: 'batch.min_size' is 1000000 by default, more than
      'queue_size', which is 9000"}
  batches of a size in the default queue of elasticsearch: {exporters.elasticsearch: {endpoint: "http://x",
    sending_queue: {sizer: bytes, batch: {min_size: 11}}}, build: contrib 0.157.0,
    finds: "exporters.elasticsearch.sending_queue.queue_size: 'batch.min_size' is 11, more than 'queue_size', which is
      10 by default"}
  the batches of elasticsearch are of bytes: {exporters.elasticsearch: {endpoint: "http://x",
    sending_queue: {sizer: items, batch: null}}, build: contrib 0.157.0}
  a batch in another unit: {exporters.otlp_grpc: {endpoint: "x:1", sending_queue: {sizer: requests, queue_size: 2000,
    batch: {sizer: items, min_size: 4000}}}}
  a sampling precision: {processors.probabilistic_sampler.sampling_precision: 4}
  a sampling precision that is too fine: {processors.probabilistic_sampler.sampling_precision: 15,
    finds: "processors.probabilistic_sampler.sampling_precision: 'sampling_precision' is between 1 and 14, not 15"}
  a batch that is larger than its limit: {processors.batch: {send_batch_size: 100, send_batch_max_size: 50},
    finds: "processors.batch.send_batch_max_size: 'send_batch_size' is 100, more than 'send_batch_max_size'"}
  the default size above the limit: {processors.batch.send_batch_max_size: 1000,
    finds: "processors.batch.send_batch_max_size: 'send_batch_size' is 8192"}
  versions in the wrong order: {exporters.otlp_grpc: {endpoint: "x:1", tls: {min_version: "1.3", max_version: "1.2"}},
    finds: "exporters.otlp_grpc.tls.max_version: Write at least 1.3 for `max_version`."}
  a timeout above the interval: {receivers.prometheus.config.scrape_configs:
    [{job_name: a, scrape_interval: 30s, scrape_timeout: 1m}],
    finds: "receivers.prometheus.config.scrape_configs[0].scrape_timeout: 'scrape_timeout' is 1m, more than the
      interval, which is 30s Shorten it",
    signal: metrics}
  a timeout above the interval of all jobs: {receivers.prometheus.config: {global: {scrape_interval: 1m30s},
    scrape_configs: [{job_name: a, scrape_timeout: 1d}]}, signal: metrics,
    finds: "receivers.prometheus.config.scrape_configs[0].scrape_timeout: which is 1m30s in `global`"}
  a timeout above the default interval: {receivers.prometheus.config.scrape_configs: [{job_name: a,
    scrape_timeout: 61s}], signal: metrics,
    finds: "receivers.prometheus.config.scrape_configs[0].scrape_timeout: which is a minute by default"}
  an unknown interval of all jobs: {receivers.prometheus.config: {global: {scrape_interval: "${env:A}"},
    scrape_configs: [{job_name: a, scrape_timeout: 61s}]}, signal: metrics}
  a timeout above its own interval where that of all jobs is unknown: {receivers.prometheus.config:
    {global: {scrape_interval: "${env:A}"}, scrape_configs: [{job_name: a, scrape_interval: 10s, scrape_timeout: 20s}]},
    finds: "receivers.prometheus.config.scrape_configs[0].scrape_timeout: the interval, which is 10s", signal: metrics}
  a fraction above the most: {processors.memory_limiter: {check_interval: 1s, limit_percentage: 100.5}}
  a fraction of a limit: {processors.batch.send_batch_max_size: 0.5}
  an interval of zero is the default: {signal: metrics, receivers.prometheus.config: {global: {scrape_interval: 0,
    scrape_timeout: 10s}, scrape_configs: [{job_name: a, scrape_interval: 0s, scrape_timeout: 10s}]}}
  a time in nanoseconds: {exporters.otlp_http: {endpoint: "http://x",
    retry_on_failure: {max_interval: 5, max_elapsed_time: 50}},
    finds: "exporters.otlp_http.retry_on_failure.max_elapsed_time: 'initial_interval' is 5s by default, more"}
  a longer time than some nanoseconds: {exporters.otlp_http: {endpoint: "http://x",
    retry_on_failure: {initial_interval: 10, max_elapsed_time: 60s}}}
  acknowledgements of Kafka: {exporters.kafka: {brokers: ["kafka:9092"], client_id: a, producer: {required_acks: 2}},
    finds: "exporters.kafka.producer.required_acks: between -1 and 1, not 2"}
  a negative time: {processors.batch.timeout: "-1s", finds: "processors.batch.timeout: cannot be negative"}
  no pause between checks of memory: {processors.memory_limiter: {check_interval: "-1s", limit_mib: 5},
    finds: "processors.memory_limiter.check_interval: must be more than zero"}
  a spike above all: {signal: logs,
    processors.memory_limiter: {check_interval: 1s, limit_percentage: 80, spike_limit_percentage: 101},
    finds: "processors.memory_limiter.spike_limit_percentage: between 0 and 100, not 101"}
  no pause between scrapes: {receivers.host_metrics: {collection_interval: "0s", scrapers: {cpu: {}}}, signal: metrics,
    finds: "receivers.host_metrics.collection_interval: must be more than zero"}
  a pause of zero without a unit: {receivers.host_metrics: {collection_interval: "0", scrapers: {cpu: {}}},
    signal: metrics, finds: "receivers.host_metrics.collection_interval: must be more than zero, and it is 0"}
  a pause of zero with a sign: {receivers.host_metrics: {collection_interval: "-0", scrapers: {cpu: {}}},
    signal: metrics, finds: "receivers.host_metrics.collection_interval: must be more than zero, and it is -0"}
  a queue that is turned off: {exporters.otlp_grpc: {endpoint: "x:1", sending_queue: {enabled: false, queue_size: 0}}}
  correct ones:
    {exporters.otlp_grpc: {endpoint: "x:1", sending_queue: {queue_size: 5}, retry_on_failure: {multiplier: 1.5}},
    processors.batch: {send_batch_size: 100, send_batch_max_size: 0, timeout: 0s}}
  a variable: {processors.batch: {send_batch_size: 100, send_batch_max_size: "${env:SIZE}"}}
  a version of which nothing is known: {processors.batch.timeout: "-1s", build: contrib 0.170.0,
    finds: "processors.batch.timeout: nearest known version"}
conflicting-settings:
  given: {build: contrib 0.158.0}
  batches of a queue of requests: {exporters.otlp_grpc: {endpoint: "x:1",
    sending_queue: {sizer: requests, batch: {min_size: 1}}},
    finds: "exporters.otlp_grpc.sending_queue.batch: sizer 'requests' takes no 'batch'"}
  a sizer of batches that is null is the default: {exporters.otlp_grpc: {endpoint: "x:1",
    sending_queue: {sizer: requests, batch: {sizer: null}}}}
  null is false: {exporters.debug: {use_internal_logger: null, output_paths: [stdout]}}
  a certificate of a scrape without its key: {receivers.prometheus.config.scrape_configs: [{job_name: a,
    tls_config: {cert_file: /a}}], signal: metrics,
    finds: "receivers.prometheus.config.scrape_configs[0].tls_config.cert_file: Add `key_file: FILE`."}
  a key in the config without its certificate: {exporters.otlp_grpc: {endpoint: "x:1", tls: {key_pem: "${env:K}"}},
    finds: "exporters.otlp_grpc.tls.key_pem: Add `cert_pem: VALUE`."}
  settings of which one rules the other out: {exporters.kafka: {partition_logs_by_resource_attributes: true,
    partition_logs_by_trace_id: true}, signal: logs,
    finds: "exporters.kafka.partition_logs_by_trace_id: Remove `partition_logs_by_trace_id`."}
  a dimension by name and pattern: {connectors.span_metrics.dimensions: [{name: a, glob: "b.*"}],
    finds: "connectors.span_metrics.dimensions[0].glob: name and glob exclude each other Remove `glob`."}
  a trace on disk: {processors.groupbytrace.store_on_disk: true,
    finds: "processors.groupbytrace.store_on_disk: 'True' is not supported yet Remove the key."}
  one that is off: {exporters.kafka: {partition_logs_by_resource_attributes: true, partition_logs_by_trace_id: false},
    signal: logs}
  octet counting over UDP: {receivers.syslog: {protocol: rfc5424, udp: {listen_address: "x:1"},
    enable_octet_counting: true}, signal: logs,
    finds: "receivers.syslog.enable_octet_counting: 'udp' takes no 'enable_octet_counting'"}
  a certificate without its key: {exporters.otlp_grpc: {endpoint: "x:1", tls: {cert_file: /a}},
    finds: "exporters.otlp_grpc.tls.cert_file: 'cert_file' needs 'key_file' beside it Add `key_file: FILE`."}
  two CAs: {exporters.otlp_http: {endpoint: "http://x", tls: {ca_file: /a, ca_pem: b}},
    finds: "exporters.otlp_http.tls.ca_pem: ca_file and ca_pem exclude each other Remove `ca_pem`."}
  a circle of operators: {signal: logs, receivers.file_log: {include: [/a], operators: [{type: noop, id: a},
    {type: noop, id: b, output: a}]}, finds: "receivers.file_log.operators[1].output: operator 'a' leads back"}
  operators in another order: {signal: logs, receivers.file_log: {include: [/a], operators: [
    {type: noop, id: a, output: c}, {type: noop, id: b, output: d}, {type: noop, id: c, output: b},
    {type: noop, id: d}]}}
  a queue on disk that waits: {exporters.otlp_grpc: {endpoint: "x:1", sending_queue: {wait_for_result: true,
    storage: file_storage}}, extensions.file_storage: {},
    finds: "exporters.otlp_grpc.sending_queue.storage: takes no 'storage' Remove `storage`."}
  two resolvers: {exporters.load_balancing.resolver: {dns: {hostname: a}, static: {hostnames: [b]}},
    finds: "exporters.load_balancing.resolver.dns: static and dns exclude each other"}
  operators with empty ids: {signal: logs, receivers.file_log: {include: [/a], operators: [
    {type: noop, id: "", output: noop1}, {type: noop, id: ""}]}}
  two jobs of one name: {receivers.prometheus.config.scrape_configs: [{job_name: a}, {job_name: a}], signal: metrics,
    finds: "receivers.prometheus.config.scrape_configs[1].job_name: 'a' is the job_name of another item too"}
  a label to drop with a source: {receivers.prometheus.config.scrape_configs: [{job_name: a,
    relabel_configs: [{action: labeldrop, source_labels: [b]}]}], signal: metrics,
    finds: "receivers.prometheus.config.scrape_configs[0].relabel_configs[0].source_labels: takes no"}
  two operators of one id: {receivers.file_log: {include: [/a], operators: [{type: noop, id: a}, {type: noop, id: a}]},
    signal: logs, finds: "receivers.file_log.operators[1].id: 'a' is the id of another operator too"}
  delimiters that are the same: {receivers.file_log: {include: [/a],
    operators: [{type: key_value_parser, delimiter: "=", pair_delimiter: "="}]}, signal: logs,
    finds: "receivers.file_log.operators[0].pair_delimiter: are the same"}
  a key of metadata twice: {processors.batch.metadata_keys: [a, A], finds: "processors.batch.metadata_keys[1]: twice"}
  a dimension that is always there: {connectors.span_metrics.dimensions: [{name: span.name}],
    finds: "connectors.span_metrics.dimensions[0].name: always there"}
  attributes without their routing: {exporters.load_balancing: {resolver: {static: {hostnames: [a]}},
    routing_attributes: [b]}, finds: "exporters.load_balancing.routing_attributes: the default of routing_key takes no"}
  correct ones: {exporters.otlp_grpc: {endpoint: "x:1", tls: {cert_file: /a, key_pem: b, ca_file: ""}},
    exporters.load_balancing: {resolver: {static: {hostnames: [a]}}, routing_attributes: []},
    receivers.file_log: {include: [/a], operators: [{type: noop}, {type: noop}]}}
  a receiver that no pipeline uses:
    {receivers.file_log: {include: [/a], operators: [{type: noop, id: a}, {type: noop, id: a}]},
    traces: otlp > debug, finds: "receivers.file_log.operators[1].id: no pipeline uses it yet"}
invalid-regex:
  given: {build: contrib 0.158.0}
  tags of a detector: {processors.resource_detection: {detectors: [env, azure], azure: {tags: ["("]}},
    finds: "processors.resource_detection.azure.tags[0]: this group has no closing `)`"}
  tags of a detector that does not run: {processors.resource_detection: {detectors: [env], ec2: {tags: ["("]}}}
  names of metrics: {exporters.awsemf: {metric_declarations: [{dimensions: [[a]], metric_name_selectors: ["("]}]},
    signal: metrics, finds: "exporters.awsemf.metric_declarations[0].metric_name_selectors[0]: no closing `)`"}
  a lookahead: {receivers.file_log: {include: [/a], operators: [{type: regex_parser, regex: "(?P<a>b)(?=c)"}]},
    signal: logs, finds: "receivers.file_log.operators[0].regex: Go has no lookahead"}
  no named group: {receivers.file_log: {include: [/a], operators: [{type: regex_parser, regex: "a(b)"}]}, signal: logs,
    finds: "receivers.file_log.operators[0].regex: has no named group"}
  an open group: {receivers.prometheus.config.scrape_configs: [{job_name: a,
    metric_relabel_configs: [{source_labels: [a], target_label: b, regex: "("}]}], signal: metrics,
    finds: "receivers.prometheus.config.scrape_configs[0].metric_relabel_configs[0].regex: no closing `)`"}
  labels of pods: {processors.k8s_attributes.extract.labels: [{key_regex: "a++"}],
    finds: "processors.k8s_attributes.extract.labels[0].key_regex: possessive"}
  devices: {receivers.host_metrics.scrapers.disk.exclude: {devices: ["["], match_type: regexp}, signal: metrics,
    finds: "receivers.host_metrics.scrapers.disk.exclude.devices[0]: no closing `]`"}
  masked values: {processors.redaction: {blocked_values: [a, "b("]},
    finds: "processors.redaction.blocked_values[1]: no closing `)`"}
  names that are no expressions: {receivers.host_metrics.scrapers.disk.exclude: {devices: ["["], match_type: strict}}
  correct ones: {receivers.file_log: {include: [/a], operators: [{type: regex_parser, regex: "(?<a>b)$$"}]},
    signal: logs}
unknown-value:
  given: {build: contrib 0.158.0}
  how an observer logs in: {extensions.k8s_observer.auth_type: serviceaccount,
    finds: "extensions.k8s_observer.auth_type: 'serviceaccount' is unknown here; did you mean 'serviceAccount'?"}
  a group of metrics: {receivers.kubelet_stats: {metric_groups: [nodes]}, signal: metrics,
    finds: "receivers.kubelet_stats.metric_groups[0]: 'nodes' is unknown here; did you mean 'node'?"}
  how objects come: {receivers.k8s_objects: {objects: [{name: events, mode: stream}]}, signal: logs,
    finds: "receivers.k8s_objects.objects[0].mode: Use one of pull, watch."}
  a path without a slash: {extensions.health_check.path: health,
    finds: "extensions.health_check.path: 'health' is no path of a URL Begin it with a slash: `/health`."}
  how a detector logs in: {processors.resource_detection: {detectors: [k8snode], k8snode: {auth_type: token}},
    finds: "processors.resource_detection.k8snode.auth_type: Use one of none, serviceAccount"}
  a key that batches are not parted by: {exporters.kafka: {include_metadata_keys: [tenant, team],
    sending_queue: {batch: {partition: {metadata_keys: [tenant, teams]}}}},
    finds: "exporters.kafka.include_metadata_keys[1]: 'team' is not in sending_queue.batch.partition.metadata_keys;
      did you mean 'teams'? Add it"}
  keys that may come from outside: {exporters.kafka: {include_metadata_keys: [tenant],
    sending_queue: {batch: {partition: {metadata_keys: ["${env:KEY}"]}}}}}
  a schema without a patch version: {processors.schema.targets: ["https://opentelemetry.io/schemas/1.26"],
    finds: "processors.schema.targets[0]: is not the URL of a version of a schema"}
  a class without an end: {receivers.file_log.include: ["/var/[a"], signal: logs,
    finds: "receivers.file_log.include[0]: is not a pattern of files: a `[` has no characters or no `]`"}
  a role of a service discovery: {receivers.prometheus.config.scrape_configs: [{job_name: a,
    hetzner_sd_configs: [{role: cloud}]}], signal: metrics,
    finds: "receivers.prometheus.config.scrape_configs[0].hetzner_sd_configs[0].role: did you mean 'hcloud'?"}
  a verbosity: {exporters.debug.verbosity: verbose,
    finds: "exporters.debug.verbosity: Use one of basic, normal, detailed."}
  an action, not used yet: {config: {processors: {attributes: {actions: [{key: a, action: replace, value: 1}]}}},
    finds: "processors.attributes.actions[0].action: (no pipeline uses it yet)"}
  in any case: {exporters.debug.verbosity: Detailed}
  a size without a unit that exists: {receivers.file_log: {include: [/a], max_log_size: 10M}, signal: logs,
    finds: "receivers.file_log.max_log_size: '10M' is not a number of bytes Write a number with a unit, such as `1Mi"}
  a size of answers: {receivers.prometheus.config.scrape_configs: [{job_name: a, body_size_limit: 10mb}],
    signal: metrics, finds: "receivers.prometheus.config.scrape_configs[0].body_size_limit: such as `10MB`."}
  a field with an open quote: {receivers.file_log: {include: [/a], operators: [{type: unquote, field: "body['a"}]},
    signal: logs, finds: "receivers.file_log.operators[0].field: a bracket or quote is missing"}
  digits in a layout: {receivers.file_log: {include: [/a], operators:
    [{type: time_parser, parse_from: body.t, layout: "2006-%m"}]}, signal: logs,
    finds: "receivers.file_log.operators[0].layout: a layout of strptime has no digits"}
  an expression in an attribute: {receivers.file_log: {include: [/a], attributes: {a: "x EXPR(body +)"}}, signal: logs,
    finds: "receivers.file_log.attributes.a: nothing follows `+`"}
  a proxy: {receivers.prometheus.config.scrape_configs: [{job_name: a, proxy_url: "proxy:80:80 x:"},
    {job_name: b, proxy_url: "http://proxy:http"}], signal: metrics,
    finds: "receivers.prometheus.config.scrape_configs[1].proxy_url: its port is not a number"}
  a target allocator: {receivers.prometheus.target_allocator: {endpoint: a, collector_id: b, interval: 30s},
    signal: metrics, finds: "receivers.prometheus.target_allocator.endpoint: this is not a URL: its scheme"}
  targets in a text file: {receivers.prometheus.config.scrape_configs: [{job_name: a,
    file_sd_configs: [{files: [/a.txt]}]}], signal: metrics,
    finds: "receivers.prometheus.config.scrape_configs[0].file_sd_configs[0].files[0]: not a path of target files"}
  sizes and URLs: {receivers.file_log: {include: [/a], max_log_size: 1.5 kb, attributes: {a: "EXPR(body) EXPR(1)"}},
    receivers.prometheus.config.scrape_configs: [{job_name: a, body_size_limit: 0, proxy_url: "http://a:1/b?c",
    file_sd_configs: [{files: ["/a/*.yml"]}]}]}
  a level: {service.telemetry.metrics.level: NONE}
  colons without brackets: {exporters.otlp_grpc.endpoint: "::1:4317",
    finds: "exporters.otlp_grpc.endpoint: '::1:4317' has too many colons; an IPv6 address stands in brackets"}
  a user before the host: {exporters.otlp_grpc.endpoint: "https://u:p@a.example:4317",
    finds: "exporters.otlp_grpc.endpoint: 'https://u:p@a.example:4317' has too many colons; an IPv6 address stands
      in brackets Write `a.example:4317`."}
  a scheme without an address, which resolves nothing: {exporters.otlp_grpc.endpoint: "ftp://x"}
  a server has no scheme: {receivers.jaeger.protocols.thrift_http.endpoint: "http://0.0.0.0:14268",
    finds: "receivers.jaeger.protocols.thrift_http.endpoint: is a URL, and a server listens on a host and a port Write
      `0.0.0.0:14268`."}
  a server's port: {receivers.jaeger.protocols.grpc.endpoint: "0.0.0.0:99999",
    finds: "receivers.jaeger.protocols.grpc.endpoint: has a port that is not between 1 and 65535"}
  an empty reference: {exporters.otlp_http: {endpoint: "http://a", auth: {authenticator: ""}},
    finds: "exporters.otlp_http.auth.authenticator: this is empty"}
  a malformed id of a login: {exporters.otlp_http: {endpoint: "http://x", auth: {authenticator: "a/"}},
    finds: "exporters.otlp_http.auth.authenticator: 'a/' is not a component id: the name after the slash is empty"}
  null among names: {processors.resource_detection.detectors: [env, null],
    finds: "processors.resource_detection.detectors[1]: '' is unknown here"}
  a scheme: {exporters.elasticsearch.endpoints: ["localhost:9200"], signal: logs, build: contrib 0.157.0,
    finds: "exporters.elasticsearch.endpoints[0]: is not a URL with `http://` or `https://`"}
  text for a list: {processors.resource_detection.detectors: "env,ec3",
    finds: "processors.resource_detection.detectors: 'ec3' is unknown here; did you mean"}
  a time zone: {receivers.file_log: {include: [/a], operators: [{type: time_parser, parse_from: body.t, layout: "%Y",
    location: utc}]}, signal: logs, finds: "receivers.file_log.operators[0].location: 'utc' is not a time zone"}
  an empty field: {receivers.file_log: {include: [/a], operators: [{type: json_parser, parse_to: ""}]}, signal: logs,
    finds: "receivers.file_log.operators[0].parse_to: this is empty"}
  a mode and a path: {exporters.file: {path: /a, create_directory: true, directory_permissions: "0999"},
    finds: "exporters.file.directory_permissions: '0999' is not a mode of files"}
  addresses, zones and modes: {exporters.otlp_grpc.endpoint: "dns:///[::1]:4317",
    receivers.jaeger.protocols.grpc.endpoint: "[::]:14250", processors.resource_detection.detectors: "env,ec2",
    receivers.file_log: {include: [/a], operators: [{type: time_parser, parse_from: body.t, layout: "%Y",
    location: America/Argentina/Ushuaia}]},
    exporters.file: {path: "/a/*", group_by: {enabled: true}, create_directory: true, directory_permissions: "0755"}}
unknown-operator:
  given: {build: contrib 0.158.0, signal: logs}
  an output: {receivers.file_log: {include: [/a], operators: [{type: noop, output: pars}, {type: noop, id: parse}]},
    finds: "receivers.file_log.operators[0].output: no operator has the id 'pars'; did you mean 'parse'?"}
  a route: {receivers.file_log: {include: [/a], operators: [{type: router, routes: [{expr: "true", output: x}]}]},
    finds: "receivers.file_log.operators[0].routes[0].output: no operator has the id 'x'"}
  settings of other types: {receivers.file_log: {include: [/a], operators: [{type: stdout, output: x, if: "a ="},
    {type: router, output: y, on_error: z}]}}
  correct ones: {receivers.file_log: {include: [/a], operators: [{type: router, default: noop1}, {type: noop},
    {type: noop},
    {type: noop, output: [noop, "${env:X}"]}]}}
feature-gate:
  given: {build: contrib 0.158.0, signal: logs}
  a flattened body: {processors.transform: {flatten_data: true, log_statements: []},
    finds: "processors.transform.flatten_data: Start the Collector with `--feature-gates=transform.flatten.logs`."}
  a file that is deleted: {receivers.file_log: {include: [/a], delete_after_read: true, start_at: beginning},
    finds: "receivers.file_log.delete_after_read: needs the feature gate filelog.allowFileDeletion"}
  a pipeline of profiles: {profiles: otlp > debug, finds: "service.pipelines.profiles: service.profilesSupport"}
  settings that are off: {processors.transform: {flatten_data: false, log_statements: []}}
  a pipeline of another version: {profiles: otlp > debug, build: contrib 0.170.0}
  other pipelines: {logs/profiles: otlp > debug}
sampling-policy:
  given: {build: contrib 0.158.0}
  an unknown type: {processors.tail_sampling.policies: [{name: a, type: status_codes}],
    finds: "processors.tail_sampling.policies[0].type: did you mean 'status_code'?"}
  an unknown status: {processors.tail_sampling.policies: [{name: a, type: status_code,
    status_code: {status_codes: [BAD]}}],
    finds: "processors.tail_sampling.policies[0].status_code.status_codes[0]: Use one of OK, ERROR, UNSET."}
  a name twice: {processors.tail_sampling.policies: [{name: a, type: always_sample}, {name: a, type: always_sample}],
    finds: "processors.tail_sampling.policies[1].name: another item"}
  a group in a group: {processors.tail_sampling.policies: [{name: a, type: composite, composite:
    {composite_sub_policy: [{name: b, type: composite}]}}],
    finds: "processors.tail_sampling.policies[0].composite.composite_sub_policy[0].type: 'composite' is unknown here"}
  no type: {processors.tail_sampling.policies: [{name: a}], finds: "processors.tail_sampling.policies[0]: 'type'"}
  one of all kinds inside another: {processors.tail_sampling.policies: [{name: a, type: composite, composite:
    {composite_sub_policy: [{name: b, type: and, and: {and_sub_policy: [{name: c, type: not, not:
    {not_sub_policy: {name: d, type: latency, latency: {threshold_ms: 9}}}}]}}]}}]}
  no name: {processors.tail_sampling.policies: [{type: always_sample}],
    finds: "processors.tail_sampling.policies[0]: name"}
  the type of an extension: {processors.tail_sampling.policies: [{name: a, type: acme}], extensions.acme: {}}
  a correct one: {processors.tail_sampling.policies: [{name: a, type: status_code,
    status_code: {status_codes: [ERROR]}}]}
refused-at-start:
  given: {build: contrib 0.158.0}
  a cipher that Go does not have: {exporters.otlp_grpc: {endpoint: "a:1", tls: {cipher_suites: [TLS_RSA]}},
    finds: "exporters.otlp_grpc.tls.cipher_suites[0]: 'TLS_RSA' is unknown here"}
  a weak cipher that is not allowed: {exporters.otlp_grpc: {endpoint: "a:1",
    tls: {cipher_suites: [TLS_RSA_WITH_AES_128_CBC_SHA]}},
    finds: "exporters.otlp_grpc.tls.cipher_suites[0]: 'TLS_RSA_WITH_AES_128_CBC_SHA' is unknown here"}
  a weak cipher that is allowed: {exporters.otlp_grpc: {endpoint: "a:1",
    tls: {include_insecure_cipher_suites: true, cipher_suites: [TLS_RSA_WITH_AES_128_CBC_SHA]}}}
  a curve of another spelling: {receivers.zipkin: {endpoint: "x:1", tls: {curve_preferences: [P-256]}},
    finds: "receivers.zipkin.tls.curve_preferences[0]: did you mean 'P256'?"}
  a certificate that was cut: {exporters.otlp_http: {endpoint: "http://a:1",
    tls: {ca_pem: "-----BEGIN CERTIFICATE-----\\nYWJj\\n-----END CERTIFICATE-----"}},
    finds: "exporters.otlp_http.tls.ca_pem: this is no text in the format PEM"}
  a commit that comes too often: {receivers.kafka.autocommit.interval: 1ms,
    finds: "receivers.kafka.autocommit.interval: 'autocommit.interval' is at least 100ms, not 1ms"}
  no commits at all: {receivers.kafka.autocommit: {enable: false, interval: 1ms}}
  a wait that is too long: {exporters.kafka.producer.linger: 2m, signal: logs,
    finds: "exporters.kafka.producer.linger: 'producer.linger' is at most 1m, not 2m"}
  no name of an authenticator: {exporters.otlp_http: {endpoint: "http://a:1", auth: {authenticator: null}},
    finds: "exporters.otlp_http.auth: 'authenticator' is missing"}
  a reader that sends nowhere: {service.telemetry.metrics.readers: [{pull: {}}],
    finds: "service.telemetry.metrics.readers[0].pull: 'exporter.prometheus' is missing"}
  a reader that nothing reads: {service.telemetry.metrics: {level: none, readers: [{pull: {}}]}}
  a host with a scheme: {service.telemetry.metrics.readers:
    [{pull: {exporter: {prometheus: {host: "http://a", port: 1}}}}],
    finds: "service.telemetry.metrics.readers[0].pull.exporter.prometheus.host: 'http://a' is no host"}
  a delay below zero: {service.telemetry.logs.processors: [{batch: {schedule_delay: -5, exporter: {console: {}}}}],
    finds: "service.telemetry.logs.processors[0].batch.schedule_delay: 'schedule_delay' is at least 0, not -5"}
  logs for a URL: {service.telemetry.logs.output_paths: ["http://a/log"],
    finds: "service.telemetry.logs.output_paths[0]: 'http://a/log' is no place for logs"}
  no detectors: {processors.resource_detection.detectors: [],
    finds: "processors.resource_detection.detectors: 'detectors' is an empty list"}
  a way to share partitions that nobody knows: {receivers.kafka.group_rebalance_strategy: cooperative,
    finds: "receivers.kafka.group_rebalance_strategy: did you mean 'cooperative-sticky'?"}
  an address with a blank: {service.telemetry.metrics.readers:
    [{periodic: {exporter: {otlp: {protocol: grpc, endpoint: "a b"}}}}],
    finds: "service.telemetry.metrics.readers[0].periodic.exporter.otlp.endpoint: 'a b' is no address"}
  a label of two words: {processors.k8s_attributes.filter.labels: [{key: a b, value: c}],
    finds: "processors.k8s_attributes.filter.labels[0].key: 'a b' is no key of a Kubernetes label"}
  a path in place of a certificate: {exporters.otlp_http: {endpoint: "http://a:1", tls: {ca_pem: /etc/ca.pem}},
    finds: "exporters.otlp_http.tls.ca_pem: this is no text in the format PEM Write the text with `-----BEGIN …-----`,
      or `ca_file: FILE`."}
  a certificate of a variable: {exporters.otlp_http: {endpoint: "http://a:1", tls: {ca_pem: "${env:CA}"}}}
  a proxy without a scheme: {exporters.otlp_http: {endpoint: "http://a:1", proxy_url: proxy},
    finds: "exporters.otlp_http.proxy_url: this is not a URL"}
  one path for two signals: {receivers.otlp.protocols.http: {endpoint: "x:1", traces_url_path: /v1/logs},
    traces: otlp > debug, logs: otlp > debug,
    finds: "receivers.otlp.protocols.http.logs_url_path: traces_url_path and logs_url_path are the same"}
  that path with one signal: {receivers.otlp.protocols.http: {endpoint: "x:1", traces_url_path: /v1/logs},
    traces: otlp > debug}
  that path with one signal beside an exporter of the same id with the other: {receivers.otlp.protocols.http:
    {endpoint: "x:1", traces_url_path: /v1/logs}, receivers.nop: {}, exporters.otlp: {endpoint: "x:1"},
    traces: otlp > debug, logs: nop > otlp}
  a path with a blank: {receivers.otlp.protocols.http: {endpoint: "x:1", traces_url_path: "/a b"},
    finds: "receivers.otlp.protocols.http.traces_url_path: '/a b' is no path of a URL"}
  packets at a server of connections: {receivers.otlp.protocols.grpc: {endpoint: "x:1", transport: udp},
    finds: "receivers.otlp.protocols.grpc.transport: 'udp' brings packets, and this server needs connections"}
  a login of kubelets at the API server: {processors.k8s_attributes: {auth_type: tls},
    finds: "processors.k8s_attributes.auth_type: 'tls' ends the Collector: it is for kubelets alone"}
  a lease shorter than its renewal: {extensions.k8s_leader_elector: {lease_name: a, lease_namespace: b,
    lease_duration: 10s}, service.extensions: [k8s_leader_elector],
    finds: "extensions.k8s_leader_elector.lease_duration: 'renew_deadline' is 10s by default; 'lease_duration' has to be
      more than 10s, and it is 10s Write more than 10s for `lease_duration`."}
  a renewal that is not tried twice: {extensions.k8s_leader_elector: {lease_name: a, lease_namespace: b,
    retry_period: 9s}, service.extensions: [k8s_leader_elector],
    finds: "extensions.k8s_leader_elector.renew_deadline: 'retry_period' is 9s; 'renew_deadline' has to be more than 1.2
      times 9s, and it is 10s by default Write more than 1.2 times 9s for `renew_deadline`."}
  a usual lease: {extensions.k8s_leader_elector: {lease_name: a, lease_namespace: b},
    service.extensions: [k8s_leader_elector]}
  users that are nowhere: {extensions.basicauth.htpasswd: {}, service.extensions: [basicauth],
    finds: "extensions.basicauth.htpasswd: one of file, inline is missing"}
  an interval that is negative: {exporters.load_balancing: {protocol: {otlp: {}}, resolver: {dns: {hostname: a,
    interval: -1s}}}, finds: "exporters.load_balancing.resolver.dns.interval: cannot be negative"}
  an encoding of another signal: {receivers.kafka.metrics.encoding: raw, signal: metrics,
    finds: "receivers.kafka.metrics.encoding: 'raw' is unknown here"}
  an encoding of a pipeline that is not there: {receivers.kafka.metrics.encoding: raw, signal: logs}
  a text in no encoding: {receivers.kafka.logs.encoding: text_utf99, signal: logs,
    finds: "receivers.kafka.logs.encoding: 'utf99' is not an encoding of text"}
  a policy that counts: {processors.tail_sampling: {sampling_strategy: span-ingest, policies: [{name: a,
    type: rate_limiting}]}, finds: "processors.tail_sampling.policies[0].type: 'rate_limiting' counts"}
  propagators that the service does not have: {service.telemetry.traces: {propagators: [jaeger], processors: [{batch:
    {exporter: {console: {}}}}]}, finds: "service.telemetry.traces.propagators[0]: 'jaeger' is unknown here"}
  propagators without own spans: {service.telemetry.traces.propagators: [jaeger]}
  an encoding of text: {receivers.kafka.logs.encoding: text_utf-16, signal: logs}
  an encoding that is an extension: {receivers.kafka.logs.encoding: acme, extensions.acme: {}, signal: logs}
  topics that become expressions: {receivers.kafka.logs.topics: ["a(", "^b"], signal: logs,
    finds: "receivers.kafka.logs.topics[0]: Go refuses this regular expression"}
  topics that are names: {receivers.kafka.logs.topics: ["a(", "b"], signal: logs}
  a broker whose port is a word: {exporters.kafka.brokers: ["a:kafka"], signal: logs,
    finds: "exporters.kafka.brokers[0]: 'a:kafka' is no address with a port of digits Write `HOST:PORT`."}
  own logs over an unknown protocol: {service.telemetry.logs.processors: [{batch: {exporter: {otlp: {endpoint: "http://a",
    protocol: http/json}}}}], finds: "service.telemetry.logs.processors[0].batch.exporter.otlp.protocol: 'http/json'"}
  own metrics over no protocol: {service.telemetry.metrics: {readers: [{periodic: {exporter: {otlp: {endpoint:
    "http://a"}}}}]}, finds: "service.telemetry.metrics.readers[0].periodic.exporter.otlp: 'protocol' is missing"}
  own logs in another format: {service.telemetry.logs.encoding: xml,
    finds: "service.telemetry.logs.encoding: 'xml' is unknown here"}
"""


def _made(*rows: tuple[str, str, Any, str]) -> Mutator:
    """Return the mutator that adds one component after the other to a config of contrib."""

    def mutate(subject: Subject) -> Iterator[Subject]:
        for section, kind, settings, signal in rows:
            yield plus(subject, section, kind, settings, signal, **built("contrib", "0.158.0"))

    return mutate


def _operators(*operators: Any) -> tuple[str, str, Any, str]:
    return ("receivers", "file_log", {"include": ["/a"], "operators": list(operators)}, "logs")


def _policies(*policies: Any) -> tuple[str, str, Any, str]:
    return ("processors", "tail_sampling", {"policies": list(policies)}, "traces")


def _grpc(**settings: Any) -> tuple[str, str, Any, str]:
    return ("exporters", "otlp_grpc", {"endpoint": "a:1", **settings}, "traces")


MUTATORS = {
    "out-of-range": _made(
        _grpc(sending_queue={"queue_size": 0}),
        _grpc(retry_on_failure={"randomization_factor": 2}),
        ("processors", "batch", {"send_batch_max_size": 5}, "traces"),
    ),
    "conflicting-settings": _made(
        _grpc(tls={"cert_file": "/a"}),
        _grpc(tls={"ca_file": "/a", "ca_pem": "b"}),
        _operators({"type": "noop", "id": "a"}, {"type": "noop", "id": "a"}),
    ),
    "invalid-regex": _made(
        _operators({"type": "regex_parser", "regex": "a"}),
        _operators({"type": "regex_replace", "field": "body", "regex": "("}),
        ("processors", "k8s_attributes", {"extract": {"labels": [{"key_regex": "(?!a)"}]}}, "traces"),
    ),
    "feature-gate": _made(
        ("processors", "transform", {"flatten_data": True}, "logs"),
        ("receivers", "file_log", {"include": ["/x"], "header": {"pattern": "a"}}, "logs"),
    ),
    "ignored-setting": _made(
        (
            "receivers",
            "syslog",
            {"protocol": "rfc5424", "tcp": {"listen_address": "a:1"}, "udp": {"listen_address": "a:1"}},
            "logs",
        ),
    ),
    "unknown-operator": _made(
        _operators({"type": "noop", "output": "a"}), _operators({"type": "router", "default": "a"})
    ),
    "refused-at-start": _made(
        _grpc(tls={"cipher_suites": ["TLS_RSA"]}),
        ("exporters", "otlp_http", {"endpoint": "http://a:1", "proxy_url": "proxy"}, "traces"),
        ("processors", "k8s_attributes", {"auth_type": "tls"}, "traces"),
        ("receivers", "file_log", {"include": ["/a"], "poll_interval": "0s"}, "logs"),
    ),
    "sampling-policy": _made(
        _policies({"name": "a", "type": "b"}),
        _policies({"type": "always_sample"}),
        _policies({"name": "a", "type": "always_sample"}, {"name": "a", "type": "always_sample"}),
    ),
}
