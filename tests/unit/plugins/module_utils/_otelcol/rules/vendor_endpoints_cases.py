# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Cases of the rules on AWS and other vendors. `REGIONAL` stands for the domain of AWS in one region."""

CASES = """
index-without-stream:
  given: {signal: logs, build: contrib 0.158.0}
  a name of an index: {exporters.elasticsearch: {logs_index: app},
    finds: "exporters.elasticsearch.logs_index: 'elasticsearch' maps documents as otel, for which it demands a data
      stream, and 'app' has the name of an index Add `mapping: {allowed_modes: [none]}`, name a data stream"}
  with a date: {exporters.elasticsearch: {logs_index: app-prod, logstash_format: {enabled: true}},
    finds: "exporters.elasticsearch.logs_index: 'app-prod' has the name of an index"}
  a mode that is ignored: {exporters.elasticsearch: {logs_index: app, mapping: {mode: none}},
    finds: "exporters.elasticsearch.logs_index: maps documents as otel"}
  the mode of then: {exporters.elasticsearch: {logs_index: app, mapping: {mode: ecs}}, build: contrib 0.130.0,
    finds: "exporters.elasticsearch.logs_index: maps documents as ecs"}
  plain documents: {exporters.elasticsearch: {logs_index: app, mapping: {allowed_modes: [none, ecs]}}}
  plain documents of then: {exporters.elasticsearch: {logs_index: app}, build: contrib 0.121.0}
  a mode of then: {exporters.elasticsearch: {logs_index: app, mapping: {mode: none}}, build: contrib 0.130.0}
  a data stream: {exporters.elasticsearch: {logs_index: logs-app-prod, metrics_index: "${env:INDEX}"}}
  a mapping of a variable: {exporters.elasticsearch: {logs_index: app, mapping: {allowed_modes: ["${env:MODE}"]}}}
mapping-changed:
  given: {signal: logs, build: contrib 0.158.0}
  nothing said: {exporters.elasticsearch.endpoint: "http://es:9200",
    finds: "exporters.elasticsearch: 'elasticsearch' maps documents as otel, the default since 0.122.0; before, it was
      none Write `mapping: {allowed_modes: [otel]}` to say so"}
  said: {exporters.elasticsearch.mapping: {allowed_modes: [otel]}}
  a mode: {exporters.elasticsearch.mapping: {mode: none}}
  the version before: {exporters.elasticsearch.endpoint: "http://es:9200", build: contrib 0.121.0}
mapping-mode-ignored:
  given: {signal: logs, build: contrib 0.158.0}
  a mode: {exporters.elasticsearch.mapping: {mode: none},
    finds: "exporters.elasticsearch.mapping.mode: 'mode' does nothing since 0.145.0: 'elasticsearch' maps documents as
      otel Write `mapping: {allowed_modes: [none]}`."}
  another one allowed: {exporters.elasticsearch.mapping: {mode: none, allowed_modes: [ecs]},
    finds: "exporters.elasticsearch.mapping.mode: maps documents as ecs"}
  the same: {exporters.elasticsearch.mapping: {mode: none, allowed_modes: [none]}}
  the version before: {exporters.elasticsearch.mapping: {mode: none}, build: contrib 0.144.0}
unread-index-attribute:
  given: {signal: logs, build: contrib 0.158.0, exporters.elasticsearch.mapping: {allowed_modes: [otel]}}
  by an action: {processors.resource.attributes: [{key: elasticsearch.index.prefix, value: a, action: insert}],
    finds: "processors.resource.attributes[0].key: exporter elasticsearch does not read 'elasticsearch.index.prefix'
      since 0.122.0 Set `elasticsearch.index` to the whole name"}
  by a statement:
    processors.transform.log_statements: ['set(log.attributes["elasticsearch.index.suffix"], "a")']
    finds: "processors.transform.log_statements[0]: does not read 'elasticsearch.index.suffix'"
  the attribute of today: {processors.resource.attributes: [{key: elasticsearch.index, value: a, action: insert}]}
  the version before: {processors.resource.attributes: [{key: elasticsearch.index.prefix, value: a, action: insert}],
    build: contrib 0.121.0}
http-only:
  X-Ray: {exporters.otlp_grpc.endpoint: "xray.REGIONAL:443",
    finds: "exporters.otlp_grpc.endpoint: 'otlp_grpc' uses gRPC, but xray.REGIONAL accepts only HTTP Use
      the exporter otlp_http."}
  Datadog: {exporters.otlp/dd.endpoint: "https://otlp.datadoghq.com:443",
    finds: "exporters.otlp/dd.endpoint: accepts only HTTP"}
  HTTP: {exporters.otlp_http.endpoint: "https://xray.REGIONAL"}
  elsewhere: {exporters.otlp_grpc.endpoint: "otlp.example.com:4317"}
  a variable: {exporters.otlp_grpc.endpoint: "xray.${env:AWS_REGION}.amazonaws.com:443"}
doubled-path:
  the URL of traces: {exporters.otlp_http.endpoint: "https://otlp.example.com/v1/traces",
    finds: "exporters.otlp_http.endpoint: 'otlp_http' adds /v1/traces, /v1/metrics or /v1/logs to /v1/traces Write
      `https://otlp.example.com`, or give the URL of one signal as"}
  below a path: {exporters.otlp_http.endpoint: "https://otlp.example.com/otlp/v1/logs/",
    finds: "exporters.otlp_http.endpoint: Write `https://otlp.example.com/otlp`"}
  Loki's own path: {exporters.otlp_http.endpoint: "http://loki:3100/loki/api/v1/push",
    finds: "exporters.otlp_http.endpoint: to /loki/api/v1/push Write `http://loki:3100/otlp`"}
  the URL of one signal: {exporters.otlp_http.traces_endpoint: "https://otlp.example.com/v1/traces"}
  another path: {exporters.otlp_http.endpoint: "https://otlp.example.com/otlp"}
  a variable: {exporters.otlp_http.endpoint: "${env:URL}/v1/traces"}
intake-path:
  a workspace's URL: {exporters.prometheus_remote_write.endpoint: "https://aps-workspaces.REGIONAL/workspaces/ws-1/",
    finds: "exporters.prometheus_remote_write.endpoint: endpoint of 'prometheus_remote_write' has /workspaces/ws-1/,
      which accepts none of its data Use /workspaces/"}
  the path of a query:
    exporters.prometheus_remote_write.endpoint: https://aps-workspaces.REGIONAL/workspaces/ws-1/api/v1/query
    finds: "exporters.prometheus_remote_write.endpoint: has /workspaces"
  a path that the exporter adds: {exporters.otlp_http.endpoint: "https://xray.REGIONAL/v1/traces",
    finds: "exporters.otlp_http.endpoint: has /v1/traces, which accepts none of its data Use no path; the exporter adds
      its own."}
  a path that the exporter does not add: {exporters.otlp_http.traces_endpoint: "https://xray.REGIONAL",
    finds: "exporters.otlp_http.traces_endpoint: has no path, which accepts none of its data Use /v1/traces of the
      service that takes traces."}
  another service: {exporters.otlp_http.metrics_endpoint: "https://xray.REGIONAL/v1/metrics",
    finds: "exporters.otlp_http.metrics_endpoint: of the service that takes metrics"}
  remote write:
    exporters.prometheus_remote_write.endpoint: https://aps-workspaces.REGIONAL/workspaces/ws-1/api/v1/remote_write
  a proxy: {exporters.prometheus_remote_write.endpoint: "https://proxy.example.com/workspaces/ws-1"}
  the host alone: {exporters.otlp_http.endpoint: "https://xray.REGIONAL/"}
  whole endpoints: {exporters.otlp_http.traces_endpoint: "https://xray.REGIONAL/v1/traces",
    exporters.otlp_http.logs_endpoint: "https://logs.REGIONAL/v1/logs"}
  a variable: {exporters.prometheus_remote_write.endpoint: "https://aps-workspaces.REGIONAL${env:WORKSPACE}"}
intake-header:
  no log stream:
    exporters.otlp_http: {logs_endpoint: "https://logs.REGIONAL/v1/logs", headers: {x-aws-log-group: a}}
    finds: "exporters.otlp_http.logs_endpoint: sends no header x-aws-log-stream to logs.REGIONAL Add
      `headers: {x-aws-log-stream: …}`."
  no key: {exporters.otlp_http: {endpoint: "https://otlp.datadoghq.com", auth: {authenticator: sigv4auth}},
    finds: "exporters.otlp_http.endpoint: sends no header dd-api-key to otlp.datadoghq.com"}
  both:
    exporters.otlp_http.auth.authenticator: sigv4auth/logs
    exporters.otlp_http.logs_endpoint: https://logs.REGIONAL/v1/logs
    exporters.otlp_http.headers: {x-aws-log-group: a, X-Aws-Log-Stream: b}
  a list:
    exporters.otlp_http: {endpoint: "https://otlp.datadoghq.com", headers: [{name: DD-API-KEY, value: "${env:KEY}"}]}
  somebody else's work:
    exporters.otlp_http: {endpoint: "https://otlp.datadoghq.com", auth: {authenticator: headers_setter}}
  headers that are none:
    exporters.otlp_http: {endpoint: "https://otlp.datadoghq.com", headers: 5}
    finds: "exporters.otlp_http.endpoint: sends no header dd-api-key to otlp.datadoghq.com"
  headers that are a variable:
    exporters.otlp_http: {endpoint: "https://otlp.datadoghq.com", headers: "${env:HEADERS}"}
datadog-site:
  a URL: {exporters.datadog.api: {key: "${env:DD_API_KEY}", site: "https://app.datadoghq.eu"},
    finds: "exporters.datadog.api.site: 'https://app.datadoghq.eu' is not a Datadog site Write only the domain"}
  a nickname: {exporters.datadog.api: {key: "${env:DD_API_KEY}", site: EU},
    finds: "exporters.datadog.api.site: 'EU' is not a Datadog site"}
  a host: {exporters.datadog.api: {key: "${env:DD_API_KEY}", site: api.datadoghq.com},
    finds: "exporters.datadog.api.site: is not a Datadog site"}
  a site: {exporters.datadog.api: {key: "${env:DD_API_KEY}", site: us3.datadoghq.com}}
  a variable: {exporters.datadog.api: {key: "${env:DD_API_KEY}", site: "${env:DD_SITE}"}}
  a placeholder: {exporters.datadog.api: {key: "${env:DD_API_KEY}", site: <site>}}
  the default: {exporters.datadog.api.key: "${env:DD_API_KEY}"}
datadog-key:
  a site alone: {exporters.datadog.api: {key: null, site: datadoghq.com},
    finds: "exporters.datadog: 'datadog' has no api.key Add `api: {key: '${env:DD_API_KEY}'}`"}
  nothing: {exporters.datadog/eu: null, finds: "exporters.datadog/eu: has no api.key"}
  a key: {exporters.datadog.api.key: "${env:DD_API_KEY}"}
  an API that is a variable: {exporters.datadog.api: "${env:API}"}
region-missing:
  none: {exporters.awsxray: null, environment: [],
    finds: "exporters.awsxray: 'awsxray' has no region, and AWS_REGION is not set Add `region: REGION`"}
  in the config: {exporters.awsemf.region: eu-west-1, environment: []}
  in the environment: {exporters.awsxray: {}, environment: [AWS_REGION]}
  a variable that the exporter does not read: {exporters.awsemf.local_mode: true, environment: [AWS_DEFAULT_REGION],
    finds: "exporters.awsemf: no region"}
  a receiver: {receivers.awsxray.endpoint: "0.0.0.0:2000", environment: [],
    finds: "receivers.awsxray: 'awsxray' has no region for forwarded requests"}
  a receiver with one: {receivers.awsxray.proxy_server.region: eu-west-1, environment: []}
  an environment that nobody knows: {exporters.awsxray: {}}
random-trace-id:
  a version that wants a time in it: {exporters.awsxray.region: eu-west-1, build: contrib 0.85.0,
    finds: "exporters.awsxray: 'awsxray' of 0.85.0 drops spans whose trace id does not start with the time of the trace
      Use Collector 0.86.0 or later, or the X-Ray id generator in every application."}
  the next version: {exporters.awsxray.region: eu-west-1, build: contrib 0.86.0}
  a build that nobody knows: {exporters.awsxray.region: eu-west-1}
signature-mismatch:
  given:
    exporters.prometheusremotewrite.endpoint: https://aps-workspaces.REGIONAL/workspaces/ws-1/api/v1/remote_write
    exporters.prometheusremotewrite.auth.authenticator: sigv4auth
    extensions.sigv4auth: {service: aps, region: us-east-1}
  another service: {extensions.sigv4auth: {service: xray, region: eu-west-1},
    finds: "extensions.sigv4auth.service: signs for service 'xray', but endpoint of 'prometheusremotewrite' is in
      service 'aps' Write `service: aps`"}
  another region: {finds: "extensions.sigv4auth.region: `region: eu-west-1`"}
  the right ones: {extensions.sigv4auth: {service: aps, region: eu-west-1}}
  what the signer finds by itself: {extensions.sigv4auth: {service: null, region: ""}}
  a variable: {extensions.sigv4auth: {service: aps, region: "${env:AWS_REGION}"}}
  a proxy: {exporters.prometheusremotewrite.endpoint: "https://proxy.example.com/aps-workspaces.eu-west-1"}
signature-missing:
  traces: {exporters.otlp_http.traces_endpoint: "https://xray.REGIONAL/v1/traces",
    finds: "exporters.otlp_http.traces_endpoint: 'otlp_http' sends to AWS without a signature Add extension sigv4auth"}
  capital letters: {exporters.otlp_http.traces_endpoint: "HTTPS://Xray.REGIONAL/v1/traces",
    finds: "exporters.otlp_http.traces_endpoint: 'otlp_http' sends to AWS without a signature"}
  signed:
    exporters.prometheusremotewrite.endpoint: https://aps-workspaces.REGIONAL/workspaces/ws-1/api/v1/remote_write
    exporters.prometheusremotewrite.auth.authenticator: sigv4auth
    extensions.sigv4auth: {service: aps, region: eu-west-1}
  elsewhere: {exporters.otlphttp.endpoint: "https://xray.example.com"}
""".replace("REGIONAL", "eu-west-1.amazonaws.com")
