# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Cases of the rules on the structure of a config, and on its wiring. `MANY` stands for a name that is too long."""

CASES = """
invalid-id:
  white space around: {receivers.otlp / a: {}, finds: "receivers.otlp / a: Write `otlp/a`."}
  a dash in a type: {receivers.otlp-2: {}, finds: "receivers.otlp-2: letters, digits and"}
  a digit first: {receivers.2otlp: {}, finds: "receivers.2otlp: starts with a letter"}
  a type too long: {receivers.aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa: {},
    finds: "receivers.aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa: at most 63"}
  an empty name: {receivers.otlp/: {}, finds: "receivers.otlp/: `type/name`"}
  white space in a name: {exporters.otlp/a b: {}, finds: "exporters.otlp/a b: white space"}
  a symbol in a name: {exporters.otlp/a+b: {}, finds: "exporters.otlp/a+b: symbols"}
  a name too long:
    ? exporters.x/MANY
    : {}
    finds: "exporters.x/MANY: the name"
  a number: {extensions: {1: {}}, finds: "extensions[1]: it is a number, not text"}
  nothing: {connectors: {null: {}}, finds: "connectors.None: it is nothing, not text"}
  a name with slashes and dots:
    receivers: {otlp/my.name/2-x: {}, aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa: {}}
invalid-pipeline-key:
  white space around: {service.pipelines: {" traces / a ": {}}}
  a misspelt signal: {service.pipelines: {trace: {}},
    finds: "service.pipelines.trace: 'trace' is not a signal; did you mean 'traces'?"}
  an empty name: {service.pipelines: {traces/: {}}, finds: "service.pipelines.traces/: Write `signal/name`."}
  a wildcard of the user's: {service.pipelines: {"*": {}},
    finds: "service.pipelines.*: Use one of traces, metrics, logs, profiles."}
  every signal: {service.pipelines: {traces: null, metrics/a: null, logs/b-c: null, profiles: null}}
not-a-mapping:
  a section from a file: {receivers: "${file:x}", service: "${file:y}"}
  no config at all: {config: null, finds: ": a collector config is a mapping, not nothing"}
  a list: {config: [], finds: ": not a list"}
  a section of text: {processors: batch, finds: "processors: a mapping, not text"}
  a list of pipelines: {service.pipelines: [], finds: "service.pipelines: not a list"}
  telemetry is on: {service.telemetry: true, finds: "service.telemetry: true or false"}
  a pipeline that is a list: {service.pipelines: {traces: [otlp]},
    finds: "service.pipelines.traces: must be a mapping, not a list"}
  a number for the service: {service: 5, finds: "service: not a number"}
  an empty section: {processors: null}
not-a-list:
  a list from a variable: {service.pipelines.traces: {receivers: [otlp], exporters: "${env:X}"}}
  one id as text: {service.pipelines.traces: {receivers: [otlp], exporters: debug},
    finds: "service.pipelines.traces.exporters: [debug]"}
  extensions as a mapping: {service.extensions: {health_check: null},
    finds: "service.extensions: must be a list of component ids, not a mapping"}
  an id that is a mapping:
    processors.batch: null
    service.pipelines: {traces: {receivers: [otlp], exporters: [debug], processors: [batch, {batch: null}]}}
    finds: "service.pipelines.traces.processors[1]: a component id is text, not a mapping"
  an empty list: {service.pipelines.traces: {receivers: [otlp], exporters: [debug], processors: null}}
duplicate-key:
  a key that stands twice: {twice: [receivers.otlp], finds: "receivers.otlp: is duplicated Keep one"}
  keys that stand once: {}
unknown-section:
  a misspelt section: {config: {processor: {}}, finds: "processor: did you mean 'processors'?"}
  a key that is null: {config: {null: 1}, finds: "None: Known here: receivers"}
  all sections: {connectors: {}, extensions: {}}
unknown-key:
  a misspelt key below service: {service.pipeline: {}, finds: "service.pipeline: did you mean 'pipelines'?"}
  a key that pipelines do not have:
    service.pipelines: {traces: {receivers: [otlp], exporters: [debug], connectors: [x]}}
    finds: "service.pipelines.traces.connectors: Known here: receivers, processors, exporters."
  every key there is: {service.telemetry: {}}
removed-setting:
  given: {build: contrib 0.158.0}
  the address of the own metrics: {service.telemetry.metrics.address: ":8888",
    finds: "service.telemetry.metrics.address: 'address' is gone since 0.128.0 Write `readers:"}
  batcher: {exporters.otlp.batcher: null, finds: "exporters.otlp.batcher: Write `sending_queue.batch`."}
  blocking: {exporters.otlp_http.sending_queue.blocking: true,
    finds: "exporters.otlp_http.sending_queue.blocking: block_on_overflow"}
  idle connections: {exporters.otlphttp.max_idle_conns: 5, build: contrib 0.165.0,
    finds: "exporters.otlphttp.max_idle_conns: gone since 0.165.0 Write it below `keepalive`."}
  idle connections of clients: {receivers.otlp.protocols.http.idle_timeout: 1m, build: contrib 0.165.0,
    finds: "receivers.otlp.protocols.http.idle_timeout: gone since 0.165.0 Write it below `keepalive`."}
  connections that are not kept: {receivers.otlp.protocols.http.keep_alives_enabled: false, build: contrib 0.165.0,
    finds: "receivers.otlp.protocols.http.keep_alives_enabled: Write `keepalive: {enabled: false}`"}
  batches of elasticsearch: {exporters.elasticsearch.flush.bytes: 5, build: contrib 0.162.0,
    finds: "exporters.elasticsearch.flush: gone since 0.162.0 Write `sending_queue: {batch: …}`"}
  another exporter's batcher: {exporters.x.batcher: {}}
  what took their place: {service.telemetry.metrics.readers: []}
  no build: {exporters.otlp.batcher: null, build: null}
moved-setting:
  given: {build: contrib 0.115.0}
  an address that counts still: {service.telemetry.metrics.address: ":8888",
    finds: "service.telemetry.metrics.address: 'address' is deprecated since 0.111.0"}
  batcher while it was there: {exporters.otlp.batcher: null, build: contrib 0.125.0,
    finds: "exporters.otlp.batcher: deprecated since 0.123.0"}
  batcher when it was new: {exporters.otlp.batcher: null}
  idle connections: {exporters.otlp_http.idle_conn_timeout: 5s, build: contrib 0.164.0,
    finds: "exporters.otlp_http.idle_conn_timeout: deprecated since 0.160.0 Write it below `keepalive`."}
  idle connections before that: {exporters.otlp_http.idle_conn_timeout: 5s, build: contrib 0.159.0}
  gone is another rule's: {exporters.otlp.batcher: null, build: contrib 0.158.0}
invalid-expansion:
  a digit first: {exporters.debug.verbosity: "${1}", finds: "exporters.debug.verbosity: no digit first Write `$${`"}
  a dash: {exporters.debug.verbosity: "${env:A-B}",
    finds: "exporters.debug.verbosity: Rename the variable, here and where it is set: `MY_PASSWORD`, not"}
  nothing: {exporters.debug.verbosity: "a${}b", finds: "exporters.debug.verbosity: names no variable"}
  a scheme of one letter: {exporters.debug.verbosity: "${e:X}", finds: "exporters.debug.verbosity: is not a scheme"}
  a dollar sign inside: {exporters.debug.verbosity: "${env:$X}",
    finds: "exporters.debug.verbosity: has a dollar sign inside"}
  the outer of two: {exporters.debug.verbosity: "${file:${env:A} ${env:B C}}",
    finds: "exporters.debug.verbosity: 'B C'"}
  after a stray brace: {exporters.debug.verbosity: "} ${2}", finds: "exporters.debug.verbosity: `${2}`"}
  in a list: {service.extensions: ["${a b}"], finds: "service.extensions[0]: `${a b}`"}
  variables: {exporters.debug.verbosity: "${env:A} ${B} ${env:C:-d e} ${env:${D}} ${en"}
  a name from a variable: {exporters.debug.verbosity: "${env:${A}_B} ${${A}:x}"}
  after an escaped one: {exporters.debug.verbosity: "$${1} ${2}", build: contrib 0.161.0,
    finds: "exporters.debug.verbosity: `${2}`"}
  nothing after an escaped one was replaced before: {exporters.debug.verbosity: "$${1} ${2}", build: contrib 0.160.0}
  two dollar signs are one, then a variable: {exporters.debug.verbosity: "$$${env:A}"}
  a default before there were any: {exporters.debug.verbosity: "${env:A:-basic}", build: contrib 0.109.0,
    finds: "exporters.debug.verbosity: `${env:A:-basic}` has a default, which the Collector takes since 0.110.0"}
  a default since there are any: {exporters.debug.verbosity: "${env:A:-basic}", build: contrib 0.110.0}
  what another provider reads needs no default: {exporters.debug.verbosity: "${yaml:a:-b}", build: contrib 0.109.0}
  no end: {exporters.debug.verbosity: "${1"}
  other schemes take anything: {exporters.debug.verbosity: "${yaml:a: [1]} ${file:/a b}"}
  keys stay: {"exporters.debug.${1}": 1}
unknown-scheme:
  given: {exporters.debug.verbosity: "${vault:a}", build: contrib 0.158.0}
  a vault: {finds: "exporters.debug.verbosity: scheme 'vault' of `${vault:a}` is unknown"}
  env is spelt small: {exporters.debug.verbosity: "${enV:A}", finds: "exporters.debug.verbosity: did you mean 'env'?"}
  a default without env: {exporters.debug.verbosity: "${HOST:-a}", finds: "exporters.debug.verbosity: scheme 'HOST'"}
  s3 of another build: {exporters.debug.verbosity: "${s3:a}", build: core 0.158.0,
    finds: "exporters.debug.verbosity: scheme 's3'"}
  http of the smallest build: {exporters.debug.verbosity: "${http:a}", build: otlp 0.158.0,
    finds: "exporters.debug.verbosity: Known: env, file."}
  before it was there: {exporters.debug.verbosity: "${aes:a}", build: contrib 0.120.0,
    finds: "exporters.debug.verbosity: scheme 'aes'"}
  those of contrib: {exporters.debug.verbosity: "${aes:a} ${s3:a} ${secretsmanager:a} ${googlesecretmanager:a}"}
  a build of one's own may have it: {build: own 0.158.0, finds: "exporters.debug.verbosity: Known: env"}
  s3 of ADOT: {exporters.debug.verbosity: "${s3:a}", build: adot 0.156.0}
  known ones: {exporters.debug.verbosity: "${env:A} ${file:a} ${yaml:a} ${http:a} ${https:a} ${A}", build: null}
bare-variable:
  in an endpoint: {exporters.debug.verbosity: "$MY_POD_IP:4317",
    finds: "exporters.debug.verbosity: `$MY_POD_IP` is not replaced"}
  in a secret header: {exporters.otlp_http.headers.api-key: "a1$B2C3",
    finds: "exporters.otlp_http.headers.api-key: `$NAME` is not replaced"}
  in a secret header of a list: {exporters.otlp_http.headers: [{name: api-key, value: "a1$B2C3"}],
    finds: "exporters.otlp_http.headers[0].value: `$NAME` is not replaced"}
  groups and escapes: {exporters.debug.verbosity: "$1 $$HOME ${HOME} US$ $x"}
  an older version replaced it: {exporters.debug.verbosity: "$MY_POD_IP:4317", build: contrib 0.103.1}
  the first version that does not: {exporters.debug.verbosity: "$MY_POD_IP:4317", build: contrib 0.104.0,
    finds: "exporters.debug.verbosity: `$MY_POD_IP` is not replaced"}
placeholder:
  parts of an address: {exporters.otlp_http.endpoint: "http://<service>.<namespace>.svc:3100/otlp",
    finds: "exporters.otlp_http.endpoint: `endpoint` has a placeholder in angle brackets Write the real value"}
  a region: {exporters.otlp_http.region: <YOUR_REGION>, finds: "exporters.otlp_http.region: `region`"}
  a token: {exporters.otlp_http.token: <TOKEN>, finds: "exporters.otlp_http.token: `token`"}
  a header: {exporters.otlp_http.headers.x-org: <ORG>, finds: "exporters.otlp_http.headers.x-org: x-org"}
  a header in a list: {exporters.otlp_http.headers: [<ORG>],
    finds: "exporters.otlp_http.headers[0]: `headers[0]` has a placeholder"}
  an address: {exporters.otlp_http: {endpoint: "http://loki.logs.svc:3100/otlp", region: eu-west-1}}
  a default: {exporters.otlp_http.endpoint: "${env:ENDPOINT:-<none>}"}
  an expression: {processors.filter: {traces: [a < 1 and b > 2], x: <a>}}
  of what nothing starts: {extensions.x.endpoint: "<HOST>:1", service.extensions: []}
undefined-reference:
  white space around an id: {service.pipelines.traces: {receivers: ["otlp "], exporters: [debug]}}
  receivers from a file: {receivers: "${file:x}", traces: otlp > debug}
  an id from a variable: {traces: "otlp > ${env:X}"}
  a misspelt exporter: {traces: otlp > debgu,
    finds: "service.pipelines.traces.exporters[0]: 'debgu' is not configured; did you mean 'debug'?"}
  an exporter among the receivers: {traces: "otlp, debug > debug",
    finds: "service.pipelines.traces.receivers[1]: It is configured in `exporters` and cannot be used here."}
  an extension that nothing defines: {service.extensions: [health_check], traces: otlp > debug,
    finds: "service.extensions[0]: Add it to `extensions`, or remove it here."}
  a connector among the processors: {connectors.forward: {}, traces: otlp > forward > debug,
    finds: "service.pipelines.traces.processors[0]: It is configured in `connectors`"}
  a component whose id is no text: {receivers: {1: {}, null: {}}, traces: nop > debug,
    finds: "service.pipelines.traces.receivers[0]: 'nop' is not configured"}
  all defined: {processors.batch: null, traces: otlp > batch > debug}
  connectors at both ends: {connectors.forward: {}, traces: forward > forward}
no-pipelines:
  pipelines from a file: {service.pipelines: "${file:x}"}
  no service: {service: null, finds: "service.pipelines: there is no pipeline"}
  no pipeline: {service.pipelines: {}, finds: "service.pipelines: at least one"}
  no exporter: {service.pipelines.traces: {receivers: [otlp], exporters: []},
    finds: "service.pipelines.traces: 'traces' has no exporters"}
  what a recipe receives and nothing exports: {service.pipelines.logs/a: {receivers: [otlp]}, finds:
      "service.pipelines.logs/a: take no logs, leave `logs` out of `signals`"}
  no receiver: {service.pipelines.traces: {receivers: null, exporters: [debug]},
    finds: "service.pipelines.traces: has no receivers"}
  both ends: {traces: otlp > debug}
no-components:
  receivers from a file: {receivers: "${file:x}", traces: otlp > debug}
  no receiver: {receivers: {}, traces: otlp > debug, finds: "receivers: no receivers are configured"}
  no exporter: {exporters: null, traces: otlp > debug, finds: "exporters: Add a section `exporters`."}
  a connector is both: {connectors.forward: null}
  one of each: {traces: otlp > debug}
undefined-extension:
  given: {traces: otlp > debug}
  an id from a variable: {exporters.otlp_http.auth.authenticator: "${env:AUTH}", build: contrib 0.158.0}
  a built-in encoding: {receivers.kafka.logs.encoding: raw, build: contrib 0.158.0}
  a key of one extension: {extensions.headers_setter.additional_auth: sigv4auth, build: contrib 0.158.0,
    finds: "extensions.headers_setter.additional_auth: extension 'sigv4auth' is not configured"}
  a middleware: {receivers.otlp.protocols.grpc.middlewares: [{id: x}], build: contrib 0.158.0,
    finds: "receivers.otlp.protocols.grpc.middlewares[0].id: extension 'x' is not configured"}
  a queue in a storage that nothing defines:
    exporters.otlp.sending_queue.storage: file_storage
    extensions.file_storage/2: {}
    service.extensions: []
    finds: "exporters.otlp.sending_queue.storage: is not configured; did you mean 'file_storage/2'?"
  an authenticator that is not started:
    receivers.otlp.protocols.grpc.auth.authenticator: basicauth/server
    extensions.basicauth/server: {}
    service.extensions: [other]
    finds: "receivers.otlp.protocols.grpc.auth.authenticator: Add 'basicauth/server' to service.extensions."
  a started storage: {exporters.otlp.sending_queue.storage: file_storage, extensions.file_storage: {}}
  started by an expression:
    exporters.otlp.sending_queue.storage: file_storage
    extensions.file_storage: {}
    service.extensions: "${env:EXTENSIONS}"
  started by an item that is an expression:
    exporters.otlp.sending_queue.storage: file_storage
    extensions.file_storage: {}
    service.extensions: [health_check, "${env:EXTENSION}"]
  extensions from a file:
    exporters.otlp.sending_queue.storage: file_storage
    extensions: "${file:extensions.yaml}"
    service.extensions: [file_storage]
  extensions from a file that are not started:
    exporters.otlp.sending_queue.storage: file_storage
    extensions: "${file:extensions.yaml}"
    service.extensions: []
    finds: "exporters.otlp.sending_queue.storage: 'file_storage' is used here but not started"
  a built-in encoding beside extensions from a file:
    {receivers.kafka.logs.encoding: raw, extensions: "${file:extensions.yaml}", service.extensions: [],
     build: contrib 0.158.0}
  started by an expression and not configured:
    exporters.otlp.sending_queue.storage: file_storage
    service.extensions: ["${env:EXTENSION}"]
    finds: "exporters.otlp.sending_queue.storage: 'file_storage' is not configured"
  white space around ids:
    exporters.otlp.sending_queue.storage: " file_storage / a "
    extensions.file_storage/a: {}
    service.extensions: ["file_storage/a "]
  a list of extensions that is a number:
    exporters.otlp.sending_queue.storage: file_storage
    extensions.file_storage: {}
    service.extensions: 5
    finds: "exporters.otlp.sending_queue.storage: not started"
undefined-pipeline:
  given:
    connectors.routing.table: [{condition: "true", pipelines: [traces/2]}]
    traces: otlp > routing
    traces/2: routing > debug
    traces/3: otlp > debug
    build: contrib 0.158.0
  none of that name: {connectors.routing.table: [{condition: "true", pipelines: [traces/2, traces/4]}],
    finds: "connectors.routing.table[0].pipelines[1]: there is no pipeline 'traces/4'; did you mean"}
  one that starts elsewhere: {connectors.routing.table: [{condition: "true", pipelines: [traces/3]}],
    finds: "connectors.routing.table[0].pipelines[0]: pipeline 'traces/3' does not start from 'routing'"}
  the right one: {}
  a pipeline from a file: {connectors.routing.table: [{pipelines: [traces/3]}], traces: otlp > routing,
    service.pipelines: {traces: {receivers: [otlp], exporters: [routing]}, traces/3: "${file:a.yaml}"}}
  receivers from a variable: {service.pipelines: {traces: {receivers: [otlp], exporters: [routing]},
    traces/2: {receivers: "${env:R}", exporters: [debug]}}}
  a receiver from a variable: {traces/2: "otlp, ${env:R} > debug"}
  receivers that are a text: {service.pipelines: {traces: {receivers: [otlp], exporters: [routing]},
    traces/2: {receivers: routing, exporters: [debug]}},
    finds: "connectors.routing.table[0].pipelines[0]: pipeline 'traces/2' does not start from 'routing'"}
  white space around ids: {connectors.routing.table: [{pipelines: [" traces / 2"]}], service.pipelines: {
    traces: {receivers: [otlp], exporters: ["routing "]}, "traces/2 ": {receivers: [" routing"], exporters: [debug]}}}
  a connector that nothing uses: {connectors.routing.table: [{pipelines: [x]}], service.pipelines: {}}
duplicate-processor:
  one that stands twice: {processors.batch: null, traces: "otlp > batch, filter, batch > debug",
    finds: "service.pipelines.traces.processors[2]: 'batch' is listed 2 times in one pipeline"}
  two of a type: {processors.batch: null, traces: "otlp > batch, batch/2 > debug"}
  white space around ids: {processors.batch: null, service.pipelines: {traces: {receivers: [otlp],
    processors: [batch, " batch "], exporters: [debug]}},
    finds: "service.pipelines.traces.processors[1]: 'batch' is listed 2 times in one pipeline"}
  a receiver twice is fine: {traces: "otlp, otlp > debug"}
ambiguous-id:
  given: {traces: otlp > debug}
  a connector that is also an exporter: {connectors.debug: {},
    finds: "exporters.debug: 'debug' is both in exporters and in connectors"}
  a receiver and an exporter may share one: {exporters.otlp: {}}
  white space around ids: {connectors: {"debug ": {}}, finds: "exporters.debug: 'debug' is both in exporters and in"}
idle-extension:
  given: {traces: otlp > debug}
  one that is not started: {extensions.pprof: {}, service.extensions: null,
    finds: "extensions.pprof: configured but not started"}
  text is no list: {extensions.prof: {}, service.extensions: pprof, finds: "extensions.prof: not started"}
  started: {extensions.pprof: {}}
  started by an expression: {extensions.pprof: {}, service.extensions: "${env:EXTENSIONS}"}
  started by an item that is an expression: {extensions.pprof: {}, service.extensions: ["${env:EXTENSION}"]}
  started by a service from a file: {extensions.pprof: {}, service: "${file:service.yaml}"}
  white space around ids: {extensions.pprof/a: {}, service.extensions: [" pprof / a"]}
unused-component:
  given: {traces: otlp > batch > debug}
  a processor in no pipeline: {processors.batch: null, traces: otlp > debug,
    finds: "processors.batch: no pipeline uses 'batch' Remove it, or list it in a pipeline."}
  a connector in none: {processors.batch: null, connectors.forward: {},
    finds: "connectors.forward: no pipeline uses 'forward'"}
  all used: {processors.batch: null}
  pipelines from a file: {processors.batch: null, service.pipelines: "${file:pipelines.yaml}"}
  a pipeline from a file: {processors.batch: null, service.pipelines.traces: "${file:traces.yaml}"}
  a processor from a variable: {processors.batch: null, traces: "otlp > ${env:PROCESSOR} > debug"}
  a connector from a variable: {connectors.forward: null, traces: "otlp > batch > debug, ${env:EXPORTER}"}
  receivers from a variable say nothing of processors: {processors.batch: null, traces: "${env:RECEIVER} > debug",
    finds: "processors.batch: no pipeline uses 'batch'"}
  white space around ids: {processors.batch/a: null, service.pipelines.traces:
    {receivers: [otlp], processors: ["batch / a"], exporters: [debug]}}
  extensions are another rule's: {processors.batch: null, extensions.x: {}}
""".replace("MANY", "a" * 1025)
