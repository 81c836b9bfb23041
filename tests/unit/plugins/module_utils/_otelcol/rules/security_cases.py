# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Cases of the rules on rights that need consent, secrets and encryption. None of these is a secret of anyone's."""

from __future__ import annotations

from collections.abc import Iterator

from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.rules.subject import Subject

from tests.contract.mutants.edits import NEW, Mutator, added, grpc_exporter, http_exporter, plus, put

CASES = """
consent-missing:
  given: {signal: logs}
  Secrets: {receivers.k8s_objects.objects: [{name: pods}, {name: secrets}], in.allowed_rights: [],
    finds: "receivers.k8s_objects.objects[1].name: 'k8s_objects' needs the right to get, list secrets everywhere, for
      which this collector has no consent Remove the setting, or add `allow: [secrets]` to the collector."}
  all API groups: {receivers.k8s_objects.objects: [{name: deployments, group: "*"}], in.allowed_rights: [secrets],
    finds: "receivers.k8s_objects.objects[0].group: get, list deployments in API group '*' everywhere"}
  all resources: {receivers.k8s_objects.objects: [{name: "*"}], in.allowed_rights: [secrets],
    finds: "receivers.k8s_objects.objects[0].name: add `allow: [secrets, wildcard]`"}
  several of a kind: {receivers.k8s_objects.objects: [{name: secrets, mode: watch}, {name: secrets}],
    in.allowed_rights: [],
    finds: "receivers.k8s_objects.objects[0].name: get, watch, list secrets"}
  two names in one: {receivers.k8s_objects.objects: [{name: pods secrets}], in.allowed_rights: [],
    finds: "receivers.k8s_objects.objects[0].name: pods, secrets"}
  the API of the kubelets:
    signal: metrics
    receivers.prometheus.config.scrape_configs:
      - job_name: kubelets
        relabel_configs:
          - {target_label: job, replacement: kubelet}
          - {target_label: __metrics_path__, replacement: /api/v1/nodes/$$1/proxy/metrics}
    in.allowed_rights: []
    finds: "receivers.prometheus.config.scrape_configs[0].relabel_configs[1].replacement: the right to get nodes/proxy
      everywhere, which includes commands in every container"
  logs of pods:
    receivers.file_log.include: [/var/log/app/*.log, /var/log/pods/*/*/*.log]
    in: {mode: daemonset, allowed_rights: []}
    finds: "receivers.file_log.include[1]: 'file_log' needs to run as root, for which this collector has no consent"
  the journal: {receivers.journald: null, in: {mode: daemonset, allowed_rights: [secrets]},
    finds: "receivers.journald: as root"}
  state in a folder of the node:
    extensions.file_storage.directory: /var/lib/otelcol/queue
    signal: traces
    in: {mode: daemonset, keeps_on_node: true, allowed_rights: []}
    finds: "extensions.file_storage: as root"
  consent: {receivers.k8s_objects.objects: [{name: secrets}], in.allowed_rights: [secrets]}
  consent to all: {receivers.k8s_objects.objects: [{name: "*", group: "*"}], in.allowed_rights: [wildcard]}
  consent to root:
    receivers.file_log.include: [/var/log/app/*.log, /var/log/pods/*/*/*.log]
    in: {mode: daemonset, allowed_rights: [root]}
  other objects: {receivers.k8s_objects.objects: [{name: events, group: events.k8s.io}], in.allowed_rights: []}
  other files: {receivers.file_log.include: [/data/*.log], in: {mode: daemonset, allowed_rights: []}}
  the list of pods: {receivers.kubelet_stats.extra_metadata_labels: [container.id],
    in: {mode: daemonset, allowed_rights: []}}
  state in the pod:
    extensions.file_storage.directory: /var/lib/otelcol/queue
    signal: traces
    in: {mode: daemonset, allowed_rights: []}
  nobody knows what is allowed: {receivers.k8s_objects.objects: [{name: secrets}], in.mode: deployment}
  no deployment: {receivers.k8s_objects.objects: [{name: secrets}]}
host-port-open:
  given: {in.mode: daemonset}
  by default: {receivers.otlp.protocols.grpc.endpoint: "${env:MY_POD_IP}:4317", in.open_ports: ["4317/TCP"],
    finds: "receivers.otlp.protocols.grpc.endpoint: everybody who reaches the node can send to its port 4317, in clear
      text Set `host_ports: true` to accept this."}
  with TLS:
    receivers.otlp.protocols.grpc: {endpoint: "${env:MY_POD_IP}:4317", tls: {cert_file: /a, key_file: /b}}
    in.open_ports: ["4317/TCP"]
  asked for: {receivers.otlp.protocols.grpc.endpoint: "${env:MY_POD_IP}:4317"}
  no deployment: {receivers.otlp.protocols.grpc.endpoint: "${env:MY_POD_IP}:4317", in: null}
wrong-authenticator:
  given:
    build: contrib 0.158.0
    extensions: {oidc: {issuer_url: "https://a"}, oauth2client: {client_id: a}, bearertokenauth: {token: "${env:T}"},
      basicauth: {htpasswd: {file: /a}}, basicauth/b: {client_auth: {username: a}}}
  one that signs at a receiver: {receivers.otlp.protocols.grpc: {endpoint: "x:1", auth: {authenticator: basicauth/b}},
    finds: "receivers.otlp.protocols.grpc.auth.authenticator: extension 'basicauth/b' signs requests, and a server needs
      one that checks them Name an extension that checks requests: oidc, bearertokenauth, or basicauth with"}
  a token of OAuth at a receiver: {receivers.zipkin: {endpoint: "x:1", auth: {authenticator: oauth2client}},
    finds: "receivers.zipkin.auth.authenticator: extension 'oauth2client' signs requests"}
  one that checks at an exporter: {exporters.otlp_http: {endpoint: "http://x:1", auth: {authenticator: basicauth}},
    finds: "exporters.otlp_http.auth.authenticator: extension 'basicauth' checks requests, and a client signs its own"}
  in an exporter inside another: {exporters.load_balancing.protocol.otlp.auth.authenticator: oidc,
    finds: "exporters.load_balancing.protocol.otlp.auth.authenticator: oidc"}
  no authenticator: {extensions.zpages: {},
    exporters.otlp_http: {endpoint: "http://x:1", auth: {authenticator: zpages}},
    finds: "exporters.otlp_http.auth.authenticator: extension 'zpages' is not an authenticator"}
  an observer: {extensions.ecs_task_observer: {},
    exporters.otlp_http: {endpoint: "http://x:1", auth: {authenticator: ecs_task_observer}},
    finds: "exporters.otlp_http.auth.authenticator: extension 'ecs_task_observer' is not an authenticator"}
  each at its side: {receivers.otlp.protocols.http: {endpoint: "x:1", auth: {authenticator: oidc}},
    exporters.otlp_http: {endpoint: "http://x:1", auth: {authenticator: oauth2client}}}
  a server among the exporters: {exporters.prometheus: {endpoint: "x:1", auth: {authenticator: basicauth}},
    signal: metrics}
  both sides: {receivers.otlp.protocols.http: {endpoint: "x:1", auth: {authenticator: bearertokenauth}},
    exporters.otlp_http: {endpoint: "http://x:1", auth: {authenticator: bearertokenauth}}}
wrong-storage:
  given: {build: contrib 0.158.0, extensions: {health_check: {}, file_storage/q: {directory: /a}}}
  no storage: {exporters.otlp_grpc: {endpoint: "x:1", sending_queue: {storage: health_check}},
    finds: "exporters.otlp_grpc.sending_queue.storage: extension 'health_check' stores no data"}
  of a receiver: {receivers.file_log: {include: [/a], storage: health_check}, signal: logs,
    finds: "receivers.file_log.storage: extension 'health_check' stores no data"}
  an observer: {exporters.otlp_grpc: {endpoint: "x:1", sending_queue: {storage: kafkatopics_observer}},
    extensions.kafkatopics_observer: {},
    finds: "exporters.otlp_grpc.sending_queue.storage: extension 'kafkatopics_observer' stores no data"}
  a storage: {exporters.otlp_grpc: {endpoint: "x:1", sending_queue: {storage: file_storage/q}}}
  one that nobody knows: {exporters.otlp_grpc: {endpoint: "x:1", sending_queue: {storage: acme}}, extensions.acme: {}}
wrong-middleware:
  given: {build: contrib 0.158.0, extensions: {zpages: {}, basicauth: {client_auth: {username: a}}, acme: {}}}
  an authenticator: {exporters.otlp_http: {endpoint: "http://x:1", middlewares: [{id: basicauth}]},
    finds: "exporters.otlp_http.middlewares[0].id: extension 'basicauth' is not a middleware"}
  at a server: {receivers.otlp.protocols.http: {endpoint: "x:1", middlewares: [{id: zpages}]},
    finds: "receivers.otlp.protocols.http.middlewares[0].id: extension 'zpages' is not a middleware"}
  an observer: {exporters.otlp_http: {endpoint: "http://x:1", middlewares: [{id: cfgarden_observer}]},
    extensions.cfgarden_observer: {},
    finds: "exporters.otlp_http.middlewares[0].id: extension 'cfgarden_observer' is not a middleware"}
  one that nobody knows: {exporters.otlp_http: {endpoint: "http://x:1", middlewares: [{id: acme}]}}
plaintext-secret:
  a key: {exporters.x.api: {key: correct-horse-battery, site: x},
    finds: "exporters.x.api.key: `key` is written in clear text Write `${env:NAME}` here, and give NAME in `env` as
      `{secret: SECRET,"}
  a way to log in: {receivers.azuremonitor: {subscription_ids: [a], credentials: workload_identity}}
  a password: {extensions.x.client_auth.password: correct-horse-battery,
    finds: "extensions.x.client_auth.password: `password`"}
  a number: {exporters.x.token: 12345678, finds: "exporters.x.token: `token`"}
  with a dash and capitals: {exporters.x.Api-Key: correct-horse-battery, finds: "exporters.x.Api-Key: `Api-Key`"}
  a header: {exporters.x.headers.Authorization: Bearer correct-horse-battery,
    finds: "exporters.x.headers.Authorization: header authorization"}
  a vendor's header: {exporters.x.headers.x-honeycomb-team: correct-horse-battery,
    finds: "exporters.x.headers.x-honeycomb-team: header"}
  a header in a list: {exporters.x.headers: [{name: api-key, value: correct-horse-battery}],
    finds: "exporters.x.headers[0].value: header api-key"}
  a URL: {exporters.x.endpoint: "https://me:correct-horse-battery@host/x",
    finds: "exporters.x.endpoint: a password in a URL"}
  a data source: {exporters.x.datasource: "me:correct-horse-battery@tcp(db:3306)/x",
    finds: "exporters.x.datasource: a password in a data source"}
  users: {extensions.x.htpasswd.inline: "me:correct-horse-battery",
    finds: "extensions.x.htpasswd.inline: a password is written"}
  a certificate's key: {exporters.x.tls.anything: "-----BEGIN RSA PRIVATE KEY-----\\ncorrect-horse-battery",
    finds: "exporters.x.tls.anything: a private key"}
  an escaped dollar: {exporters.x.password: $$9horse, finds: "exporters.x.password: `password`"}
  a URL in a list: {exporters.x.urls: ["jdbc:pg://me:correct-horse-battery@h"],
    finds: "exporters.x.urls[0]: a password in a URL"}
  of the collector's own telemetry: {service.telemetry.otlp.headers.x-api-key: correct-horse-battery,
    finds: "service.telemetry.otlp.headers.x-api-key: header x-api-key"}
  a variable: {exporters.x: {password: "${env:PASSWORD}", api: {key: "${DD_API_KEY}"}}}
  a file: {extensions.x.token: "${file:/etc/token}"}
  part of a value: {exporters.x.headers.authorization: "Bearer ${env:TOKEN}"}
  a variable in a URL: {exporters.x.endpoint: "https://me:${env:PASSWORD}@host"}
  a URL without a password: {exporters.x.endpoint: "https://me@host:4318/a:b@c"}
  a host and port: {exporters.x: {endpoint: "http://host:4318", datasource: "host:5432"}}
  files of secrets: {exporters.x: {password_file: /etc/secret, bearer_token_file: /a, key_file: /b}}
  nothing: {exporters.x: {password: null, token: "", secret: false}}
  a placeholder: {exporters.x: {password: <PASSWORD>, token: "****"}}
  hashes: {extensions.x.htpasswd.inline: "me:$2y$10$abcdefgh"}
  other headers: {exporters.x.headers: {X-Scope-OrgID: tenant, content-type: text}}
  the name of an attribute: {processors.attributes.actions: [{key: password, action: delete}]}
clear-text:
  to the world: {exporters.otlp: {endpoint: "ingest.example.com:4317", tls: {insecure: true}},
    finds: "exporters.otlp.tls.insecure: 'otlp' sends in clear text to ingest.example.com"}
  by URL: {exporters.otlp: {endpoint: "http://Ingest.example.com:4318/v1", tls: null},
    finds: "exporters.otlp.endpoint: https:// URL"}
  one signal: {exporters.otlphttp.logs_endpoint: "http://a.b.com", finds: "exporters.otlphttp.logs_endpoint: a.b.com"}
  encrypted: {exporters.otlp: {endpoint: "https://ingest.example.com", tls: {insecure: true}}}
  within the cluster: {exporters.otlp: {endpoint: "gateway.telemetry.svc:4317", tls: {insecure: true}}}
  another namespace: {exporters.otlp: {endpoint: "http://gateway.monitoring:4318", tls: null}}
  a private address: {exporters.otlp: {endpoint: "10.0.0.7:4317", tls: {insecure: true}}}
  a variable: {exporters.otlp: {endpoint: "${env:GATEWAY}", tls: {insecure: true}}}
  one that listens: {exporters.prometheus.endpoint: "http://a.b.com"}
clear-text-inside:
  to a Service: {exporters.otlp: {endpoint: "dns:///gateway.telemetry.svc.cluster.local:4317", tls: {insecure: true}},
    finds: "exporters.otlp.tls.insecure: Give the receiver a certificate"}
  by a variable: {exporters.otlp: {endpoint: "${env:GATEWAY}:4317", tls: {insecure: true}},
    finds: "exporters.otlp.tls.insecure: 'otlp' sends in clear text to an address that is not"}
  through a load balancer: {exporters.loadbalancing.protocol.otlp.tls.insecure: true,
    finds: "exporters.loadbalancing.protocol.otlp.tls.insecure: 'loadbalancing'"}
  within the pod: {exporters.otlp: {endpoint: "localhost:4317", tls: {insecure: true}}}
  a socket: {exporters.otlp: {endpoint: "unix:///run/otlp.sock", tls: {insecure: true}}}
  encrypted: {exporters.otlp: {endpoint: "gateway:4317", tls: {ca_file: /ca.crt}}}
  to the world: {exporters.otlp: {endpoint: "http://ingest.example.com", tls: null}}
endpoint-without-scheme:
  a host and a port: {exporters.otlphttp.endpoint: "gateway.obs:4318",
    finds: "exporters.otlphttp.endpoint: every request of 'otlphttp' fails Write `https://gateway.obs:4318`, or"}
  one signal: {exporters.otlphttp.traces_endpoint: "backend/v1/traces",
    finds: "exporters.otlphttp.traces_endpoint: is not a URL"}
  a URL: {exporters.otlphttp.endpoint: "https://gateway.obs:4318"}
  one that no signal uses: {exporters.otlphttp: {endpoint: "gateway.obs:4318", traces_endpoint: "http://a/v1/traces"}}
  capitals: {exporters.otlphttp.endpoint: "HTTP://backend.example.com:4318"}
  a variable: {exporters.otlphttp.endpoint: "${env:HOST}:4318"}
  remote write: {exporters.prometheusremotewrite.endpoint: "prometheus:9090/api/v1/write",
    finds: "exporters.prometheusremotewrite.endpoint: every request of 'prometheusremotewrite' fails"}
  Zipkin: {exporters.zipkin.endpoint: "zipkin:9411/api/v2/spans",
    finds: "exporters.zipkin.endpoint: so every request of 'zipkin' fails Write `https://zipkin:9411/api/v2/spans`, or"}
  Zipkin without a port: {exporters.zipkin.endpoint: "zipkin/api/v2/spans",
    finds: "exporters.zipkin.endpoint: 'zipkin/api/v2/spans' is not a URL"}
  a URL of Zipkin: {exporters.zipkin.endpoint: "http://zipkin:9411/api/v2/spans"}
  where Zipkin listens: {receivers.zipkin.endpoint: "0.0.0.0:9411"}
  remote write without a port: {exporters.prometheusremotewrite.endpoint: "prometheus/api/v1/write"}
  gRPC: {exporters.otlp.endpoint: "backend.example.com:4317"}
port-of-other-protocol:
  gRPC: {exporters.otlp.endpoint: "http://backend.example.com:4318",
    finds: "exporters.otlp.endpoint: 'otlp' uses gRPC, and 4318 is the usual port of the other protocol of OTLP Write
      port 4317, or use the exporter otlp_http."}
  HTTP: {exporters.otlphttp.endpoint: "https://${env:HOST}:4317/v1",
    finds: "exporters.otlphttp.endpoint: 'otlphttp' uses HTTP, and 4317 is the usual port of the other protocol of OTLP
      Write port 4318, or use the exporter otlp_grpc."}
  the usual port: {exporters.otlp.endpoint: "backend.example.com:4317"}
  another port: {exporters.otlphttp.endpoint: "http://backend.example.com:43170"}
unverified-certificate:
  an exporter: {exporters.otlp: {endpoint: "gateway:4317", tls: {insecure_skip_verify: true}},
    finds: "exporters.otlp.tls.insecure_skip_verify: any certificate is accepted here"}
  verified: {exporters.otlp: {endpoint: "gateway:4317", tls: {insecure_skip_verify: false}}}
open-receiver:
  every address: {receivers.otlp.protocols.grpc: {endpoint: "0.0.0.0:4317", tls: null},
    finds: "receivers.otlp.protocols.grpc.endpoint: port 4317 accepts clear text on every address Write
      `\\"[${env:MY_POD_IP}]:4317\\"`"}
  on the node: {receivers.otlp.protocols.grpc: {endpoint: ":4317", tls: null}, in.uses_host_network: true,
    finds: "receivers.otlp.protocols.grpc.endpoint: 4317"}
  with a certificate: {receivers.otlp.protocols.grpc: {endpoint: "0.0.0.0:4317", tls: {cert_file: /a}}}
  one address: {receivers.otlp.protocols.grpc: {endpoint: "${env:MY_POD_IP}:4317", tls: null}}
  UDP: {receivers.statsd.endpoint: "0.0.0.0:8125"}
open-diagnostics:
  the default address under the operator: {extensions.pprof: {}, in.by_operator: true}
  every address: {extensions.pprof.endpoint: ":1777",
    finds: "extensions.pprof.endpoint: Write `endpoint: localhost:1777`, and use `kubectl port-forward`."}
  the pod's address: {extensions.zpages.endpoint: "${env:MY_POD_IP}:55679", finds: "extensions.zpages.endpoint: zpages"}
  the default: {extensions: {pprof: null, zpages: {endpoint: "localhost:1"}}}
  a health check: {extensions.health_check.endpoint: "0.0.0.0:13133"}
verbose-debug:
  everything: {exporters.debug.verbosity: detailed, finds: "exporters.debug: Write `verbosity: basic`"}
  by its old name: {exporters.logging.loglevel: debug, finds: "exporters.logging: log"}
  counts: {exporters: {debug: null, debug/2: {verbosity: normal}}}
"""


IN_CLEAR = "hunter2-hunter2"


def open_receiver(subject: Subject) -> Iterator[Subject]:
    for host in ("0.0.0.0", "[::]", ""):
        settings = {"protocols": {"grpc": {"endpoint": f"{host}:4999"}}}
        yield plus(subject, "receivers", "otlp", settings)
        yield plus(subject, "receivers", "zipkin", {"endpoint": f"{host}:9999"})


def unverified_certificate(subject: Subject) -> Iterator[Subject]:
    yield plus(subject, *grpc_exporter(tls={"insecure_skip_verify": True}))
    yield plus(subject, "receivers", "kubelet_stats", {"insecure_skip_verify": True}, "metrics")
    yield put(plus(subject, *http_exporter()), ("exporters", f"otlp_http/{NEW}", "tls", "insecure_skip_verify"), True)


def wrong_authenticator(subject: Subject) -> Iterator[Subject]:
    """Yield a server that would sign requests, and a client that would check them."""
    signing = plus(subject, "extensions", "oauth2client", {"client_id": "a"})
    auth = {"auth": {"authenticator": f"oauth2client/{NEW}"}}
    yield plus(signing, "receivers", "otlp", {"protocols": {"http": {"endpoint": "localhost:54318", **auth}}})
    checking = plus(subject, "extensions", "oidc", {"issuer_url": "https://example.com"})
    yield plus(checking, *http_exporter(auth={"authenticator": f"oidc/{NEW}"}))


def wrong_storage(subject: Subject) -> Iterator[Subject]:
    """Yield a queue that would be stored by an extension for profiles of the process."""
    started = plus(subject, "extensions", "pprof", {})
    yield plus(started, *http_exporter(sending_queue={"storage": f"pprof/{NEW}"}))


def wrong_middleware(subject: Subject) -> Iterator[Subject]:
    """Yield a client whose requests would pass an extension for profiles of the process."""
    started = plus(subject, "extensions", "pprof", {})
    yield plus(started, *http_exporter(middlewares=[{"id": f"pprof/{NEW}"}]))


MUTATORS: dict[str, Mutator] = {
    "wrong-middleware": wrong_middleware,
    "wrong-storage": wrong_storage,
    "wrong-authenticator": wrong_authenticator,
    "plaintext-secret": added(
        [
            http_exporter(headers={"Authorization": f"Bearer {IN_CLEAR}"}),
            http_exporter(headers={"api-key": IN_CLEAR}),
            http_exporter(endpoint=f"https://user:{IN_CLEAR}@example.com"),
            grpc_exporter(tls={"key_pem": "-----BEGIN PRIVATE KEY-----\nabc"}),
            ("exporters", "datadog", {"api": {"key": IN_CLEAR}}),
            ("extensions", "basicauth", {"client_auth": {"username": "me", "password": IN_CLEAR}}),
            ("receivers", "mysql", {"password": IN_CLEAR}, "metrics"),
        ]
    ),
    "clear-text": added(
        [
            http_exporter(endpoint="http://otlp.example.com:4318"),
            http_exporter(traces_endpoint="http://otlp.example.com/v1/traces"),
            grpc_exporter(tls={"insecure": True}),
        ]
    ),
    "clear-text-inside": added(
        [
            grpc_exporter(endpoint="gateway.telemetry.svc:4317", tls={"insecure": True}),
            http_exporter(endpoint="http://gateway:4318"),
            grpc_exporter(endpoint="${env:HOST}:4317", tls={"insecure": True}),
        ]
    ),
    "endpoint-without-scheme": added([http_exporter(**{key: "gateway:4318"}) for key in ("endpoint", "logs_endpoint")]),
    "port-of-other-protocol": added(
        [grpc_exporter(endpoint="http://gateway:4318"), http_exporter(endpoint="http://gateway:4317")]
    ),
    "unverified-certificate": unverified_certificate,
    "open-receiver": open_receiver,
    "open-diagnostics": added(
        [("extensions", kind, {"endpoint": f"{host}:1999"}) for kind in ("pprof", "zpages") for host in ("0.0.0.0", "")]
    ),
    "verbose-debug": added([("exporters", "debug", {"verbosity": "detailed"}, one) for one in ("traces", "logs")]),
}
