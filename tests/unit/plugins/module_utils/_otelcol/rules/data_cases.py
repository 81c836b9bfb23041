# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Cases of the rules on data that could be lost, and on metrics: scraping, names, and how many series there are."""

CASES = """
nothing-retried:
  no retries: {exporters.otlp.retry_on_failure.enabled: false,
    finds: "exporters.otlp.retry_on_failure.enabled: drops data that the receiver rejects at the first attempt Remove
      `retry_on_failure: {enabled: false}`."}
  no queue: {exporters.otlp.sending_queue.enabled: false, finds: "exporters.otlp.sending_queue.enabled: wait"}
  a variable: {exporters.otlp.retry_on_failure.enabled: "${env:RETRY}"}
  the defaults: {exporters.otlp.sending_queue.queue_size: 5}
request-too-large:
  given: {build: contrib 0.158.0, exporters.otlp.endpoint: "gw:4317", traces: otlp > batch > otlp,
    processors.batch: null, receivers.otlp.protocols: {grpc: null, http: null},
    receiving: {otlp: {gw: {protocols: {grpc: null}}}}}
  a processor without a maximum: {finds: "processors.batch: 'batch' makes requests of any size, and collector 'gw'
    takes at most 4 MiB Write `sending_queue: {batch: {sizer: bytes, max_size: 3355443}}` in 'otlp', or raise `grpc:
    {max_recv_msg_size_mib: …}` of its receiver otlp."}
  a processor with a large maximum: {processors.batch: {send_batch_max_size: 20000},
    finds: "processors.batch: 'batch', with 20000 records of 500 bytes, makes requests of up to 9.54 MiB"}
  batches of a queue that count records: {exporters.otlp.sending_queue: {batch: {min_size: 8192}},
    finds: "exporters.otlp.sending_queue.batch: the batch of 'otlp' makes requests of any size"}
  bytes above the limit: {exporters.otlp.sending_queue: {batch: {sizer: bytes, max_size: 9000000}},
    finds: "exporters.otlp.sending_queue.batch: makes requests of up to 8.58 MiB"}
  what a receiver takes over HTTP: {traces: otlp > otlp,
    finds: "exporters.otlp: 'otlp' passes on what pipeline 'traces' receives, and so makes requests of up to 20 MiB"}
  an intake of Datadog: {exporters.otlp: null, exporters.otlp_http: {endpoint: "https://otlp.datadoghq.com"},
    traces: otlp > batch > otlp_http, finds: "processors.batch: Datadog over OTLP takes at most 0.5 MiB"}
  messages of Kafka: {exporters.otlp: null, exporters.kafka: {brokers: ["k:9092"]}, traces: otlp > batch > kafka,
    finds: "processors.batch: Kafka takes at most 0.954 MiB"}
  bytes below the limit: {exporters.otlp.sending_queue: {batch: {sizer: bytes, max_size: 3000000}}}
  a receiver that takes more: {processors.batch: {send_batch_max_size: 8192},
    receiving: {otlp: {gw: {protocols: {grpc: {max_recv_msg_size_mib: 64}}}}}}
  a small maximum: {processors.batch: {send_batch_max_size: 2000}}
  a limit of a variable: {receiving: {otlp: {gw: {protocols: {grpc: {max_recv_msg_size_mib: "${env:MIB}"}}}}}}
  a batch of a variable: {exporters.otlp.sending_queue: {batch: "${env:BATCH}"}}
  a receiver that nobody knows: {receiving: {}}
  a message for each trace: {exporters.otlp: null, exporters.kafka: {brokers: ["k:9092"], partition_traces_by_id: true},
    traces: otlp > batch > kafka}
memory-limiter-settings:
  no interval: {processors.memory_limiter: {check_interval: "0s", limit_mib: 9},
    finds: "processors.memory_limiter: check_interval: 1s"}
  no microseconds: {processors.memory_limiter: {check_interval: "0μs", limit_mib: 9},
    finds: "processors.memory_limiter: check_interval: 1s"}
  no limit: {processors.memory_limiter.check_interval: "1s",
    finds: "processors.memory_limiter: 'memory_limiter' has no limit Add `limit_percentage: 80`"}
  one that no pipeline uses:
    config: {processors: {memory_limiter: {check_interval: 1s, limit_mib: 5, spike_limit_mib: 6}}}
    finds: "processors.memory_limiter.spike_limit_mib: spike_limit_mib is 6, not smaller than limit_mib, which is 5"
  limits of zero: {processors.memory_limiter: {check_interval: "1s", limit_mib: 0, limit_percentage: 0},
    finds: "processors.memory_limiter: no limit"}
  a spike as large as all: {processors.memory_limiter: {check_interval: "1s", limit_mib: 400, spike_limit_mib: 400},
    finds: "processors.memory_limiter.spike_limit_mib: spike_limit_mib is 400, not smaller than limit_mib, which is 400
      Write about a quarter of limit_mib: 100."}
  more than everything: {processors.memory_limiter: {check_interval: "1s", limit_percentage: 120},
    finds: "processors.memory_limiter.limit_percentage: limit_percentage is 120, more than 100"}
  percentages: {processors.memory_limiter: {check_interval: "1s", limit_percentage: 80, spike_limit_percentage: 25}}
  a variable: {processors.memory_limiter: {check_interval: "${env:I}", limit_mib: "${env:LIMIT}"}}
  all in a file: {processors.memory_limiter: "${file:limiter.yaml}"}
memory-limiter-above-container:
  beyond the container: {processors.memory_limiter: {check_interval: "1s", limit_mib: 512}, in.memory_limit_mib: 512,
    finds: "processors.memory_limiter.limit_mib: the container may use only 512 MiB Write at most 409, with a
      `spike_limit_mib` of 128"}
  within it: {processors.memory_limiter: {check_interval: "1s", limit_mib: 400}, in.memory_limit_mib: 512}
  not known: {processors.memory_limiter: {check_interval: "1s", limit_mib: 4000}, in.mode: deployment}
traces-above-memory:
  given: {in.memory_limit_mib: 512}
  the traces that wait:
    processors.tail_sampling: {decision_wait: 30s, num_traces: 1000000, expected_new_traces_per_sec: 15000}
    finds: "processors.tail_sampling.num_traces: 'tail_sampling' keeps up to 1000000 traces, which take at least 573 MiB
      of memory with the 15000 new traces a second that it expects, but only 512 MiB may be used Raise the memory limit,
      shorten `decision_wait`, or lower `num_traces` and `expected_new_traces_per_sec`"
  those of the default:
    processors.tail_sampling: {expected_new_traces_per_sec: 2000}
    in.memory_limit_mib: 40
    finds: "processors.tail_sampling: keeps up to 50000 traces, which take at least 48 MiB"
  those that are decided:
    processors.tail_sampling: {num_traces: 3000000}
    finds: "processors.tail_sampling.num_traces: keeps up to 3000000 traces, which take at least 732 MiB"
  a wait in nanoseconds:
    processors.tail_sampling: {decision_wait: 30000000000, num_traces: 1000000, expected_new_traces_per_sec: 15000}
    finds: "processors.tail_sampling.num_traces: at least 573 MiB of memory with the 15000 new traces a second"
  the usual strategy:
    processors.tail_sampling: {num_traces: 3000000, sampling_strategy: trace-complete}
    finds: "processors.tail_sampling.num_traces: at least 732 MiB of memory, but only 512 MiB may be used"
  more than the limiter admits: {processors.tail_sampling: &many {num_traces: 1800000},
    processors.memory_limiter: {limit_mib: 409},
    finds: "processors.tail_sampling.num_traces: at least 439 MiB of memory, but only 409 MiB may be used"}
  more than its share: {processors.tail_sampling: *many, processors.memory_limiter: {limit_percentage: 80},
    finds: "processors.tail_sampling.num_traces: only 409 MiB may be used"}
  a limiter alone: {processors.tail_sampling: *many, processors.memory_limiter: {limit_mib: 409},
    in.memory_limit_mib: null, finds: "processors.tail_sampling.num_traces: only 409 MiB"}
  room for all: {processors.tail_sampling: {num_traces: 1600000}, processors.memory_limiter: {limit_mib: 409}}
  room without a limiter: {processors.tail_sampling: *many}
  a limiter that a variable sets: {processors.tail_sampling: *many,
    processors.memory_limiter: {limit_mib: "${env:LIMIT}"}}
  one of two that a variable sets: {processors.tail_sampling: *many, processors.memory_limiter: {limit_mib: "${env:L}"},
    processors.memory_limiter/small: {limit_mib: 9}}
  no limit: {processors.tail_sampling: {num_traces: 9000000}, in.memory_limit_mib: 0,
    processors.memory_limiter: {limit_percentage: 80}}
  the example of its README: {processors.tail_sampling: {decision_wait: 10s, num_traces: 100,
    expected_new_traces_per_sec: 100000}}
  variables: {processors.tail_sampling: {decision_wait: "${env:WAIT_9000s}", num_traces: 900000,
    expected_new_traces_per_sec: 900000}}
  a number of a variable: {processors.tail_sampling: {num_traces: "${env:N}", expected_new_traces_per_sec: 900000}}
  a decision at the root: {processors.tail_sampling: {decision_wait: 60s, decision_wait_after_root_received: 1s,
    num_traces: 900000, expected_new_traces_per_sec: 15000}}
  a cache of decisions: {processors.tail_sampling: {num_traces: 3000000, decision_cache: {sampled_cache_size: 9}}}
  no more than the cache has: {processors.tail_sampling: {num_traces: 3000000, block_on_overflow: true}}
  traces on a disk: {processors.tail_sampling: {num_traces: 3000000, tail_storage: file}}
  decisions at each span: {processors.tail_sampling: {num_traces: 3000000, sampling_strategy: span-ingest}}
memory-limiter-unbounded:
  given: {processors.memory_limiter: {check_interval: "1s", limit_percentage: 80}}
  of the node: {in.memory_limit_mib: 0,
    finds: "processors.memory_limiter.limit_percentage: a percentage of the node's memory"}
  of the container: {in.memory_limit_mib: 512}
  not known: {in.mode: deployment}
autoscaler-without-request:
  no request of CPU: {in.unrequested_resources: [cpu],
    finds: ": the autoscaler measures cpu as a share of the request, and a container of the pod requests none Add
      `resources: {requests: {cpu: AMOUNT}}` to each container, unless a LimitRange does so."}
  requests: {in.unrequested_resources: []}
memory-limiter-spike:
  from a third on:
    processors.memory_limiter: {check_interval: 1s, limit_mib: 1500, spike_limit_mib: 1000}
    finds: "processors.memory_limiter.spike_limit_mib: 'memory_limiter' refuses data from 500 MiB of memory on, though
      its limit is 1500 MiB Write about a quarter of limit_mib here: 375."
  from a tenth on:
    processors.memory_limiter: {check_interval: 1s, limit_percentage: 80, spike_limit_percentage: 70}
    finds: "processors.memory_limiter.spike_limit_percentage: from 10 % of memory on, though its limit is 80 %"
  the usual share: {processors.memory_limiter: {check_interval: 1s, limit_percentage: 80, spike_limit_percentage: 25}}
  the share of the README: {processors.memory_limiter: {check_interval: 1s, limit_percentage: 50,
    spike_limit_percentage: 30}}
  the default: {processors.memory_limiter: {check_interval: 1s, limit_mib: 400}}
  a variable: {processors.memory_limiter: {check_interval: 1s, limit_mib: 400, spike_limit_mib: "${env:SPIKE}"}}
memory-limiter-ignored:
  a percentage beside MiB: {processors.memory_limiter: {check_interval: "1s", limit_mib: 400, limit_percentage: 70},
    finds: "processors.memory_limiter.limit_percentage: limit_percentage has no effect beside limit_mib Remove
      `limit_percentage`, or `limit_mib`."}
  the spike of a percentage: {processors.memory_limiter: {check_interval: "1s", limit_mib: 9,
    spike_limit_percentage: 5},
    finds: "processors.memory_limiter.spike_limit_percentage: no effect beside limit_mib Remove `spike"}
  a spike in MiB: {processors.memory_limiter: {check_interval: "1s", limit_percentage: 9, spike_limit_mib: 5},
    finds: "processors.memory_limiter.spike_limit_mib: no effect beside limit_percentage"}
  percentages alone: {processors.memory_limiter: {check_interval: "1s", limit_percentage: 80,
    spike_limit_percentage: 25}}
  zero: {processors.memory_limiter: {check_interval: "1s", limit_mib: 0, limit_percentage: 80}}
node-measured-twice:
  given: {signal: metrics, receivers.host_metrics.scrapers: {cpu: {}, disk: {}}}
  by default: {receivers.kubelet_stats: {}, finds: "receivers.host_metrics.scrapers.cpu: scraper cpu of 'host_metrics'
    and 'kubelet_stats' both measure the cpu of the node Remove the scraper"}
  with its group: {receivers.kubeletstats.metric_groups: [pod, node], receivers.host_metrics.scrapers: {memory: null},
    finds: "receivers.host_metrics.scrapers.memory: scraper memory"}
  pods alone: {receivers.kubelet_stats.metric_groups: [pod, container]}
  what the kubelet lacks: {receivers: {kubelet_stats: {}, host_metrics: {scrapers: {disk: {}, load: {}}}}}
  no kubelet: {receivers.otlp: {}}
whole-cluster-cache:
  given: {in.mode: daemonset}
  an agent without a filter: {processors.k8sattributes: null,
    finds: "processors.k8sattributes: Add `filter: {node_from_env_var: K8S_NODE_NAME}`."}
  its own node: {processors.k8sattributes.filter.node: x}
  that only passes on: {processors.k8sattributes.passthrough: true}
  a gateway: {processors.k8sattributes: null, in.mode: deployment}
storage-unclaimed:
  given: {extensions.file_storage.directory: /var/lib/otelcol/queue}
  a deployment: {in: {mode: deployment, asks_for_storage: true},
    finds: ": `storage` claims no volume in mode deployment, in which the state of a collector ends with the pod Use
      mode statefulset, or remove `storage`."}
  an agent: {in: {mode: daemonset, asks_for_storage: true}, finds: ": stays on the node"}
  no state: {in: {mode: statefulset, asks_for_storage: true}, extensions.file_storage.directory: a,
    service.extensions: [], finds: ": because the config keeps no state Start an extension file_storage"}
  state in a stateful set: {in: {mode: statefulset, asks_for_storage: true}}
  no wish: {in.mode: deployment}
split-state:
  sampling of whole traces: {processors.tail_sampling: null, in.replicas: 3,
    finds: "processors.tail_sampling: decides on whole traces, and there is more than one replica (3) Run it with
      `replicas: 1`, or send to it through exporter load_balancing with `routing_key: traceID`."}
  on every node: {processors.groupbytrace: null, in.mode: daemonset, finds: "processors.groupbytrace: on every node"}
  metrics of spans: {connectors.spanmetrics: {}, in: {replicas: 1, is_autoscaled: true},
    finds: "connectors.spanmetrics: `routing_key: service`"}
  series: {processors.cumulativetodelta: null, in.replicas: 2, finds: "processors.cumulativetodelta: streamID"}
  series of a node's pods: {processors.cumulative_to_delta: null, in.mode: daemonset}
  one replica: {processors.tail_sampling: null, in.replicas: 1}
  both layers in one: {exporters: {load_balancing: {}, debug: {}}, receivers: {otlp: {}, otlp/2: {}},
    processors.tail_sampling: null, in.replicas: 3, traces: otlp > load_balancing,
    traces/2: otlp/2 > tail_sampling > debug}
  the layers in the wrong order: {exporters.load_balancing: {}, processors.tail_sampling: null, in.replicas: 3,
    finds: "processors.tail_sampling: more than one replica"}
  counted before it is divided: {exporters.load_balancing: {}, connectors.spanmetrics: {}, in.replicas: 3,
    traces: "otlp > load_balancing, spanmetrics", metrics: spanmetrics > debug}
  divided before it arrives: {processors.tail_sampling: null, in.replicas: 3, routing: {traces: [traceID]}}
  divided by another key: {processors.tail_sampling: null, in.replicas: 3, routing: {traces: [service]},
    finds: "processors.tail_sampling: more than one replica"}
  divided by some senders: {processors.tail_sampling: null, in.replicas: 3, routing: {traces: [traceID, ""]},
    finds: "processors.tail_sampling: more than one replica"}
  series that are divided: {processors.cumulativetodelta: null, in.replicas: 2, routing: {metrics: [streamID]}}
  no state: {processors.batch: null, in.replicas: 3}
unreceived-signal:
  one that is not received: {exporters.otlp_grpc.endpoint: "gateway.telemetry:4317", traces: otlp > otlp_grpc,
    metrics: otlp > otlp_grpc, logs: otlp > otlp_grpc, unreceived: {otlp_grpc: [[gateway, metrics], [gateway, logs]]},
    finds: "exporters.otlp_grpc: 'otlp_grpc' sends metrics and logs to collector 'gateway', which does not receive this
      Add metrics, logs to `signals` of recipe otlp_ingest in 'gateway', or do not send this"}
  all are received: {exporters.otlp_grpc.endpoint: "gateway.telemetry:4317", traces: otlp > otlp_grpc, unreceived: {}}
unseen-replicas:
  a gateway that keeps connections: {exporters.otlp_grpc.endpoint: "dns:///gateway-headless.telemetry:4317",
    unseen: {otlp_grpc: [gateway]}, finds: "exporters.otlp_grpc: 'otlp_grpc' asks for the pods of collector 'gateway'
      again only when a connection ends Set `max_connection_age` of recipe otlp_ingest in 'gateway', such as 30s."}
  one that renews them: {exporters.otlp_grpc.endpoint: "dns:///gateway-headless.telemetry:4317", unseen: {}}
pod-association:
  given: {in.mode: deployment}
  the default: {processors.k8s_attributes: null,
    finds: "processors.k8s_attributes: but here it is the last hop: an agent or a load balancer, if any"}
  a sidecar: {processors.k8s_attributes.pod_association: [{sources: [{from: connection}]}], in.mode: sidecar,
    finds: "processors.k8s_attributes: the loopback of the pod Put `{sources: [{from: resource_attribute, name:
      k8s.pod.ip}]}` first"}
  an attribute first:
    processors.k8s_attributes.pod_association:
      - {sources: [{from: resource_attribute, name: k8s.pod.ip}]}
      - {sources: [{from: connection}]}
  an agent: {processors.k8s_attributes: null, in.mode: daemonset}
  one that only passes on: {processors.k8s_attributes.passthrough: true}
  associations that a file has: {processors.k8s_attributes.pod_association: "${file:a}"}
lease-missing:
  none at all: {extensions.k8s_leader_elector: null,
    finds: "extensions.k8s_leader_elector: 'k8s_leader_elector' has no lease_name and no lease_namespace Add
      `lease_name: NAME`"}
  no namespace: {extensions.k8s_leader_elector/a: {lease_name: gateway, lease_namespace: ""},
    finds: "extensions.k8s_leader_elector/a: 'k8s_leader_elector/a' has no lease_namespace"}
  one that is not started: {extensions.k8s_leader_elector.lease_namespace: a, service.extensions: [],
    finds: "extensions.k8s_leader_elector: has no lease_name"}
  a lease: {extensions.k8s_leader_elector: {lease_name: gateway, lease_namespace: telemetry}}
  a variable: {extensions.k8s_leader_elector: {lease_name: "${env:NAME}", lease_namespace: "${env:NAMESPACE}"}}
  settings that are a variable: {extensions.k8s_leader_elector: "${env:ELECTOR}"}
  another extension: {extensions.zpages: null}
duplicate-scrape:
  given:
    receivers.prometheus.config.scrape_configs: [{job_name: apps, kubernetes_sd_configs: [{role: pod}]}]
    in.replicas: 2
  two replicas: {in.mode: statefulset,
    finds: "receivers.prometheus.config.scrape_configs[0]: job 'apps' scrapes all its targets from each replica, and
      there is more than one replica (2) Use"}
  agents: {receivers.prometheus.config.scrape_configs: [{static_configs: [{targets: ["app:80"]}]}],
    in: {mode: daemonset}, finds: "receivers.prometheus.config.scrape_configs[0]: spec.nodeName=${env:K8S_NODE_NAME}"}
  an address that ends with zeros:
    receivers.prometheus.config.scrape_configs: [{job_name: zeros, static_configs: [{targets: ["10.0.0.0:80"]}]}]
    in: {mode: daemonset}
    finds: "receivers.prometheus.config.scrape_configs[0]: job 'zeros' scrapes all its targets"
  a target allocator: {in: {mode: statefulset, replicas: 2, has_target_allocator: true}}
  a target allocator of its own: {receivers.prometheus.target_allocator: {}}
  one replica: {in.replicas: 1}
  itself: {receivers.prometheus.config.scrape_configs: [{static_configs: [{targets: ["${env:MY_POD_IP}:8888"]}]}]}
  itself by any address: {receivers.prometheus.config.scrape_configs: [{static_configs: [{targets: ["0.0.0.0:8888"]}]}]}
  shares by hash:
    receivers.prometheus.config.scrape_configs:
      - {job_name: apps, kubernetes_sd_configs: [{role: pod}], relabel_configs: [{action: hashmod}]}
  pods of the own node:
    receivers.prometheus.config.scrape_configs:
      - {kubernetes_sd_configs: [{selectors: [{field: "spec.nodeName=${env:K8S_NODE_NAME}"}]}]}
    in: {mode: daemonset}
scraped-twice:
  given:
    receivers.prometheus.config.scrape_configs:
      - &pods
        job_name: pods
        kubernetes_sd_configs: [{role: pod}]
        relabel_configs:
          - &asked {source_labels: [__meta_kubernetes_pod_annotation_prometheus_io_scrape], regex: "true", action: keep}
    signal: metrics
  two jobs:
    receivers.prometheus.config.scrape_configs:
      - *pods
      - job_name: again
        kubernetes_sd_configs: [{role: pod}]
        relabel_configs:
          - {source_labels: [__meta_kubernetes_pod_annotation_prometheus_io_scrape], regex: true, action: keep}
          - {source_labels: [__meta_kubernetes_pod_phase], regex: Failed, action: drop}
    finds: "receivers.prometheus.config.scrape_configs[1]: job 'again' scrapes the same annotated targets as job 'pods'
      Remove one"
  another collector: {scraping: {allocated: [*pods]},
    finds: "receivers.prometheus.config.scrape_configs[0]: job 'pods' and collector 'allocated' scrape the same
      annotated targets Let one"}
  another collector of all nodes:
    nodes: arm
    receivers.prometheus.config.scrape_configs:
      - &own
        <<: *pods
        kubernetes_sd_configs: [{role: pod, selectors: [{role: pod, field: "spec.nodeName=${env:NODE_NAME}"}]}]
    scraping: {allocated: [*pods]}
    finds: "receivers.prometheus.config.scrape_configs[0]: collector 'allocated'"
  another collector of these nodes:
    receivers.prometheus.config.scrape_configs: [*own]
    nodes: arm
    scraping: {other: [*own], on: arm}
    finds: "receivers.prometheus.config.scrape_configs[0]: collector 'other'"
  another collector of other nodes:
    receivers.prometheus.config.scrape_configs: [*own]
    nodes: arm
    scraping: {other: [*own], on: amd}
  other namespaces:
    receivers.prometheus.config.scrape_configs:
      - {<<: *pods, kubernetes_sd_configs: [{role: pod, namespaces: {names: [a]}}]}
      - {<<: *pods, kubernetes_sd_configs: [{role: pod, namespaces: {names: [b]}}]}
  shares by a label:
    receivers.prometheus.config.scrape_configs:
      - {<<: *pods, relabel_configs: [*asked, {source_labels: [__tmp_hash], regex: "0", action: keep}]}
      - {<<: *pods, relabel_configs: [*asked, {source_labels: [__tmp_hash], regex: "1", action: keep}]}
  another annotation: {scraping: {other: [{<<: *pods, relabel_configs: [
    {source_labels: [__meta_kubernetes_pod_annotation_acme_scrape], regex: "true", action: keep}]}]}}
  jobs without annotations:
    receivers.prometheus.config.scrape_configs: [{static_configs: [{targets: [a]}]}, {static_configs: [{targets: [a]}]}]
target-allocator-mode:
  given:
    receivers.prometheus.config.scrape_configs: [{job_name: apps, kubernetes_sd_configs: [{role: pod}]}]
    signal: metrics
  pods without names: {in.has_target_allocator: true, finds: ": mode deployment cannot have a target allocator"}
  pods with names: {in: {mode: statefulset, has_target_allocator: true}}
  none: {in.mode: deployment}
dropped-declaration:
  given: {signal: metrics}
  no selector: {exporters.awsemf.metric_declarations: [{dimensions: [[Cluster]]}],
    finds: "exporters.awsemf.metric_declarations[0]: the declaration selects no metric Add `metric_name_selectors:
      [REGULAR EXPRESSION]`."}
  too many dimensions:
    exporters.awsemf.metric_declarations:
      - {metric_name_selectors: [".*"], dimensions: [[Cluster], [d0, d1, d2, d3, d4, d5, d6, d7, d8, d9, one_more]]}
    finds: "exporters.awsemf.metric_declarations[0].dimensions[1]: it has 11 dimensions, and awsemf drops sets of more
      than 10"
  ten dimensions:
    exporters.awsemf.metric_declarations:
      - {metric_name_selectors: [".*"], dimensions: [[d0, d1, d2, d3, d4, d5, d6, d7, d8, d9]]}
  none: {exporters.awsemf: {}}
  no mapping: {exporters.awsemf.metric_declarations: [a, null]}
log-retention:
  given: {signal: metrics}
  ten days: {exporters.awsemf.log_retention: 10,
    finds: "exporters.awsemf.log_retention: CloudWatch Logs keeps no event for 10 days Write 14, or another of: 1, 3,
      5,"}
  a hundred years: {signal: logs, exporters.awscloudwatchlogs.log_retention: 36500,
    finds: "exporters.awscloudwatchlogs.log_retention: Write 3653,"}
  a month: {exporters.awsemf.log_retention: 30}
  forever: {exporters.awsemf.log_retention: 0}
  a variable: {exporters.awsemf.log_retention: "${env:DAYS}"}
unbounded-dimension:
  a URL: {connectors.spanmetrics.dimensions: [{name: http.route}, {name: url.full}],
    finds: "connectors.spanmetrics.dimensions[1]: 'url.full' has a new value in nearly every span"}
  a route: {connectors.spanmetrics.dimensions: [{name: http.route}]}
  a limit: {connectors.spanmetrics: {dimensions: [{name: url.full}], aggregation_cardinality_limit: 9}}
every-label:
  all labels: {processors.k8s_attributes.extract.labels: [{tag_name: $$1, key_regex: (.*), from: pod}],
    finds: "processors.k8s_attributes.extract.labels[0]: every one of the labels becomes an attribute"}
  one label: {processors.k8s_attributes.extract.labels: [{key: team}]}
  some annotations: {processors.k8s_attributes.extract.annotations: [{key_regex: team/(.*)}]}
dimension-rollup:
  given: {signal: metrics}
  the default: {exporters.awsemf: {}, finds: "exporters.awsemf: Add `dimension_rollup_option: NoDimensionRollup`."}
  none: {exporters.awsemf.dimension_rollup_option: NoDimensionRollup}
  declared metrics: {exporters.awsemf.metric_declarations: [{dimensions: [[a]]}]}
own-attribute:
  of a resource: {processors.resource.attributes: [{key: cluster, value: eu, action: upsert}],
    finds: "processors.resource.attributes[0].key: 'cluster' is a name of your own: the semantic conventions call it
      k8s.cluster.name Write k8s.cluster.name, or write both if a dashboard needs the other."}
  of records: {processors.attributes.actions: [{key: podName, from_attribute: a, action: insert}],
    finds: "processors.attributes.actions[0].key: call it k8s.pod.name Write"}
  a label of pods: {processors.k8s_attributes.extract.labels: [{tag_name: team, key: team}, {tag_name: env, key: e}],
    finds: "processors.k8s_attributes.extract.labels[1].tag_name: call it deployment.environment.name Write"}
  an annotation: {processors.k8s_attributes.extract.annotations: [{tag_name: k8s.namespace, key: a, from: namespace}],
    finds: "processors.k8s_attributes.extract.annotations[0].tag_name: call it k8s.namespace.name Write"}
  a name that was renamed: {processors.resource.attributes: [{key: deployment.environment, value: a, action: insert}],
    finds: "processors.resource.attributes[0].key: call it deployment.environment.name Write"}
  a statement: {processors.transform.trace_statements: ['set(resource.attributes["cluster_name"], "eu")'],
    finds: "processors.transform.trace_statements[0]: call it k8s.cluster.name Write"}
  the conventions' names: {processors.resource.attributes: [{key: k8s.cluster.name, value: eu, action: upsert}],
    processors.transform.trace_statements: ['set(resource.attributes["host.name"], "a")']}
  both names: {processors.resource.attributes: [{key: k8s.cluster.name, value: eu, action: upsert},
    {key: cluster, value: eu, action: upsert}]}
  a name that is removed: {processors.resource.attributes: [{key: cluster, action: delete}, {key: env, action: hash}]}
  a name that is read: {processors.transform.trace_statements: ['set(attributes["a"], attributes["cluster"])']}
  no convention: {processors.resource.attributes: [{key: team, value: a, action: insert}]}
  no names: {processors.resource.attributes: [{action: insert}, {key: 1, action: insert}, null],
    processors.k8s_attributes.extract.labels: [{key: env}, null]}
"""
