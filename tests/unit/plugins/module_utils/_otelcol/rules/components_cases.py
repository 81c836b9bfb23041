# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Cases of the rules on component types, their settings and their order, and on connectors."""

CASES = """
unknown-component:
  a misspelt type: {processors.bacth: {}, build: contrib 0.158.0,
    finds: "processors.bacth: contrib 0.158.0 has no processor 'bacth'; did you mean 'batch'?"}
  one that only a larger image has: {exporters.awsemf: {}, build: k8s 0.158.0,
    finds: "exporters.awsemf: k8s 0.158.0 has no exporter 'awsemf' Available in: adot, contrib"}
  one that ships in no image: {extensions.healthcheckv2: {}, build: contrib 0.158.0,
    finds: "extensions.healthcheckv2: No official build of this version has it"}
  a type of a vendor: {exporters.acme_cloud: {}, build: contrib 0.158.0,
    finds: "exporters.acme_cloud: no exporter 'acme_cloud' If your build has it, give `distribution_manifest` or
      `distribution_schema`."}
  one of another image at a version whose list is not known: {processors.transform: {}, build: core 0.160.0,
    finds: "processors.transform: core 0.160.0 has no processor 'transform' Available in: contrib, k8s, redhat."}
  a version that nobody knows yet: {exporters.brand_new: {}, build: contrib 0.170.0,
    finds: "exporters.brand_new: checked against 0.159.0, the nearest known version"}
  a distribution that nobody knows: {receivers: {}, processors: {}, build: acme 0.158.0,
    finds: "exporters.debug: does not know the distribution acme"}
  a module of the user's own: {config: {receivers: {acme: {}}}, build: own 0.158.0}
  all known: {processors.batch: {}, build: contrib 0.158.0}
  no build: {exporters.nosuch: {}}
  an id that is none: {exporters: {1: {}, "": {}}, build: contrib 0.158.0}
wrong-class:
  given: {build: contrib 0.158.0}
  a processor among the receivers: {receivers.batch/2: {},
    finds: "receivers.batch/2: 'batch' is not a type of receivers, but of processors Move it to `processors`."}
  a type of two classes: {receivers.zipkin: {}, exporters.zipkin: {}}
newer-name:
  given: {build: redhat 0.135.0}
  today's name on an older version: {processors.k8s_attributes: {},
    finds: "processors.k8s_attributes: redhat 0.135.0 knows 'k8s_attributes' as 'k8sattributes'; the new name exists
      since 0.146.0"}
  the older name there: {processors.k8sattributes: {}}
  today's name today: {processors.k8s_attributes: {}, build: contrib 0.158.0}
removed-component:
  given: {build: contrib 0.158.0}
  an exporter that left: {exporters.logging: {},
    finds: "exporters.logging: 'logging' was removed from the official builds in 0.111.0 The settings differ:
      `verbosity` instead of `loglevel`. Use `debug` in `exporters`."}
  an older name that is refused: {receivers.awslambda: {},
    finds: "receivers.awslambda: rejects the older name Write `aws_lambda`."}
  while it was there: {exporters.loki: {}, build: contrib 0.115.0}
  after the last build whose components are known: {receivers.wavefront: {}, build: contrib 0.162.0,
    finds: "receivers.wavefront: 'wavefront' was removed from the official builds in 0.162.0"}
  in the release before: {receivers.wavefront: {}, build: contrib 0.161.0}
older-name:
  an alias: {exporters.otlphttp/a: {}, build: contrib 0.158.0,
    finds: "exporters.otlphttp/a: 'otlphttp' is called 'otlp_http' since 0.144.0 Write `otlp_http`."}
  all of a file in one line: {exporters: {otlphttp: {}, otlphttp/b: {}, otlp/c: {}}, build: contrib 0.158.0,
    finds: "exporters.otlphttp: 'otlphttp' is called 'otlp_http' since 0.144.0; 'otlp' is 'otlp_grpc'
      Write the newer names; module pipeline_migrate does it."}
  the only name of its time: {exporters.otlphttp: {}, build: contrib 0.115.0}
  no build: {exporters.otlphttp: {}}
unsupported-signal:
  given: {build: contrib 0.158.0}
  an exporter of metrics in traces: {traces: otlp > awsemf,
    finds: "service.pipelines.traces.exporters[0]: exporters of type 'awsemf' do not take traces It takes metrics."}
  a version between those that are known: {traces: otlp > awsemf, build: contrib 0.159.0,
    finds: "service.pipelines.traces.exporters[0]: for a neighbouring version"}
  all supported: {processors.batch: null}
  a connector is another rule's: {connectors.span_metrics: {}}
  a pipeline of nothing known: {service.pipelines: {spans: {receivers: [otlp], exporters: [debug]}}}
unstable-signal:
  given: {build: contrib 0.158.0}
  alpha: {traces: "otlp > otlp_http, debug",
    finds: "service.pipelines.traces.exporters[1]: 'debug' is alpha for traces Expect changes with every version."}
  stable: {traces: otlp > otlp_http}
unknown-field:
  given: {build: contrib 0.158.0}
  a misspelt key: {exporters.otlp_grpc: {endpoint: "x:4317", tls: {insecur: true}},
    finds: "exporters.otlp_grpc.tls.insecur: 'insecur' is not a setting here; did you mean 'insecure'?"}
  in a list, by an older name: {processors.resourcedetection: {detectors: [env], detector: env},
    finds: "processors.resourcedetection.detector: did you mean 'detectors'?"}
  in an item of a list: {processors.attributes.actions: [{key: a, action: delete, valu: 1}],
    finds: "processors.attributes.actions[0].valu: did you mean 'value'?"}
  of own telemetry: {service.telemetry.log: {}, finds: "service.telemetry.log: did you mean 'logs'?"}
  an older version than all known ones: {processors.batch.size: 1, build: contrib 0.115.0,
    finds: "processors.batch.size: not a setting here (by the settings of 0.155.0, the nearest known version)"}
  a newer version than all known ones: {processors.batch.size: 1, build: contrib 0.170.0,
    finds: "processors.batch.size: (by the settings of 0.165.0, the nearest known version)"}
  the newest version that was asked: {processors.batch.size: 1, build: contrib 0.165.0,
    finds: "processors.batch.size: not a setting here Known here: metadata_cardinality_limit"}
  what a version ignores: {exporters.otlp_http.nosuch: 1, build: contrib 0.162.0,
    finds: "exporters.otlp_http.nosuch: not a setting here (this version ignores it)"}
  what the next ones ignore too: {exporters.otlp_http.tls.nosuch: 1, build: contrib 0.164.0,
    finds: "exporters.otlp_http.tls.nosuch: not a setting here (this version ignores it)"}
  what a version took instead: {exporters.otlp_http.keepalive.idle_timeot: 5s, build: contrib 0.165.0,
    finds: "exporters.otlp_http.keepalive.idle_timeot: did you mean"}
  a version after those of one component: {connectors.routing: {tabel: []}, build: contrib 0.159.0,
    finds: "connectors.routing.tabel: did you mean 'table'?"}
  a setting that the nearest version adds: {processors.tail_sampling.num_shards: 1, build: contrib 0.162.0}
  what moved later than the version: {exporters.otlp_grpc: {endpoint: "x:4317", sending_queue: {blocking: true}},
    build: contrib 0.120.0}
  a setting of the next version: {processors.tail_sampling.num_shards: 1, build: contrib 0.158.0,
    finds: "processors.tail_sampling.num_shards: 'num_shards' is not a setting here"}
  a setting that a version adds: {processors.tail_sampling.num_shards: 1, build: contrib 0.159.0}
  a version whose schema is the same: {processors.k8s_attributes.extrac: 1, build: contrib 0.155.0,
    finds: "processors.k8s_attributes.extrac: did you mean 'extract'?"}
  nothing to set: {exporters.nop.a: 1, finds: "exporters.nop.a: It has no settings"}
  a key with a way in it: {exporters.otlp_grpc: {endpoint: "x:4317", "tls::insecure": true}}
  places that take any key: {receivers.host_metrics.scrapers.cpu: {}, receivers.receiver_creator.receivers.b.c: 1}
  a component whose settings are not known: {receivers.obi.nosuch: 1}
  a published schema: {exporters.datadog: {api: {key: x, sit: y}},
    finds: "exporters.datadog.api.sit: did you mean 'site'? (by the published schema"}
  a name of a shared package that a published schema leaves out: {receivers.mongodb: {hosts: [{endpoint: "a:1"}],
    tls: {insecure: true}}}
  a release before the published schemas: {exporters.datadog.nosuch: 1, build: contrib 0.154.0,
    finds: "exporters.datadog.nosuch: by the settings of 0.155.0"}
  no build: {exporters.otlp_grpc: {endpoint: "x:4317", nosuch: 1}, build: null}
  what moved is another rule's: {exporters.otlp_grpc: {endpoint: "x:4317", batcher: {}}}
wrong-type:
  a setting that a later version moved: {exporters.otlp_http: {endpoint: "http://a", max_idle_conns: [1]},
    build: contrib 0.158.0, finds: "exporters.otlp_http.max_idle_conns: a number"}
  given: {build: contrib 0.158.0}
  a number in headers: {exporters.otlp_http: {headers: {a: 5}}, finds: "exporters.otlp_http.headers.a: Write `'5'`."}
  headers as text: {exporters.otlp_http: {endpoint: "http://x", headers: [{name: a, value: b}, "a: b"]},
    finds: "exporters.otlp_http.headers[1]: this must be a mapping, not text"}
  a mapping for a list: {processors.attributes.actions.key: a,
    finds: "processors.attributes.actions: this must be a list, not a mapping"}
  a number for text: {exporters.otlp_grpc.endpoint: 4317, finds: "exporters.otlp_grpc.endpoint: Write `'4317'`."}
  text for a switch: {exporters.otlp_grpc: {endpoint: "x:4317", tls: {insecure: "yes"}},
    finds: "exporters.otlp_grpc.tls.insecure: not text"}
  a list for a component: {processors.batch: [], finds: "processors.batch: a mapping, not a list"}
  text for a list: {receivers.file_log.include: "/a,/b"}
  variables:
    exporters.otlp_grpc:
      endpoint: x:4317
      tls: ${file:a}
      timeout: ${env:A}
      sending_queue: {queue_size: "${A}"}
  a fraction for a number: {processors.batch.send_batch_size: 1.0}
  nothing: {exporters.otlp_grpc: {endpoint: "x:4317", tls: null}}
  a word for a number: {exporters.kafka: {producer: {required_acks: all}}}
  a number for statements: {processors.transform.log_statements: [{statements: 1}], signal: logs,
    finds: "processors.transform.log_statements[0].statements: this must be text or a list, not a number"}
  a setting of a log operator: {receivers.file_log: {include: [/a], operators:
    [{type: json_parser, parse_ints: "yes"}]}, signal: logs,
    finds: "receivers.file_log.operators[0].parse_ints: this must be true or false, not text"}
  a setting of another log operator: {receivers.file_log: {include: [/a], operators:
    [{type: noop, parse_ints: "yes"}]}, signal: logs}
  a port of the Collector's own metrics: {service.telemetry.metrics.readers:
    [{pull: {exporter: {prometheus: {port: "8888"}}}}],
    finds: "service.telemetry.metrics.readers[0].pull.exporter.prometheus.port: this must be a number, not text"}
  headers as a list: {exporters.otlp_grpc: {endpoint: "x:4317", headers: [{name: a, value: b}]}}
invalid-duration:
  given: {build: contrib 0.158.0}
  no unit: {processors.batch.timeout: "5",
    finds: "processors.batch.timeout: '5' is not a duration Write a number with a unit, such as `10s` or `500ms`."}
  days: {exporters.otlp_grpc: {endpoint: "x:4317", timeout: "1d"},
    finds: "exporters.otlp_grpc.timeout: '1d' is not a duration"}
  more hours than Go counts: {processors.batch.timeout: "2562048h",
    finds: "processors.batch.timeout: '2562048h' is longer than the Collector counts Write at most 2562047h."}
  as many as it counts: {processors.batch.timeout: "2562047h"}
  durations: {exporters.otlp_grpc: {endpoint: "x:4317", timeout: "1h2m3.5s", retry_on_failure: {max_elapsed_time: 0}}}
missing-field:
  given: {build: contrib 0.158.0}
  no levels of a failover: {connectors.failover: {retry_interval: 5s}, receivers.otlp.protocols.grpc: {},
    traces: otlp > failover, traces/a: failover > debug, finds: "connectors.failover: 'priority_levels' is missing"}
  an endpoint: {config: {exporters: {otlp_grpc: {}}}, finds: "exporters.otlp_grpc: 'endpoint' is missing"}
  null in a list: {signal: metrics, receivers.prometheus.config.scrape_configs: [null],
    finds: "receivers.prometheus.config.scrape_configs[0]: 'job_name' is missing"}
  an empty source of a value: {receivers.otlp.protocols.grpc: {},
    processors.resource.attributes: [{key: a, action: insert, from_attribute: ""}],
    finds: "processors.resource.attributes[0]: one of value, from_attribute, from_context, default_value is missing"}
  an empty value: {receivers.otlp.protocols.grpc: {},
    processors.resource.attributes: [{key: a, action: insert, value: ""}]}
  null for a switch: {receivers.otlp.protocols.grpc: {},
    exporters.otlp_grpc: {endpoint: "x:1", sending_queue: {enabled: null}},
    finds: "exporters.otlp_grpc.sending_queue.enabled: 'enabled' is null"}
  no settings at all: {config: {processors: {resource: null}}, finds: "processors.resource: Add `attr"}
  one of several: {config: {exporters: {otlphttp: {}}}, finds: "exporters.otlphttp: one of endpoint, traces_endpoint"}
  a protocol: {receivers.otlp.protocols: {}, finds: "receivers.otlp: protocols.grpc"}
  a protocol without settings: {receivers.otlp.protocols.http: null}
  what a file may have: {receivers.otlp.protocols: "${file:x}"}
  all from a file: {receivers.otlp: "${file:x}"}
  a key with a way in it: {"receivers.otlp.protocols::grpc": null}
  another one of several: {config: {exporters: {otlphttp: {logs_endpoint: x}}}}
  targets: {receivers.prometheus: {}, finds: "receivers.prometheus: scrape_configs"}
  targets from an allocator: {receivers.prometheus: {}, in: {mode: statefulset, has_target_allocator: true}}
one-sided-connector:
  it only ends one: {connectors.forward: {}, traces: otlp > forward,
    finds: "service.pipelines.traces.exporters[0]: connector 'forward' is listed among exporters only List it in the
      receivers of a pipeline that it sends to."}
  it only starts one: {connectors.forward: {}, traces: forward > debug,
    finds: "service.pipelines.traces.receivers[0]: it receives from"}
  both: {connectors.span_metrics: {}, traces: otlp > span_metrics, metrics: span_metrics > debug}
  white space around its id: {connectors.forward/a: {}, service.pipelines.traces: {receivers: [otlp],
    exporters: ["forward / a"]}, finds: "service.pipelines.traces.exporters[0]: connector 'forward/a' is listed among"}
unsupported-connection:
  given: {build: contrib 0.158.0, traces: otlp > span_metrics}
  traces to logs: {connectors.span_metrics: {}, logs: span_metrics > debug, metrics: span_metrics > debug,
    finds: "service.pipelines.logs.receivers[0]: connector 'span_metrics' cannot make logs of the signals that its
      pipelines send to it It makes no logs."}
  logs beside traces: {connectors.span_metrics: {}, metrics: span_metrics > debug, logs: otlp > span_metrics,
    finds: "service.pipelines.logs.exporters[0]: It takes no logs."}
  a version that is judged by another:
    connectors.span_metrics: {}
    metrics: span_metrics > debug
    logs: otlp > span_metrics
    build: contrib 0.170.0
    finds: "service.pipelines.logs.exporters[0]: nearest known version"
  supported: {connectors.span_metrics: {}, metrics: span_metrics > debug}
  an unsupported pair beside supported ones is skipped:
    connectors.forward: {}
    traces: otlp > forward
    traces/2: forward > debug
    logs: otlp > forward
    logs/2: forward > debug
  a connector that nobody knows: {connectors.x: {}, traces: x > x}
  no build: {connectors.span_metrics: {}, metrics: span_metrics > debug, logs: otlp > span_metrics, build: null}
connector-cycle:
  given: {traces: otlp > span_metrics}
  with itself: {connectors.forward: {}, traces: "otlp, forward > forward",
    finds: "service.pipelines.traces.exporters[0]: pipelines form a cycle: traces → traces"}
  through three:
    connectors: {a: {}, b: {}, c: {}}
    traces: otlp, c > a
    traces/2: a > debug, b
    traces/3: b > c
    traces/4: a > debug
    finds: "service.pipelines.traces.exporters[0]: traces → traces/2 → traces/3 → traces"
  two ways to one end: {connectors: {a: {}, b: {}}, traces: "otlp > a, b", traces/2: a > b, traces/3: b > debug}
  a pair that is skipped closes none:
    connectors.span_metrics: {}
    metrics: span_metrics > span_metrics
    build: contrib 0.158.0
  none: {connectors.span_metrics: {}, metrics: span_metrics > debug}
memory-limiter-missing:
  given: {exporters.otlp_grpc.endpoint: "gateway:4317"}
  none: {processors.batch: null,
    finds: "service.pipelines.traces: 'traces' has no memory_limiter Put `memory_limiter` first"}
  one: {processors.memory_limiter: null}
  one with a name: {processors: {batch: null, memory_limiter/two: null}}
  only tried out: {exporters: {debug: null, file/2: {}}}
  as an extension: {extensions.memory_limiter: {}}
  behind a connector: {connectors.forward: {}, traces: forward > zipkin}
  processors that a file names: {service.pipelines: {traces: {receivers: [a], processors: "${file:p}", exporters: [b]}}}
memory-limiter-late:
  given: {exporters.otlp_grpc.endpoint: "gateway:4317", processors: {batch: null, memory_limiter: null}}
  second: {finds: "service.pipelines.traces.processors[1]: 'memory_limiter' comes after 'batch' Put it first"}
  first: {processors: {memory_limiter: null, batch: null}}
batch-missing:
  given: {build: contrib 0.158.0}
  each request alone: {exporters.otlp_grpc.endpoint: "gateway:4317", processors.memory_limiter: null,
    finds: "service.pipelines.traces: sends to 'otlp_grpc' without batches Add `sending_queue: {batch: {}}` to
      exporter 'otlp_grpc'."}
  before queues made batches: {exporters.otlp.endpoint: "gateway:4317", processors.memory_limiter: null,
    build: contrib 0.129.0, finds: "service.pipelines.traces: Add `batch` as the last processor."}
  an exporter that makes none: {exporters.awsxray: null, processors.memory_limiter: null,
    finds: "service.pipelines.traces: Add `batch` as the last processor."}
  a processor: {exporters.otlp_grpc.endpoint: "gateway:4317", processors.batch/small: null}
  the processor that has a queue: {exporters.otlp_grpc.endpoint: "gateway:4317", processors.queue_batch: null}
  in the queue: {exporters.otlphttp.sending_queue.batch: {}}
  as older versions have it: {exporters.otlp.batcher.enabled: true}
  one that needs none: {exporters: {prometheus: {}, debug: {}}}
  since exporters do it: {exporters.otlp_grpc.endpoint: "gateway:4317", build: contrib 0.171.0}
batch-twice:
  given: {processors.batch: null, build: contrib 0.158.0}
  both: {exporters.otlp_grpc.sending_queue.batch: {min_size: 100},
    finds: "service.pipelines.traces.processors[0]: 'batch' makes batches, and so does exporter 'otlp_grpc' Remove
      'batch' if all exporters of the pipeline make batches."}
  one that only splits: {exporters.otlp_grpc.sending_queue.batch: {min_size: 0, max_size: 100}}
  one that is off: {exporters.otlp_grpc.sending_queue.batch: {enabled: false}}
  the queue alone: {exporters.otlp_grpc.sending_queue.enabled: true}
batch-deprecated:
  given: {processors.batch/a: null}
  before: {build: contrib 0.164.0}
  no build: {build: null}
  announced: {build: contrib 0.165.0, finds: "processors.batch/a: upstream plans batches in exporters by default from
    0.171.0 on, and to remove 'batch/a' in 0.177.0 (announced, read on 2026-11-25) Write its batches into the
    exporters"}
  exporters make batches too: {build: contrib 0.171.0, finds: "processors.batch/a: upstream plans"}
  gone: {build: contrib 0.177.0, finds: "processors.batch/a: to remove 'batch/a' in 0.177.0"}
batch-early:
  given: {exporters.otlp_grpc.endpoint: "gateway:4317"}
  before a sampler: {processors: {batch: null, tail_sampling: null},
    finds: "service.pipelines.traces.processors[0]: 'batch' comes before 'tail_sampling': it splits batches"}
  before a filter: {processors: {memory_limiter: null, batch/a: null, filter/health: null},
    finds: "service.pipelines.traces.processors[1]: Move 'batch/a' to the end of the processors."}
  another after the sampler: {processors: {batch: null, tail_sampling: null, batch/2: null}}
  before a change of attributes: {processors: {batch: null, attributes: null}}
wrong-pod:
  behind an agent: {processors.k8s_attributes.pod_association: [sources: [{from: connection}]], senders: [agent],
    finds: "processors.k8s_attributes: 'k8s_attributes' finds pods by their connection: data of collector 'agent'
      gets the pods of that collector Add recipe kubernetes_attributes to collector 'agent'"}
  behind an agent, unless the data names its pod:
    processors.k8s_attributes.pod_association:
      - sources: [{from: resource_attribute, name: k8s.pod.uid}]
      - sources: [{from: resource_attribute, name: k8s.pod.name}, {from: resource_attribute, name: k8s.namespace.name}]
      - sources: [{from: connection}]
      - sources: [{from: resource_attribute, name: k8s.pod.ip}]
    senders: [agent]
    finds: "processors.k8s_attributes: unless data has k8s.pod.uid or k8s.pod.name and k8s.namespace.name: data of
      collector 'agent' gets the pods of that collector Add recipe kubernetes_attributes to collector 'agent', where the
      connection is that of the application. Suppress this if all applications set k8s.pod.uid"
  behind two: {processors.k8s_attributes: null, senders: [agent, edge], finds: "processors.k8s_attributes: 'agent' and
    'edge'"}
  by attribute:
    processors.k8s_attributes.pod_association: [sources: [{from: resource_attribute, name: k8s.pod.uid}]]
    senders: [agent]
  behind applications: {processors.k8s_attributes: null}
metadata-missing:
  given:
    receivers.otlp.protocols: {grpc: {include_metadata: true}, http: null}
    connectors.routing: {table: [{condition: 'otelcol.client.metadata["x-tenant"][0] == "a"', pipelines: [traces/a]}]}
    traces/a: routing > debug
  one protocol without them: {traces: otlp > routing,
    finds: "receivers.otlp.protocols.http: 'routing' routes by headers, which 'otlp' drops Add
      `include_metadata: true`."}
  the older way:
    receivers.otlp.protocols: {grpc: {include_metadata: false}}
    connectors.routing.table: [{context: request, condition: 'request["x"] == "a"', pipelines: [traces/a]}]
    traces: otlp > routing
    finds: "receivers.otlp.protocols.grpc: 'routing' routes by headers"
  with them: {receivers.otlp.protocols: {http: {include_metadata: true}}, traces: otlp > routing}
  by an attribute:
    connectors.routing.table: [{condition: 'resource.attributes["request"] == "a"', pipelines: [traces/a]}]
    traces: otlp > routing
  another pipeline: {traces: otlp > debug}
  a tenant that an exporter passes on:
    receivers.otlp.protocols: {grpc: {}}
    extensions.headers_setter.headers: [{key: X-Scope-OrgID, from_context: tenant}]
    exporters.otlp_http: {endpoint: "http://a", auth: {authenticator: headers_setter}}
    traces: otlp > otlp_http
    finds: "receivers.otlp.protocols.grpc: 'headers_setter' passes on headers, which 'otlp' drops Add
      `include_metadata: true`."
  a tenant through a connector:
    receivers.otlp.protocols: {grpc: {}}
    extensions.headers_setter.headers: [{key: X-Scope-OrgID, from_context: tenant}]
    exporters.otlp_http: {endpoint: "http://a", auth: {authenticator: headers_setter}}
    connectors.forward: null
    traces: otlp > forward
    traces/b: forward > otlp_http
    finds: "receivers.otlp.protocols.grpc: 'headers_setter' passes on headers"
  batches by tenant:
    receivers: {zipkin: null, jaeger: {protocols: {thrift_compact: null}}}
    processors.batch.metadata_keys: [tenant]
    traces: "zipkin, jaeger > batch > debug"
    finds: "receivers.zipkin: 'batch' divides by headers, which 'zipkin' drops"
  an attribute of a header:
    receivers.otlp.protocols: {http: {include_metadata: false}}
    processors.attributes.actions: [{key: tenant, action: upsert, from_context: metadata.x-tenant}]
    traces: otlp > attributes > debug
    finds: "receivers.otlp.protocols.http: 'attributes' writes headers into attributes"
  headers of messages:
    receivers.otlp.protocols: {http: null}
    exporters.kafka: {include_metadata_keys: [x-tenant]}
    traces: otlp > kafka
    finds: "receivers.otlp.protocols.http: 'kafka' writes headers into messages"
  a default for servers without headers:
    extensions.headers_setter.headers: [{key: X-Scope-OrgID, from_context: tenant, default_value: none}]
    exporters.otlp_http: {endpoint: "http://a", auth: {authenticator: headers_setter}}
    traces: otlp > otlp_http
  a default that is always used:
    receivers.otlp.protocols: {http: {}}
    extensions.headers_setter.headers: [{key: X-Scope-OrgID, from_context: tenant, default_value: none}]
    exporters.otlp_http: {endpoint: "http://a", auth: {authenticator: headers_setter}}
    traces: otlp > otlp_http
    finds: "receivers.otlp.protocols.http: 'headers_setter' passes on headers"
  a fixed tenant:
    extensions.headers_setter.headers: [{key: X-Scope-OrgID, value: shop}, {key: X, from_context: x, action: delete}]
    exporters.otlp_http: {endpoint: "http://a", auth: {authenticator: headers_setter}}
    traces: otlp > otlp_http
  messages of Kafka have headers:
    receivers.kafka: null
    extensions.headers_setter.headers: [{key: X-Scope-OrgID, from_context: tenant}]
    exporters.otlp_http: {endpoint: "http://a", auth: {authenticator: headers_setter}}
    traces: kafka > otlp_http
  the attribute of another source:
    receivers.otlp.protocols: {http: null}
    processors.attributes.actions: [{key: peer, action: upsert, from_context: client.address}]
    traces: otlp > attributes > debug
metadata-forgotten:
  given:
    receivers.otlp.protocols: {grpc: {include_metadata: true}}
    extensions.headers_setter.headers: [{key: X-Scope-OrgID, from_context: Tenant}]
    exporters.otlp_http: {endpoint: "http://a", auth: {authenticator: headers_setter}}
    processors.batch: {}
  behind a batch: {traces: otlp > batch > otlp_http,
    finds: "service.pipelines.traces.processors[0]: 'headers_setter' passes on headers, which the earlier 'batch'
      forgets Add `metadata_keys: [Tenant]` to 'batch'."}
  behind a batch by another header: {processors.batch.metadata_keys: [user], traces: otlp > batch > otlp_http,
    finds: "service.pipelines.traces.processors[0]: Add `metadata_keys: [Tenant]` to 'batch'."}
  behind a sampler: {processors.tail_sampling: null, traces: otlp > tail_sampling > otlp_http,
    finds: "service.pipelines.traces.processors[0]: Write the header into an attribute before 'tail_sampling'"}
  in a batch of the exporter: {exporters.otlp_http.sending_queue: {batch: {}}, traces: otlp > otlp_http,
    finds: "exporters.otlp_http.sending_queue.batch: which the batches of 'otlp_http' forget Add
      `partition: {metadata_keys: [Tenant]}` here."}
  before the connector that routes:
    connectors.routing: {table: [{condition: 'otelcol.client.metadata["x-tenant"][0] == "a"', pipelines: [traces/a]}]}
    traces: otlp > batch > routing
    traces/a: routing > debug
    finds: "service.pipelines.traces.processors[0]: 'routing' routes by headers, which the earlier 'batch' forgets Add
      `metadata_keys: [x-tenant]` to 'batch'."
  batches by the header: {processors.batch.metadata_keys: [tenant], traces: otlp > batch > otlp_http}
  batches of an exporter by the header:
    exporters.otlp_http.sending_queue: {batch: {partition: {metadata_keys: [TENANT]}}}
    traces: otlp > otlp_http
  a queue without batches: {exporters.otlp_http.sending_queue: {queue_size: 10}, traces: otlp > otlp_http}
  a queue that is off: {exporters.otlp_http.sending_queue: {enabled: false, batch: {}}, traces: otlp > otlp_http}
  another exporter: {traces: otlp > batch > debug}
header-unsent:
  given: {exporters.otlp: {endpoint: "gw:4317"}, traces: otlp > otlp,
    asked: {otlp: {gw: [routing, routes by headers, x-tenant, traces]}}}
  none: {finds: "exporters.otlp: 'otlp' sends no header 'x-tenant', and 'routing' of 'gw' routes by headers Add
    `headers: {x-tenant: VALUE}`, or pass on that of the requests by extension headers_setter."}
  another one: {exporters.otlp.headers: {x-team: a}, finds: "exporters.otlp: sends no header 'x-tenant'"}
  in the client of one that balances: {exporters.otlp: null, traces: otlp > load_balancing,
    exporters.load_balancing: {protocol: {otlp: {headers: {x-team: a}}}},
    asked: {load_balancing: {gw: [routing, routes by headers, x-tenant, traces]}},
    finds: "exporters.load_balancing: sends no header 'x-tenant'"}
  the extension passes on another one:
    exporters.otlp.auth: {authenticator: headers_setter}
    extensions.headers_setter.headers: [{key: X-Team, from_context: X-Team}]
    finds: "exporters.otlp: sends no header 'x-tenant'"
  this one: {exporters.otlp.headers: {X-Tenant: a}}
  this one in a list: {exporters.otlp.headers: [{name: X-Tenant, value: a}]}
  headers of a variable: {exporters.otlp.headers: "${env:HEADERS}"}
  one that balances sends this one: {exporters.otlp: null, traces: otlp > load_balancing,
    exporters.load_balancing: {protocol: {otlp: {headers: {x-tenant: a}}}},
    asked: {load_balancing: {gw: [routing, routes by headers, x-tenant, traces]}}}
  the extension passes on this one:
    exporters.otlp.auth: {authenticator: headers_setter}
    extensions.headers_setter.headers: [{key: X-Tenant, from_context: X-Tenant}]
  the extension deletes it:
    exporters.otlp.auth: {authenticator: headers_setter}
    extensions.headers_setter.headers: [{key: X-Tenant, value: shop}, {key: X-Tenant, action: delete}]
    finds: "exporters.otlp: sends no header 'x-tenant'"
  the extension changes it where it is:
    exporters.otlp.auth: {authenticator: headers_setter}
    extensions.headers_setter.headers: [{key: X-Tenant, from_context: X-Tenant, action: update}]
    finds: "exporters.otlp: sends no header 'x-tenant'"
  the extension sets it after it deletes another one:
    exporters.otlp.auth: {authenticator: headers_setter}
    extensions.headers_setter.headers: [{key: X-Team, action: delete}, {key: X-Tenant, value: a, action: insert}]
  a header without a name is none:
    exporters.otlp.auth: {authenticator: headers_setter}
    extensions.headers_setter.headers: [{value: a}]
    asked: {otlp: {gw: [routing, routes by headers, none, traces]}}
    finds: "exporters.otlp: sends no header 'none'"
  an extension that is called None: {extensions.None.headers: [{key: X-Tenant, value: a}],
    finds: "exporters.otlp: sends no header 'x-tenant'"}
  headers of the extension from a variable:
    exporters.otlp.auth: {authenticator: headers_setter}
    extensions.headers_setter: "${env:SETTER}"
  another extension that signs: {exporters.otlp.auth: {authenticator: oauth2client}}
  another signal: {asked: {otlp: {gw: [routing, routes by headers, x-tenant, logs]}}}
  nobody knows who gets it: {asked: {}}
processor-twice:
  given: {processors.tail_sampling: null, processors.memory_limiter: null, connectors.routing: null,
    traces/a: routing > tail_sampling > debug}
  before and behind a connector: {traces: otlp > tail_sampling > routing,
    finds: "service.pipelines.traces/a.processors[0]: 'tail_sampling' works twice on records that come from pipeline
      'traces' by 'routing' Remove 'tail_sampling' from 'traces/a', or from 'traces'."}
  two connectors apart: {traces: otlp > tail_sampling > forward, connectors.forward: null,
    traces/between: forward > routing,
    finds: "service.pipelines.traces/a.processors[0]: works twice on records that come from pipeline 'traces' by
      'forward'"}
  behind alone: {traces: otlp > routing}
  the limiter: {traces: otlp > memory_limiter > routing, traces/a: routing > memory_limiter > debug}
  a connector that makes records: {connectors.span_metrics: null, processors.filter: null,
    traces: "otlp > filter > span_metrics", metrics: span_metrics > filter > debug, traces/a: otlp > debug}
  one connector for two signals: {processors.filter: null, traces: otlp > filter > routing, traces/a: routing > debug,
    logs: otlp > routing, logs/a: routing > filter > debug}
  a connector that also counts: {connectors.datadog: null, traces: otlp > tail_sampling > datadog,
    traces/a: datadog > tail_sampling > debug,
    finds: "service.pipelines.traces/a.processors[0]: 'tail_sampling' works twice on records that come from pipeline
      'traces' by 'datadog'"}
exporter-twice:
  given: {exporters.otlp: null, connectors.forward: null, connectors.span_metrics: null, metrics: span_metrics > debug}
  before and behind a connector: {traces: "otlp > otlp, forward", traces/a: forward > otlp,
    finds: "service.pipelines.traces/a.exporters[0]: 'otlp' gets records twice that come from pipeline 'traces' by
      'forward'"}
  spans that are counted twice: {traces: "otlp > span_metrics, forward", traces/a: forward > span_metrics,
    finds: "service.pipelines.traces/a.exporters[0]: 'span_metrics' gets records twice"}
  spans that a connector counts twice and hands on: {connectors.datadog: null, traces: "otlp > datadog, forward",
    traces/a: forward > datadog, traces/b: datadog > debug,
    finds: "service.pipelines.traces/a.exporters[0]: 'datadog' gets records twice"}
  one connector for two signals: {traces: "otlp > otlp, forward", traces/a: forward > debug, logs: otlp > forward,
    logs/a: forward > otlp}
  what prints: {traces: "otlp > debug, forward", traces/a: forward > debug}
  two ends: {traces: otlp > forward, traces/a: forward > otlp, traces/b: forward > otlp}
sampled-metrics:
  given: {connectors.span_metrics: {}, processors.tail_sampling: null, metrics: span_metrics > debug}
  behind the sampler: {traces: "otlp > tail_sampling > debug, span_metrics",
    finds: "service.pipelines.traces.exporters[1]: 'span_metrics' counts only the spans that 'tail_sampling' keeps
      Send to 'span_metrics' from a pipeline without it, or sample in a collector behind this one."}
  a map of services: {connectors.service_graph: {}, metrics/2: service_graph > debug,
    traces: "otlp > tail_sampling > debug, service_graph",
    finds: "service.pipelines.traces.exporters[1]: 'service_graph' counts only the spans that 'tail_sampling' keeps"}
  beside the sampler: {traces: otlp > span_metrics, traces/kept: otlp > tail_sampling > debug}
connection-forgotten:
  given: {exporters.otlp_grpc.endpoint: "gateway:4317"}
  behind the batch: {processors: {memory_limiter: null, batch: null, k8s_attributes: null},
    finds: "service.pipelines.traces.processors[2]: which the earlier 'batch' drops Move 'k8s_attributes' before
      'batch'."}
  the old name, behind sampling: {processors: {tail_sampling: null, k8sattributes/x: null},
    finds: "service.pipelines.traces.processors[1]: which the earlier 'tail_sampling' drops"}
  before both: {processors: {k8s_attributes: null, tail_sampling: null, batch: null}}
  scraped data: {receivers: {prometheus: null}, traces: prometheus > otlp_grpc,
    processors: {batch: null, k8s_attributes: null}}
  by attribute:
    processors:
      batch: null
      k8s_attributes: {pod_association: [{sources: [{from: resource_attribute, name: k8s.pod.uid}]}]}
"""
