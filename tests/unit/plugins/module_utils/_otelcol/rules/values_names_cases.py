# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Cases of the rules on names that Go knows, on severities of log operators, and on settings that a signal excludes."""

from __future__ import annotations

CASES = """
out-of-range:
  given: {build: contrib 0.158.0, signal: logs}
  a range of severities that takes memory: {receivers.file_log: {include: [/a], operators: [{type: severity_parser,
    parse_from: body.a, mapping: {error: {min: 1, max: 1000000}}}]},
    finds: "receivers.file_log.operators[0].mapping.error: keeps all 1,000,000 numbers of this range in memory"}
  a range of severities that takes all memory: {receivers.file_log: {include: [/a], operators: [{type: json_parser,
    severity: {parse_from: body.a, mapping: {error: [{min: 1, max: 1000000000000000}]}}}]},
    finds: "receivers.file_log.operators[0].severity.mapping.error[0]: Write the range of numbers that records have."}
  ranges of severities: {receivers.file_log: {include: [/a], operators: [{type: severity_parser, parse_from: body.a,
    mapping: {error: {min: 1, max: 999999}, warn: [{min: 499, max: 400}, 4xx, 7], info: null}}]}}
  an operator that has no severity: {receivers.file_log: {include: [/a], operators: [{type: noop,
    severity: {mapping: {error: {min: 1, max: 1000000000000000}}}}]}}
  a negative pause: {processors.k8s_attributes.watch_sync_period: "-1s",
    finds: "processors.k8s_attributes.watch_sync_period: cannot be negative"}
conflicting-settings:
  given: {build: contrib 0.158.0}
  abbreviations without a place: {receivers.file_log: {include: [/a], operators: [{type: time_parser,
    parse_from: body.t, layout: "%Y", time_zone_locations: {CET: Europe/Zurich}}]}, signal: logs,
    finds: "receivers.file_log.operators[0].time_zone_locations: no abbreviation of a time zone Add `%Z` to `layout`"}
  abbreviations of a layout of Go: {receivers.file_log: {include: [/a], operators: [{type: json_parser,
    timestamp: {parse_from: body.t, layout: "2006", layout_type: gotime, time_zone_locations: {CET: UTC}}}]},
    signal: logs, finds: "receivers.file_log.operators[0].timestamp.time_zone_locations: Add `MST` to `layout`"}
  abbreviations: {receivers.file_log: {include: [/a], operators: [{type: time_parser, parse_from: body.t,
    layout: "%Y %Z", time_zone_locations: {CET: Europe/Zurich}}, {type: time_parser, parse_from: body.t,
    layout: s, layout_type: epoch, time_zone_locations: {CET: UTC}}]}, signal: logs}
  spans by the name of a metric: {exporters.load_balancing: {resolver: {static: {hostnames: [a]}},
    routing_key: metric}, finds: "exporters.load_balancing.routing_key: 'metric' does not work in pipelines of traces
    Write `traceID`, `service` or `attributes`."}
  white space around the id in a pipeline: {exporters.load_balancing: {resolver: {static: {hostnames: [a]}},
    routing_key: metric}, service.pipelines.traces: {receivers: [otlp], exporters: ["load_balancing "]},
    finds: "exporters.load_balancing.routing_key: 'metric' does not work in pipelines of traces"}
  spans by resource: {exporters.load_balancing: {resolver: {static: {hostnames: [a]}}, routing_key: resource},
    metrics: otlp > load_balancing, traces: otlp > load_balancing,
    finds: "exporters.load_balancing.routing_key: 'resource' does not work in pipelines of traces"}
  records by stream: {exporters.load_balancing: {resolver: {static: {hostnames: [a]}}, routing_key: streamID},
    signal: logs, finds: "exporters.load_balancing.routing_key: 'streamID' does not work in pipelines of logs"}
  metrics by trace: {exporters.load_balancing: {resolver: {static: {hostnames: [a]}}, routing_key: traceID},
    signal: metrics, finds: "exporters.load_balancing.routing_key: 'traceID' does not work in pipelines of metrics"}
  metrics by the name of a metric: {exporters.load_balancing: {resolver: {static: {hostnames: [a]}},
    routing_key: metric}, signal: metrics}
  spans by trace: {exporters.load_balancing: {resolver: {static: {hostnames: [a]}}, routing_key: traceID}}
  records by trace: {exporters.load_balancing: {resolver: {static: {hostnames: [a]}}, routing_key: traceID},
    signal: logs}
  an exporter that no pipeline uses: {exporters.load_balancing: {resolver: {static: {hostnames: [a]}},
    routing_key: metric}, traces: otlp > debug}
  two roots: {receivers: {host_metrics/a: {root_path: /sys, scrapers: {cpu: {}}}, host_metrics/b: {root_path: "/",
    scrapers: {cpu: {}}}, host_metrics/c: {root_path: /host, scrapers: {cpu: {}}}}, signal: metrics,
    finds: "receivers.host_metrics/c.root_path: share one root_path, and it is '/sys' in another one Write `/sys`."}
  one root: {receivers: {host_metrics/a: {root_path: /host, scrapers: {cpu: {}}}, host_metrics/b: {scrapers: {cpu: {}}},
    host_metrics/c: {root_path: /host, scrapers: {cpu: {}}}, host_metrics/d: {root_path: "${env:ROOT}",
    scrapers: {cpu: {}}}}, signal: metrics}
  a header of other columns: {receivers.file_log: {include: [/a], operators: [{type: csv_parser, header: "a,b",
    delimiter: ";"}]}, signal: logs, finds: "receivers.file_log.operators[0].header: the header has no delimiter `;`
    Write several names with `;` between them, or set `header_delimiter`."}
  headers of columns: {receivers.file_log: {include: [/a], operators: [
    {type: csv_parser, header: "a;b", delimiter: ";"}, {type: csv_parser, header: "a,b"},
    {type: csv_parser, header: "a$$b", header_delimiter: "$$"}, {type: csv_parser, header: "${env:HEADER}"},
    {type: csv_parser, header_attribute: a}]}, signal: logs}
  lines of no text: {receivers.file_log: {include: [/a], encoding: nop, multiline: {line_end_pattern: a}}, signal: logs,
    finds: "receivers.file_log.multiline.line_end_pattern: encoding 'nop' takes no 'multiline.line_end_pattern'"}
  no lines of no text: {receivers.file_log: {include: [/a], encoding: nop, multiline: {line_start_pattern: ""}},
    signal: logs}
  bodies of spans: {processors.attributes: {include: {match_type: strict, log_bodies: [a]},
    actions: [{key: a, action: delete}]}, finds: "processors.attributes.include.log_bodies: this component does not
    support 'log_bodies' in pipelines of traces Remove `log_bodies`."}
  services of records: {processors.attributes: {exclude: {match_type: strict, services: [a]},
    actions: [{key: a, action: delete}]}, signal: logs,
    finds: "processors.attributes.exclude.services: this component does not support 'services' in pipelines of logs"}
  bodies of records: {processors.attributes: {include: {match_type: strict, log_bodies: [a]},
    actions: [{key: a, action: delete}]}, signal: logs}
  spans by two languages: {processors.filter: {traces: {span: ["true"]}, spans: {include: {match_type: strict,
    services: [a]}}}, finds: "processors.filter.spans.include: traces.span and spans.include exclude each other"}
  records by two languages: {processors.filter.logs: {log_record: ["true"], exclude: {match_type: strict,
    bodies: [a]}}, signal: logs, finds: "processors.filter.logs.exclude: log_record and exclude exclude each other"}
  one language each: {processors.filter: {logs: {log_record: ["true"], resource: ["true"]},
    spans: {include: {match_type: strict, services: [a]}}}}
  names of version 2 in version 1: {exporters.prometheus_remote_write: {endpoint: "http://a",
    translation_strategy: NoTranslation}, signal: metrics,
    finds: "exporters.prometheus_remote_write.translation_strategy: 'NoTranslation' needs version 2 of the protocol"}
  names of version 2: {exporters.prometheus_remote_write: {endpoint: "http://a", translation_strategy: NoTranslation,
    protobuf_message: io.prometheus.write.v2.Request}, signal: metrics}
  two ways to log in of which one is empty: {extensions.basicauth: {client_auth: {}, htpasswd: {inline: a}},
    finds: "extensions.basicauth.htpasswd: client_auth and htpasswd exclude each other Remove `htpasswd`."}
  one way to log in: {extensions.basicauth: {client_auth: null, htpasswd: {}}}
  a token beside a user: {signal: metrics, receivers.prometheus.config.scrape_configs: [{job_name: a,
    basic_auth: {username: a}, bearer_token_file: /a}],
    finds: "receivers.prometheus.config.scrape_configs[0].bearer_token_file: basic_auth and bearer_token_file exclude"}
  an action in capitals: {processors.attributes.actions: [{key: a, action: DELETE, value: 1}],
    finds: "processors.attributes.actions[0].value: action 'DELETE' takes no 'value' Remove `value`."}
unknown-value:
  given: {build: contrib 0.158.0, signal: logs}
  a range of severities without an end: {receivers.file_log: {include: [/a], operators: [{type: severity_parser,
    parse_from: body.a, mapping: {error: {min: 400}}}]}, finds: "receivers.file_log.operators[0].mapping.error:
    a range has whole numbers for `min` and `max` Write `{min: 400, max: 499}`."}
  a range of texts: {receivers.file_log: {include: [/a], operators: [{type: json_parser,
    severity: {parse_from: body.a, mapping: {error: [4xx, {min: "400", max: "499"}]}}}]},
    finds: "receivers.file_log.operators[0].severity.mapping.error[1]: a range has whole numbers"}
  nothing in a list of severities: {receivers.file_log: {include: [/a], operators: [{type: severity_parser,
    parse_from: body.a, mapping: {error: [null]}}]},
    finds: "receivers.file_log.operators[0].mapping.error[0]: no value of a severity Write text, a number or a range."}
  a range that is expanded: {receivers.file_log: {include: [/a], operators: [{type: severity_parser,
    parse_from: body.a, mapping: {error: {min: "${env:MIN}", max: 5}, warn: {min: "0o10", max: 9}}}]}}
  a time zone with a mistake: {receivers.file_log: {include: [/a], operators: [{type: time_parser, parse_from: body.t,
    layout: "%Y", location: Europe/Zurch}]}, finds: "receivers.file_log.operators[0].location: 'Europe/Zurch' is not a
    time zone; did you mean 'Europe/Zurich'? Write a name such as `UTC` or `Europe/Zurich`."}
  a time zone of an abbreviation: {receivers.file_log: {include: [/a], operators: [{type: json_parser,
    timestamp: {parse_from: body.t, layout: "%Y %Z", time_zone_locations: {PST: PST}}}]},
    finds: "receivers.file_log.operators[0].timestamp.time_zone_locations.PST: 'PST' is not a time zone"}
  time zones: {receivers.file_log: {include: [/a], operators: [{type: time_parser, parse_from: body.t, layout: "%Y %Z",
    location: posix/Asia/Calcutta, time_zone_locations: {PST: America/Los_Angeles, X: ""}},
    {type: time_parser, parse_from: body.t, layout_type: native, location: x},
    {type: move, from: body, to: attributes.a, timestamp: {layout: x, location: y}}]}}
  an encoding: {receivers.file_log: {include: [/a], encoding: utf-9},
    finds: "receivers.file_log.encoding: 'utf-9' is not an encoding of text; did you mean 'utf-8'?"}
  an encoding without a table: {receivers.file_log: {include: [/a], encoding: UTF-32},
    finds: "receivers.file_log.encoding: 'UTF-32' is not an encoding of text"}
  an encoding of syslog: {receivers.syslog: {protocol: rfc5424, tcp: {listen_address: "a:1", encoding: cp1252}},
    finds: "receivers.syslog.tcp.encoding: Write a name such as `utf-8` or `latin1`."}
  encodings: {receivers.file_log: {include: [/a], encoding: Latin1}, receivers.tcp_log: {listen_address: "a:1",
    encoding: utf8-raw}, receivers.udp_log: {listen_address: "a:1", encoding: ""}}
  a header twice: {exporters.otlp_http: {endpoint: "http://a", headers: [{name: a, value: b}, {name: a, value: c}]},
    finds: "exporters.otlp_http.headers[1].name: 'a' is the name of another item too Remove one of the two."}
  headers: {exporters.otlp_http: {endpoint: "http://a", headers: [{name: a, value: b}, {name: A, value: c}]},
    exporters.otlp_grpc: {endpoint: "a:1", headers: {a: b, A: c}}}
  a case of letters: {processors.metrics_transform.transforms: [{include: a, action: update, new_name: b,
    submatch_case: upper-case}], signal: metrics,
    finds: "processors.metrics_transform.transforms[0].submatch_case: Use one of lower, upper."}
  stars in two places: {receivers.prometheus.config: {scrape_configs: [{job_name: a}],
    scrape_config_files: ["/a/*/b"]}, signal: metrics, finds: "receivers.prometheus.config.scrape_config_files[0]:
    '/a/*/b' is not a path of files Write `*` only after the last slash."}
  files of jobs: {receivers.prometheus.config: {scrape_configs: [{job_name: a}],
    scrape_config_files: ["/a/*b*.yml", /c]}, signal: metrics}
  a Service without the domain of its cluster: {exporters.load_balancing.resolver.k8s.service: gateway.prod.svc,
    finds: "exporters.load_balancing.resolver.k8s.service: 'gateway.prod.svc' is not a Service Write
    `NAME.NAMESPACE`, or `NAME.NAMESPACE.svc.cluster.local`."}
  Services: {exporters.load_balancing.resolver.k8s.service: gateway.observability.svc.cluster.local,
    exporters.load_balancing/b.resolver.k8s.service: gateway.observability}
  a compression of what is balanced: {exporters.load_balancing: {resolver: {static: {hostnames: [a]}},
    protocol: {otlp: {compression: GZIP}}},
    finds: "exporters.load_balancing.protocol.otlp.compression: 'GZIP' is unknown"}
  files by a time without its zone: {receivers.file_log: {include: [/a], ordering_criteria: {regex: "(?P<a>b)",
    sort_by: [{regex_key: a, sort_type: timestamp, layout: "%Y", location: PST}]}},
    finds: "receivers.file_log.ordering_criteria.sort_by[0].location: 'PST' is not a time zone"}
  files by a wrong time: {receivers.file_log: {include: [/a], ordering_criteria: {regex: "(?P<a>b)",
    sort_by: [{regex_key: a, sort_type: timestamp, layout: "%Q"}]}},
    finds: "receivers.file_log.ordering_criteria.sort_by[0].layout: `%Q` is no directive of a time"}
  files by a time: {receivers.file_log: {include: [/a], ordering_criteria: {regex: "(?P<a>b)",
    sort_by: [{regex_key: a, sort_type: timestamp, layout: "%Y", location: UTC}, {regex_key: a, sort_type: numeric,
    layout: "%Q", location: x}]}}}
ignored-setting:
  given: {build: contrib 0.158.0, signal: logs}
  a source of pods that is none: {processors.k8s_attributes: {pod_association: [{sources: [{from: resource_attributes,
    name: k8s.pod.ip}]}]},
    finds: "processors.k8s_attributes.pod_association[0].sources[0].from: did you mean 'resource_attribute'?"}
  UDP beside TCP: {receivers.syslog/a: {protocol: rfc5424, tcp: {listen_address: "a:1"}, udp: {listen_address: "a:1"}},
    finds: "receivers.syslog/a.udp: the Collector ignores 'udp' beside 'tcp', and logs nothing Move `udp` to a component
    of its own: `syslog/udp`."}
  TCP in that of UDP: {receivers.syslog/udp: {protocol: rfc5424, tcp: {listen_address: "a:1"}, udp: {}},
    finds: "receivers.syslog/udp.udp: beside 'tcp', and logs nothing Move `tcp` to a component of its own:
      `syslog/tcp`."}
  UDP of defaults beside TCP: {receivers.syslog: {protocol: rfc5424, tcp: {listen_address: "a:1"}, udp: {}},
    finds: "receivers.syslog.udp: ignores 'udp' beside 'tcp'"}
  a receiver for each: {receivers.syslog/tcp: {protocol: rfc5424, tcp: {listen_address: "a:1"}},
    receivers.syslog/udp: {protocol: rfc5424, udp: {listen_address: "a:1"}}}
  no UDP: {receivers.syslog: {protocol: rfc5424, tcp: {listen_address: "a:1"}, udp: null}}
feature-gate:
  given: {build: contrib 0.158.0, signal: logs}
  files by their change: {receivers.file_log: {include: [/a], ordering_criteria: {regex: "(?P<a>b)",
    sort_by: [{sort_type: mtime}]}},
    finds: "receivers.file_log.ordering_criteria.sort_by[0].sort_type: needs the feature gate filelog.mtimeSortType"}
missing-field:
  given: {build: contrib 0.158.0, signal: logs}
  no reader: {receivers.otlp.protocols.grpc: {}, service.telemetry.metrics.readers: [],
    finds: "service.telemetry.metrics.readers: 'readers' is an empty list"}
  no reader for no metrics: {receivers.otlp.protocols.grpc: {}, service.telemetry.metrics: {level: None, readers: []}}
  own logs to no endpoint: {receivers.otlp.protocols.grpc: {},
    service.telemetry.logs.processors: [{batch: {exporter: {otlp: {}}}}],
    finds: "service.telemetry.logs.processors[0].batch.exporter.otlp: 'endpoint' is missing"}
  an allocator that is null: {receivers.prometheus.target_allocator: null, signal: metrics,
    finds: "receivers.prometheus.target_allocator: a value is required"}
  spans that nothing names: {receivers.otlp.protocols.grpc: {}, signal: traces,
    processors.filter.spans.include: {match_type: strict},
    finds: "processors.filter.spans.include: one of services"}
  an attribute without a name: {receivers.otlp.protocols.grpc: {}, signal: traces,
    processors.attributes: {actions: [{key: a, action: delete}],
    include: {match_type: strict, attributes: [null]}}, finds: "processors.attributes.include.attributes[0]: 'key'"}
  a resolver of no settings: {receivers.jaeger.protocols.grpc: {}, exporters.load_balancing: null,
    signal: traces, finds: "exporters.load_balancing: 'resolver' is missing"}
  nothing that is needed: {receivers.jaeger.protocols.grpc: null, exporters.debug: null, processors.batch: null,
    signal: traces}
  the group that files are sorted by: {receivers.file_log: {include: [/a], ordering_criteria: {regex: "(?P<a>b)",
    sort_by: [{sort_type: numeric}]}},
    finds: "receivers.file_log.ordering_criteria.sort_by[0]: 'regex_key' is missing"}
  the field of a severity: {receivers.file_log: {include: [/a], operators: [{type: json_parser, severity: {}}]},
    finds: "receivers.file_log.operators[0].severity: 'parse_from' is missing"}
  a time of an operator that has none: {receivers.file_log: {include: [/a], operators: [
    {type: noop, timestamp: {layout: x}, severity: {preset: x}}]}}
  TCP without a value beside UDP: {receivers.syslog: {protocol: rfc5424, tcp: null, udp: {listen_address: "a:1"}},
    finds: "receivers.syslog.tcp: 'tcp' is null, and a value is required"}
  UDP without an address: {receivers.syslog: {protocol: rfc5424, udp: {}},
    finds: "receivers.syslog.udp: 'listen_address' is missing"}
  UDP without an address that is ignored: {receivers.syslog: {protocol: rfc5424, tcp: {listen_address: "a:1"}, udp: {}}}
wrong-type:
  given: {build: contrib 0.158.0, signal: metrics}
  text for a list of files: {receivers.prometheus.config: {scrape_configs: [{job_name: a}], scrape_config_files: x},
    finds: "receivers.prometheus.config.scrape_config_files: this must be a list, not text"}
removed-setting:
  given: {build: contrib 0.158.0}
  the first match of routes: {connectors.routing: {match_once: true, table: [{condition: "true",
    pipelines: [traces/b]}]}, finds: "connectors.routing.match_once: 'match_once' is gone since 0.120.0 Remove it: only
    the first match counts."}
  no setting for the first match: {connectors.routing: {table: [{condition: "true", pipelines: [traces/b]}]}}
moved-setting:
  given: {build: contrib 0.118.0}
  the first match of routes: {connectors.routing: {match_once: true},
    finds: "connectors.routing.match_once: 'match_once' is deprecated since 0.116.0"}
  before: {connectors.routing: {match_once: true}, build: contrib 0.115.0}
"""
