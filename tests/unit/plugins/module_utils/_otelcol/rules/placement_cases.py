# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Cases of the rules on where a collector runs: its node, mounts, ports, and who reaches them."""

CASES = """
singleton:
  given: {signal: logs}
  two replicas: {receivers.k8s_cluster: null, in.replicas: 2,
    finds: "receivers.k8s_cluster: reports metrics of the whole cluster, and there is more than one replica (2) Move it
      to a separate collector"}
  an agent: {receivers.k8sobjects: null, in.mode: daemonset, finds: "receivers.k8sobjects: one on every node"}
  an autoscaler: {receivers.k8s_events/2: null, in: {replicas: 1, is_autoscaled: true},
    finds: "receivers.k8s_events/2: an autoscaler"}
  one replica: {receivers.k8s_cluster: null, in.replicas: 1}
  a leader: {receivers.k8s_objects.k8s_leader_elector: k8s_leader_elector, in.mode: daemonset}
  nobody knows: {receivers.k8s_cluster: null}
  another receiver: {receivers.otlp: null, in.replicas: 2}
host-reader:
  given: {signal: logs}
  container logs: {receivers.filelog.include: [/var/log/pods/*/*/*.log], in.replicas: 1,
    finds: "receivers.filelog: reads the container logs of a node, but a deployment is not on every node"}
  the file system: {receivers.host_metrics.root_path: /hostfs, in.mode: sidecar,
    finds: "receivers.host_metrics: a sidecar"}
  the journal: {receivers.journald: null, in.mode: statefulset, finds: "receivers.journald: mode daemonset"}
  the kubelet of its node: {receivers.kubeletstats.endpoint: "https://${env:K8S_NODE_NAME}:10250", in.mode: deployment,
    finds: "receivers.kubeletstats: the kubelet of its own node"}
  a kubelet that somebody chose: {receivers.kubelet_stats.endpoint: "https://10.0.0.7:10250", in.mode: deployment}
  an agent: {receivers.journald: null, in.mode: daemonset}
  a file of its own: {receivers.file_log.include: [/data/app.log], in.mode: deployment}
  metrics of its own: {receivers.host_metrics: {}, in.mode: deployment}
selinux-denied:
  given: {in.mode: daemonset}
  container logs: {signal: logs, receivers.file_log.include: [/var/log/pods/*/*/*.log], in.is_confined: true,
    finds: "receivers.file_log: uses the container logs of a node, which SELinux denies to containers Set `selinux_type:
      spc_t`"}
  state in a folder of the node: {extensions.file_storage: {}, in.is_confined: true,
    finds: "extensions.file_storage: uses a folder of the node"}
  state in a claim: {extensions.file_storage: {}, in.mode: statefulset, in.is_confined: true}
  the kubelet is no file:
    signal: logs
    receivers.kubelet_stats.endpoint: https://${env:K8S_NODE_IP}:10250
    in.is_confined: true
  no SELinux: {signal: logs, receivers.journald: null}
sidecar-limits:
  given: {extensions.k8s_leader_elector: {}}
  a leader elector: {in.mode: sidecar, finds: "extensions.k8s_leader_elector: needs permission for a lease"}
  no sidecar: {in.mode: deployment}
metadata-service:
  from a pod: {processors.resource_detection.detectors: [env, eks], in.mode: deployment,
    finds: "processors.resource_detection.detectors[1]: Set the instances' HttpPutResponseHopLimit to 2"}
  from the node's network: {processors.resource_detection.detectors: [ec2], in.uses_host_network: true}
  another cloud: {processors.resource_detection.detectors: [env, gcp], in.mode: deployment}
sender-overwritten:
  given: {in.mode: deployment}
  the host of the gateway: {processors.resource_detection.detectors: [env, system],
    finds: "processors.resource_detection: 'resource_detection' replaces host.name of the senders by that of the gateway
      (detector system) Add `override: false`"}
  two of them: {processors.resourcedetection/a: {detectors: [ec2, ecs, eks], override: true}, in.mode: statefulset,
    finds: "processors.resourcedetection/a: 'resourcedetection/a' replaces host.name and aws.ecs.task.arn of the senders
      by those of the gateway (detector ec2 and ecs)"}
  two of one attribute: {processors.resource_detection.detectors: [ec2, system],
    finds: "processors.resource_detection: replaces host.name of the senders by that of the gateway (detector ec2 and
      system)"}
  the node of the gateway: {processors.resource_detection.detectors: [k8snode],
    finds: "processors.resource_detection: replaces k8s.node.name"}
  what data has stays: {processors.resource_detection: {detectors: [system], override: false}}
  the cluster: {processors.resource_detection.detectors: [env, eks, openshift]}
  an agent: {processors.resource_detection.detectors: [system], in.mode: daemonset}
  a name that is off:
    processors.resource_detection: {detectors: [system], system: {resource_attributes: {host.name: {enabled: false}}}}
  a choice of attributes: {processors.resource_detection: {detectors: [ec2], attributes: [cloud.region]}}
  nobody sends: {receivers.host_metrics: {}, processors.resource_detection.detectors: [system],
    metrics: host_metrics > resource_detection > debug}
  another pipeline: {receivers.host_metrics: {}, processors.resource_detection.detectors: [system],
    metrics: host_metrics > resource_detection > debug, traces: otlp > debug}
  nobody knows where: {processors.resource_detection.detectors: [system], in: null}
read-again:
  given: {in.mode: daemonset, signal: logs}
  files: {receivers.file_log: {include: [/var/log/pods/*/*/*.log], start_at: beginning},
    finds: "receivers.file_log.start_at: 'file_log' reads files from the beginning with each restart of the pod Add
      `storage: file_storage`, with a folder of the node, or remove `start_at: beginning`."}
  the journal: {receivers.journald.start_at: beginning, finds: "receivers.journald.start_at: reads the journal"}
  with offsets: {receivers.filelog: {include: [/a], start_at: beginning, storage: file_storage}}
  from the end: {receivers.file_log: {include: [/a], start_at: end}}
  files that go: {receivers.file_log: {include: [/a], start_at: beginning, delete_after_read: true}}
  a job: {receivers.file_log: {include: [/a], start_at: beginning}, in.mode: deployment}
discovery-rule:
  given: {signal: metrics, extensions.k8s_observer: null}
  no rule: {receivers.receiver_creator: {watch_observers: [k8s_observer], receivers: {redis: {config: {}}}},
    finds: "receivers.receiver_creator.receivers.redis: 'rule' is missing"}
  no type: {receivers.receiver_creator: {watch_observers: [k8s_observer], receivers: {redis: {rule: port == 6379}}},
    finds: 'receivers.receiver_creator.receivers.redis.rule: a rule begins with the type of its endpoints Write `type ==
      "pod" && port == 6379`.'}
  single quotes: {receivers.receiver_creator: {receivers: {redis: {rule: "type == 'port'"}}},
    finds: "receivers.receiver_creator.receivers.redis.rule: the type at the begin of a rule stands in double quotes"}
  another type: {receivers.receiver_creator: {receivers: {redis: {rule: 'type == "pods"'}}},
    finds: "receivers.receiver_creator.receivers.redis.rule: no observer reports endpoints of type 'pods'"}
  no expression: {receivers.receiver_creator: {receivers: {redis: {rule: 'type == "port" && port = 6379'}}},
    finds: "receivers.receiver_creator.receivers.redis.rule: this is no rule: `=` compares nothing"}
  rules:
    receivers.receiver_creator:
      watch_observers: [k8s_observer]
      receivers:
        redis: {rule: 'type == "port" && port == 6379'}
        nginx: {rule: 'type=="pod" && labels["app"] matches "^nginx"'}
        a: {rule: 'type == "pod.container" && annotations["a/b"] == "x"'}
        b: {rule: "${env:RULE}"}
unobserved-type:
  given: {signal: metrics, extensions: {k8s_observer: {}, host_observer: null}}
  of another observer:
    receivers.receiver_creator: {watch_observers: [k8s_observer], receivers: {redis: {rule: 'type == "hostport"'}}}
    finds: "receivers.receiver_creator.receivers.redis.rule: no observer of this receiver reports endpoints of type
      'hostport' Start the extension `host_observer`, and list it in `watch_observers`."
  that is off:
    receivers.receiver_creator: {watch_observers: [k8s_observer], receivers: {redis: {rule: 'type == "k8s.service"'}}}
    finds: "receivers.receiver_creator.receivers.redis.rule: Set `observe_services` of extension k8s_observer"
  that is on:
    extensions.k8s_observer.observe_services: true
    receivers.receiver_creator: {watch_observers: [k8s_observer], receivers: {redis: {rule: 'type == "k8s.service"'}}}
  two observers:
    receivers.receiver_creator:
      watch_observers: [host_observer, k8s_observer]
      receivers: {redis: {rule: 'type == "pod"'}, mysql: {rule: 'type == "hostport" && port == 3306'}}
  an unknown observer:
    receivers.receiver_creator: {watch_observers: [acme_observer], receivers: {redis: {rule: 'type == "pod"'}}}
root-path-missing:
  given: {in.mode: daemonset, signal: logs}
  no mount: {receivers.hostmetrics.root_path: /hostfs, in.mount_paths: [/conf],
    finds: "receivers.hostmetrics.root_path: nothing is mounted at /hostfs Mount / of the node there"}
  a mount: {receivers.host_metrics.root_path: /hostfs, in.mount_paths: [/hostfs]}
  mounts that nobody knows: {receivers.host_metrics.root_path: /hostfs, in.mode: deployment}
  its own root: {receivers.host_metrics.root_path: /, in.mount_paths: []}
logs-missing:
  given: {in.mode: daemonset, signal: logs}
  no mount: {receivers.file_log.include: [/var/log/pods/*/*/*.log], in.mount_paths: [/conf, /var/log/podsandmore],
    finds: "receivers.file_log.include[0]: nothing is mounted at /var/log/pods"}
  links without what they lead to:
    receivers.filelog.include: [/var/log/containers/*.log]
    in.mount_paths: [/var/log/containers]
    finds: "receivers.filelog.include[0]: nothing is mounted at /var/log/pods"
  the journal: {receivers.journald: {}, in.mount_paths: [/conf], finds: "receivers.journald: /var/log/journal"}
  a mount above: {receivers.file_log.include: [/var/log/pods/*.log], in.mount_paths: [/var/log/]}
  mounts below: {receivers.file_log.include: [/var/log/**/*.log], in.mount_paths: [/var/log/pods]}
  links and what they lead to: {receivers.filelog.include: [/var/log/containers/*], in.mount_paths: [/var/log]}
  a directory that a variable says: {receivers.file_log.include: ["${env:D}/*"], in.mount_paths: []}
file-missing:
  given: {in.mode: daemonset}
  a certificate: {exporters.otlp.tls.ca_file: /certs/ca.crt, in.mount_paths: [/conf],
    finds: "exporters.otlp.tls.ca_file: nothing is mounted at /certs Mount the Secret there with `volumes`"}
  with annotations: {exporters.otlp.tls.ca_file: /vault/secrets/ca.crt, in.mount_paths: [/conf],
    in.has_user_metadata: true,
    finds: "exporters.otlp.tls.ca_file: nothing is mounted at /vault/secrets"}
  of what nothing starts: {extensions.oidc.tls.ca_file: /certs/ca.crt, service.extensions: [], in.mount_paths: [/conf]}
  a mounted one: {exporters.otlp.tls.ca_file: /certs/ca.crt, in.mount_paths: [/certs]}
  one of the image: {exporters.otlp.tls.ca_file: /etc/ssl/certs/ca-certificates.crt, in.mount_paths: []}
  that of the ServiceAccount: {exporters.otlp.tls.ca_file: /var/run/secrets/kubernetes.io/ca.crt, in.mount_paths: []}
  mounts that nobody knows: {exporters.otlp.tls.ca_file: /certs/ca.crt, in.mode: deployment}
storage-missing:
  given: {in.mode: daemonset}
  a queue:
    exporters.otlp.sending_queue.storage: file_storage
    extensions.file_storage.directory: /var/lib/queue
    in.mount_paths: [/conf]
    finds: "extensions.file_storage: nothing is mounted at /var/lib/queue, so the queue of 'otlp' is lost with the
      container"
  the default directory: {extensions.file_storage/2: null, in.mount_paths: [],
    finds: "extensions.file_storage/2: Mount a volume at /var/lib/otelcol/file_storage"}
  a queue that ends with the pod:
    exporters.otlp.sending_queue.storage: file_storage
    extensions.file_storage.directory: /var/lib/queue
    in: {mount_paths: [/var/lib, /var/lib/queue], fleeting_paths: [/var/lib/queue], mode: deployment}
    finds: "extensions.file_storage: the volume at /var/lib/queue ends with the pod, and with it the queue of 'otlp'"
  places in files that end with the pod:
    extensions.file_storage.directory: /var/lib/queue
    in: {mount_paths: [/var/lib/queue], fleeting_paths: [/var/lib/queue]}
  a volume in one that ends with the pod:
    exporters.otlp.sending_queue.storage: file_storage
    extensions.file_storage.directory: /var/lib/queue
    in: {mount_paths: [/var/lib, /var/lib/queue], fleeting_paths: [/var/lib]}
  a mount:
    exporters.otlp.sending_queue.storage: file_storage
    extensions.file_storage.directory: /var/lib/queue
    in.mount_paths: [/var/lib/queue]
unreachable-receiver:
  the default address: {receivers.otlp.protocols.grpc: {}, in.exposed_ports: ["4317/TCP"],
    finds: "receivers.otlp: port 4317 listens on localhost, which no other pod reaches Write
      `protocols.grpc.endpoint: \\"[${env:MY_POD_IP}]:4317\\"`."}
  the loopback: {receivers.otlp.protocols.grpc.endpoint: "127.0.0.1:4317",
    in: {mode: daemonset, exposed_ports: ["4317/TCP"]},
    finds: "receivers.otlp.protocols.grpc.endpoint: no other pod reaches Write
      `endpoint: \\"[${env:MY_POD_IP}]:4317\\"`."}
  metrics to be scraped: {signal: metrics, exporters.prometheus.endpoint: "localhost:8889",
    in.exposed_ports: ["8889/TCP"],
    finds: "exporters.prometheus.endpoint: port 8889"}
  an address with another name: {receivers.syslog.tcp.listen_address: "localhost:5140", in.exposed_ports: [5140/TCP],
    finds: "receivers.syslog.tcp.listen_address: no other pod reaches Write
      `listen_address: \\"[${env:MY_POD_IP}]:5140\\"`."}
  a host apart from its port: {receivers.netflow.hostname: localhost, in.exposed_ports: [2055/UDP],
    finds: "receivers.netflow: no other pod reaches Write `hostname: ${env:MY_POD_IP}`."}
  the address of the pod: {receivers.otlp.protocols.grpc.endpoint: "${env:MY_POD_IP}:4317",
    in.exposed_ports: ["4317/TCP"]}
  nothing offers it: {receivers.otlp.protocols.grpc.endpoint: "localhost:4317", in.exposed_ports: []}
  in a sidecar: {receivers.otlp.protocols.grpc.endpoint: "localhost:4317",
    in: {mode: sidecar, exposed_ports: ["4317/TCP"]}}
  the operator's default address:
    receivers.otlp.protocols.grpc: {}
    in: {exposed_ports: ["4317/TCP"], by_operator: true}
  surroundings that nobody knows: {receivers.otlp.protocols.grpc.endpoint: "localhost:4317", in.mode: deployment}
open-on-node:
  given: {in.mode: daemonset, receivers.otlp.protocols.grpc.endpoint: "0.0.0.0:4317"}
  every address: {in.uses_host_network: true,
    finds: "receivers.otlp.protocols.grpc.endpoint: open on every address of the node Write
      `\\"[${env:MY_POD_IP}]:4317\\"`"}
  one address: {receivers.otlp.protocols.grpc.endpoint: "${env:MY_POD_IP}:4317", in.uses_host_network: true}
  a network of its own: {}
closed-udp-port:
  given: {signal: metrics}
  a policy that does not say UDP:
    receivers.statsd.endpoint: "0.0.0.0:8125"
    in.ingress: {policies: [[{port: 8125}]]}
    finds: "receivers.statsd.endpoint: NetworkPolicy allow admits port 8125 for TCP only Add `{port: 8125, protocol:
      UDP}` to the ports of an ingress rule"
  the policy of the operator:
    receivers.statsd: {}
    in: {by_operator: true, ingress: {policies: [[{protocol: TCP}]]}}
    finds: "receivers.statsd: NetworkPolicy allow admits port 8125 for TCP only Apply a NetworkPolicy of your own"
  a port by its name:
    receivers.statsd.endpoint: "0.0.0.0:8125"
    in.ingress: {policies: [[{port: stats}]], port_names: {8125: [stats]}}
    finds: "receivers.statsd.endpoint: admits port 8125 for TCP only"
  other ports alone:
    receivers.statsd.endpoint: "0.0.0.0:8125"
    in.ingress: {policies: [[{port: 4317}]]}
    finds: "receivers.statsd.endpoint: NetworkPolicy allow does not admit UDP port 8125"
  nothing in a whole cluster:
    receivers.statsd.endpoint: "0.0.0.0:8125"
    in.ingress: {policies: [null], is_complete: true}
    finds: "receivers.statsd.endpoint: does not admit UDP port 8125"
  UDP: {receivers.statsd.endpoint: "0.0.0.0:8125", in.ingress: {policies: [[{port: 8125, protocol: UDP}]]}}
  UDP by a name:
    receivers.statsd.endpoint: "0.0.0.0:8125"
    in.ingress: {policies: [[{port: stats, protocol: UDP}]], port_names: {8125: [stats]}}
  a second policy that admits it:
    receivers.statsd.endpoint: "0.0.0.0:8125"
    in.ingress: {policies: [[{port: 8125}], [{port: 8000, endPort: 9000, protocol: UDP}]]}
  all ports: {receivers.statsd.endpoint: "0.0.0.0:8125", in.ingress: {policies: [[]]}}
  no policy: {receivers.statsd.endpoint: "0.0.0.0:8125", in.by_operator: true}
  the network of the node:
    receivers.statsd.endpoint: "0.0.0.0:8125"
    in: {uses_host_network: true, ingress: {policies: [[{port: 8125}]]}}
  the loopback: {receivers.statsd.endpoint: "localhost:8125", in.ingress: {policies: [[{port: 8125}]]}}
  TCP: {receivers.otlp.protocols.grpc.endpoint: "0.0.0.0:4317", signal: traces, in.ingress: {policies: [null]}}
health-check-missing:
  none: {in.is_probed: true, finds: "service.extensions: no health_check answers probes"}
  one: {extensions.health_check: {}, in.is_probed: true}
  white space around its id: {extensions.health_check/a: {}, service.extensions: ["health_check / a"],
    in.is_probed: true}
  nobody asks: {in.mode: deployment}
  one that a file describes: {extensions.health_check: "${file:health.yaml}", in.is_probed: true}
health-check-unreachable:
  the default address: {extensions.health_check: null, in.is_probed: true,
    finds: "extensions.health_check: 'health_check' listens on localhost, but the kubelet probes the address of the
      pod"}
  white space around its id: {extensions.health_check/a: null, service.extensions: ["health_check / a"],
    in.is_probed: true, finds: "extensions.health_check/a: 'health_check/a' listens on localhost"}
  the address of the pod: {extensions.health_check.endpoint: "${env:MY_POD_IP}:13133", in.is_probed: true}
  nobody asks: {extensions.health_check: null, in.mode: deployment}
  under the operator: {extensions.health_check: null, in: {is_probed: true, by_operator: true}}
listen-address:
  no port: {receivers.otlp.protocols.grpc.endpoint: 0.0.0.0,
    finds: "receivers.otlp.protocols.grpc.endpoint: '0.0.0.0' has no port Write `0.0.0.0:4317`."}
  a URL: {receivers.otlp.protocols.http.endpoint: "http://localhost:4318/v1/traces",
    finds: "receivers.otlp.protocols.http.endpoint: is a URL, and a server listens on a host and a port Write
      `localhost:4318`."}
  a star: {receivers.zipkin.endpoint: "*:9411",
    finds: "receivers.zipkin.endpoint: '*:9411' has `*` for a host; all addresses are `0.0.0.0` or `[::]` Write
      `0.0.0.0:9411`."}
  a URL of TCP: {receivers.zipkin.endpoint: "tcp://0.0.0.0:9999",
    finds: "receivers.zipkin.endpoint: Write `0.0.0.0:9999`."}
  a port that is none: {extensions.health_check.endpoint: ":70000",
    finds: "extensions.health_check.endpoint: has a port that is not between 0 and 65535 Write `localhost:13133`."}
  a port alone: {receivers.zipkin.endpoint: "9411",
    finds: "receivers.zipkin.endpoint: '9411' is a port without a host Write `0.0.0.0:9411`."}
  a name alone: {exporters.prometheus.endpoint: prometheus, signal: metrics,
    finds: "exporters.prometheus.endpoint: 'prometheus' has no port Write `0.0.0.0:PORT`."}
  a port that Go does not know by name: {receivers.statsd.endpoint: "localhost:statsd", signal: metrics,
    finds: "receivers.statsd.endpoint: names its port, which needs a number Write `localhost:8125`."}
  IPv6 without brackets: {extensions.zpages.endpoint: "::1:55679",
    finds: "extensions.zpages.endpoint: an IPv6 address stands in brackets Write `[::1]:55679`."}
  a path: {receivers.splunk_hec: {endpoint: "0.0.0.0:8088/services/collector"}, signal: logs,
    finds: "receivers.splunk_hec.endpoint: has a path, and a server listens on a host and a port Write
      `0.0.0.0:8088`."}
  the path of a socket for another receiver: {receivers.zipkin.endpoint: /tmp/a.sock,
    finds: "receivers.zipkin.endpoint: has a path"}
  white space in the host: {receivers.zipkin.endpoint: "edge host:9411",
    finds: "receivers.zipkin.endpoint: 'edge host:9411' has white space in its host Write `0.0.0.0:9411`."}
  white space before the host: {receivers.zipkin.endpoint: " localhost:9411",
    finds: "receivers.zipkin.endpoint: has white space in its host"}
  every address: {receivers.otlp.protocols: {grpc: {endpoint: ":4317"}, http: {endpoint: "[::]:4318"}}}
  a port by a name of Go: {receivers.zipkin.endpoint: "localhost:http"}
  any port: {receivers: {zipkin: {endpoint: "localhost:0"}, zipkin/2: {endpoint: "localhost:"}}}
  a socket: {receivers.fluent_forward.endpoint: "unix:///var/run/fluent.sock", signal: logs}
  a socket by transport: {receivers.otlp.protocols.grpc: {endpoint: /tmp/a.sock, transport: unix}}
  a variable: {receivers.zipkin.endpoint: "${env:LISTEN}"}
  nothing starts it: {extensions.zpages.endpoint: zpages, service.extensions: []}
  a client: {exporters.otlp_http.endpoint: "http://gateway:4318"}
  what otelcol validate reads: {receivers.jaeger.protocols.grpc.endpoint: 0.0.0.0}
port-clash:
  two of one receiver:
    receivers.otlp.protocols: {grpc: {endpoint: "0.0.0.0:4317"}, http: {endpoint: "localhost:4317"}}
    finds: "receivers.otlp.protocols.http.endpoint: TCP port 4317 is already taken by
      receivers.otlp.protocols.grpc.endpoint"
  two default ports: {receivers: {zipkin: null, zipkin/2: {}},
    finds: "receivers.zipkin/2: TCP port 9411 is already taken by receivers.zipkin Give one of them another port."}
  a receiver and an extension: {receivers.zipkin.endpoint: ":13133", extensions.health_check: null,
    finds: "receivers.zipkin.endpoint: already taken by extensions.health_check"}
  the collector's own metrics: {receivers.zipkin.endpoint: "127.0.0.1:8888",
    finds: "receivers.zipkin.endpoint: already taken by service.telemetry"}
  every address of IPv6 as well:
    receivers.otlp.protocols: {grpc: {endpoint: "127.0.0.1:4317"}, http: {endpoint: "[::]:4317"}}
    finds: "receivers.otlp.protocols.http.endpoint: already taken"
  the same variable: {receivers: {zipkin: {endpoint: "${env:MY_POD_IP}:1"}, zipkin/2: {endpoint: "${env:MY_POD_IP}:1"}},
    finds: "receivers.zipkin/2.endpoint: TCP port 1"}
  a default that only the catalogue knows:
    receivers: {splunk_hec: {}, splunk_hec/b: {endpoint: "localhost:8088"}}
    build: contrib 0.158.0
    finds: "receivers.splunk_hec/b.endpoint: TCP port 8088 is already taken by receivers.splunk_hec"
  the address of the pod and the loopback:
    receivers.otlp.protocols: {grpc: {endpoint: "${env:MY_POD_IP}:1"}, http: {endpoint: "localhost:1"}}
  two variables: {receivers.otlp.protocols: {grpc: {endpoint: "${env:A}:1"}, http: {endpoint: "${env:B}:1"}}}
  IPv6 beside IPv4: {receivers.otlp.protocols: {grpc: {endpoint: "0.0.0.0:4317"}, http: {endpoint: "[::1]:4317"}}}
  UDP beside TCP: {receivers.awsxray: {endpoint: "0.0.0.0:2000", proxy_server: {endpoint: "0.0.0.0:2000"}}}
  TCP where UDP is usual: {receivers: {statsd: {transport: tcp}, statsd/udp: {}}}
  a port that a variable says: {receivers: {zipkin: {endpoint: "a:${env:P}"}, zipkin/2: {endpoint: "a:${env:P}"}}}
  a socket: {receivers: {zipkin: {endpoint: /tmp/a, transport: unix}, zipkin/2: {endpoint: /tmp/a}}}
  protocols that are off: {receivers: {otlp: {protocols: {grpc: null}}, otlp/2: {protocols: {http: null}}}}
  one that nothing starts: {receivers: {zipkin: {}, zipkin/2: {}}, traces: zipkin > debug}
  one health check by two ways: {extensions.healthcheckv2.http: {}, build: contrib 0.158.0}
own-metrics-port:
  given: {exporters.prometheus.endpoint: "0.0.0.0:8888", signal: metrics}
  where it listens by default:
    finds: "exporters.prometheus.endpoint: port 8888 serves the collector's own metrics; the exporter cannot start
      Use another port, such as 8889."
  on another address:
    exporters.prometheus.endpoint: localhost:8888
    service.telemetry.metrics.readers: [{pull: {exporter: {prometheus: {host: "${env:MY_POD_IP}", port: 8888}}}}]
    finds: "exporters.prometheus.endpoint: on another address: a scraper gets only one of both"
  its own: {exporters.prometheus.endpoint: "0.0.0.0:8889"}
  a collector without metrics: {service.telemetry.metrics.level: none}
  moved metrics: {service.telemetry.metrics.address: "localhost:9999"}
own-telemetry-loop:
  given:
    receivers.otlp.protocols: {grpc: {endpoint: "${env:MY_POD_IP}:4317"}, http: null}
    in: {mode: deployment, pod_logs: [deployment, telemetry, gateway, otc]}
  traces to its Service:
    service.telemetry.traces.processors: [batch: {exporter: {otlp: {endpoint: "http://gateway.telemetry.svc:4317"}}}]
    finds: "service.telemetry.traces.processors[0].batch.exporter.otlp.endpoint: the collector's own traces come back to
      its receivers: each of their requests makes more, without end Send them to another collector, or to a backend."
  metrics to its own address:
    service.telemetry.metrics.readers: [periodic: {exporter: {otlp: {endpoint: "http://${env:MY_POD_IP}:4318/v1/metrics"}}}]
    finds: "service.telemetry.metrics.readers[0].periodic.exporter.otlp.endpoint: they count themselves"
  logs to the Service of the operator:
    in: {mode: deployment, pod_logs: [deployment, telemetry, gateway-collector, otc]}
    service.telemetry.logs.processors: [batch: {exporter: {otlp: {endpoint: "https://gateway-collector-headless:4317"}}}]
    finds: "service.telemetry.logs.processors[0].batch.exporter.otlp.endpoint: own logs come back"
  a Service of that name in another namespace:
    service.telemetry.traces.processors: [batch: {exporter: {otlp: {endpoint: "http://gateway.other.svc:4317"}}}]
  another Service:
    service.telemetry.traces.processors: [batch: {exporter: {otlp: {endpoint: "http://gateway-collector:4317"}}}]
  another port of the pod:
    service.telemetry.logs.processors: [batch: {exporter: {otlp: {endpoint: "http://localhost:14317"}}}]
  nothing that receives:
    receivers: {zipkin: null}
    traces: zipkin > debug
    service.telemetry.traces.processors: [batch: {exporter: {otlp: {endpoint: "http://gateway:4317"}}}]
log-loop:
  given:
    receivers.file_log:
      include: [/var/log/pods/*/*/*.log]
      exclude: [/var/log/pods/kube-system_*/*/*.log]
      operators: [{type: container}]
    signal: logs
    in: {mode: daemonset, pod_logs: [daemonset, telemetry, agent, opentelemetry-collector]}
  the whole record:
    exporters.debug.verbosity: detailed
    finds: "receivers.file_log: 'file_log' reads the log of this collector, in which 'debug' prints each record as
      several lines, each of which comes back as a record Add
      '/var/log/pods/telemetry_agent-[^aeiou-][^aeiou-][^aeiou-][^aeiou-][^aeiou-]_*/opentelemetry-collector/*.log' to
      `exclude`, or remove 'debug'."
  a line for each record: {exporters.debug.verbosity: Normal, finds: "receivers.file_log: each record as a line"}
  a line for each batch: {exporters.debug: null, finds: "receivers.file_log: a line for each batch"}
  the former exporter:
    exporters.logging.loglevel: debug
    logs: file_log > logging
    finds: "receivers.file_log: 'logging' prints each record as several lines"
  links to the logs:
    receivers.file_log: {include: ["/var/log/containers/{agent,gateway}*.log"]}
    finds: "receivers.file_log: reads the log of this collector"
  all files:
    receivers.file_log: {include: [/var/log/**/*.log]}
    finds: "receivers.file_log: reads the log of this collector"
  through a connector:
    connectors.forward: {}
    logs: file_log > forward
    logs/out: forward > debug
    finds: "receivers.file_log: reads the log of this collector"
  a collector without a known name:
    receivers.file_log: {include: [/var/log/pods/*/*/*.log]}
    in: null
    finds: "receivers.file_log: Exclude the log of this collector, or remove 'debug'."
  its own log is excluded:
    receivers.file_log:
      include: [/var/log/pods/*/*/*.log]
      exclude: ["/var/log/pods/telemetry_{agent,gateway}-*_*/opentelemetry-collector/*.log"]
  a collector of which something is excluded: {in: null}
  a collector behind:
    exporters.otlp_grpc.endpoint: gateway:4317
    logs: file_log > otlp_grpc
    behind: {otlp_grpc: [[gateway, [deployment, telemetry, gateway, otc-container], debug/all, detailed]]}
    finds: "receivers.file_log: 'file_log' reads the log of collector 'gateway', in which 'debug/all' prints"
  a collector behind whose log is excluded:
    receivers.file_log: {include: [/var/log/pods/*/*/*.log], exclude: [/var/log/pods/*/otc-container/*.log]}
    exporters.otlp_grpc.endpoint: gateway:4317
    logs: file_log > otlp_grpc
    behind: {otlp_grpc: [[gateway, [deployment, telemetry, gateway, otc-container], debug/all, detailed]]}
  other logs: {receivers.file_log: {include: [/var/log/pods/shop_*/*/*.log]}}
  other exporters: {exporters.otlp_grpc.endpoint: "a:4317", logs: file_log > otlp_grpc}
  a filter of something else:
    processors.filter.logs.log_record: ['severity_number < SEVERITY_NUMBER_WARN']
    logs: file_log > filter > debug
    finds: "receivers.file_log: which comes back as a record (unless 'filter' drops all of them) Add"
  a filter of other signals: {processors.filter.traces.span: ['name == "a"'], logs: file_log > filter > debug,
    finds: "receivers.file_log: unless 'filter' drops"}
  a filter of another namespace:
    processors.filter.log_conditions: ['resource.attributes["k8s.namespace.name"] == "shop"']
    logs: file_log > filter > debug
    finds: "receivers.file_log: unless 'filter' drops"
  a filter of its namespace under a condition:
    processors.filter.log_conditions: ['resource.attributes["k8s.namespace.name"] == "telemetry" and body == nil']
    logs: file_log > filter > debug
    finds: "receivers.file_log: unless 'filter', which names it, drops"
  a filter of its namespace:
    processors.filter.log_conditions: ['resource.attributes["k8s.namespace.name"] == "telemetry"']
    logs: file_log > filter > debug
    finds: "receivers.file_log: unless 'filter', which names it, drops"
  a filter of its pods:
    processors.filter.logs.log_record: ['IsMatch(resource.attributes["k8s.pod.name"], "^agent-.*")']
    logs: file_log > filter > debug
    finds: "receivers.file_log: unless 'filter', which names it, drops"
  a filter of its workload, in a group:
    processors.filter.log_conditions:
      - {context: resource, conditions: ['attributes["k8s.daemonset.name"] == "agent"']}
    processors.k8s_attributes: {}
    logs: file_log > k8s_attributes > filter > debug
    finds: "receivers.file_log: unless 'filter', which names it, drops"
  a filter of its workload, before that is known:
    processors.filter.log_conditions: ['resource.attributes["k8s.daemonset.name"] == "agent"']
    processors.k8s_attributes: {}
    logs: file_log > filter > k8s_attributes > debug
    finds: "receivers.file_log: unless 'filter', which names it, drops"
  a filter of a namespace that no record has:
    receivers.file_log: {include: [/var/log/pods/*/*/*.log]}
    processors.filter.log_conditions: ['resource.attributes["k8s.namespace.name"] == "telemetry"']
    logs: file_log > filter > debug
    finds: "receivers.file_log: unless 'filter', which names it, drops"
  a filter of paths that no record has:
    receivers.file_log:
      include: [/var/log/pods/*/*/*.log]
      operators: [{type: filter, expr: 'attributes["log.file.path"] matches "/pods/telemetry_agent-"'}]
    finds: "receivers.file_log: unless 'operator filter', which names it, drops"
  a filter of a workload of that name:
    processors.filter.log_conditions: ['resource.attributes["k8s.deployment.name"] == "agent"']
    logs: file_log > filter > debug
    finds: "receivers.file_log: unless 'filter', which names it, drops"
  an excluded container:
    processors.filter.logs.exclude:
      match_type: strict
      resource_attributes: [{key: k8s.container.name, value: opentelemetry-collector}]
    logs: file_log > filter > debug
    finds: "receivers.file_log: unless 'filter', which names it, drops"
  an operator of its files:
    receivers.file_log:
      include: [/var/log/pods/*/*/*.log]
      include_file_path: true
      operators: [{type: filter, expr: 'attributes["log.file.path"] matches "/pods/telemetry_agent-"'}]
    finds: "receivers.file_log: unless 'operator filter', which names it, drops"
  an operator of its links:
    receivers.file_log:
      include: [/var/log/pods/*/*/*.log]
      include_file_path: true
      operators: [{type: filter, expr: 'attributes["log.file.path"] matches "/containers/agent-"'}]
    finds: "receivers.file_log: unless 'operator filter', which names it, drops"
  an operator of words in its path:
    receivers.file_log:
      include: [/var/log/pods/*/*/*.log]
      include_file_path: true
      operators: [{type: filter, expr: 'attributes["log.file.path"] matches "agent-.*opentelemetry-collector"'}]
    finds: "receivers.file_log: unless 'operator filter', which names it, drops"
  an operator that keeps a part:
    receivers.file_log:
      include: [/var/log/pods/*/*/*.log]
      operators: [{type: filter, drop_ratio: 0.5, expr: 'attributes["log.file.path"] matches "agent"'}]
    finds: "receivers.file_log: unless 'operator filter', which names it, drops"
  a router of formats:
    receivers.file_log: {include: [/var/log/pods/*/*/*.log], operators: [{type: router, routes: []}]}
    finds: "receivers.file_log: unless 'operator router' drops"
  a routing connector:
    connectors.routing: {table: [{statement: route() where true, pipelines: [logs/out]}]}
    logs: file_log > routing
    logs/out: routing > debug
    finds: "receivers.file_log: a line for each batch, which comes back as a record Add"
  a filter of an unknown collector:
    receivers.file_log: {include: [/var/log/pods/*/*/*.log], operators: [{type: container}]}
    processors.filter.log_conditions: ['resource.attributes["k8s.namespace.name"] == "a"']
    in: null
    logs: file_log > filter > debug
    finds: "receivers.file_log: unless 'filter', which names it, drops"
  a way around a filter:
    processors.filter.log_conditions: ['resource.attributes["k8s.namespace.name"] == "shop"']
    logs: file_log > filter > debug
    logs/all: file_log > debug
    finds: "receivers.file_log: which comes back as a record Add"
  a log without what is printed: {service.telemetry.logs.level: WARN}
  a sidecar: {in: {mode: sidecar, pod_logs: [sidecar, telemetry, agent, otc-container]}}
"""
