# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The values of attributes that a capture does not mask: the enumerations of the semantic conventions. Private.

attribute_masks.py and text_masks.py ask this file. The value counts, and not the name alone, so what an application
writes into such an attribute by mistake is masked:

| attribute | value | |
|---|---|---|
| `http.request.method` | `GET` | stays, since it is one of the words in `_WORD_ROWS` |
| `http.response.status_code` | `404` | stays, since it matches the pattern in `_PATTERN_ROWS` |
| `http.request.method` | `hunter2` | is masked |
| `service.name` | `checkout` | is masked, since users choose the values of this attribute |

A new attribute goes into the row that has its values, or gets a row. Only a value that every user of OpenTelemetry may
have belongs here: the receiver of a capture can read it.

Source: the registry of OpenTelemetry's semantic conventions, 1.37, and the older names that it deprecates.
"""

from __future__ import annotations

import re

_HTTP_METHODS = "CONNECT DELETE GET HEAD OPTIONS PATCH POST PUT TRACE QUERY _OTHER"
_HTTP_STATUS = re.compile(r"[1-5]\d\d")
_GRPC_STATUS = re.compile(r"\d|1[0-6]")
# A version, such as `1.27`, `v2` or `1.0.0-rc.1`.
_VERSION = re.compile(r"v?\d{1,3}(\.\d{1,4}){0,2}(-(alpha|beta|rc|dev)\.?\d{0,3})?")
_RPC_SYSTEMS = "apache_dubbo aws_api connectrpc connect_rpc dotnet_wcf dubbo grpc java_rmi jsonrpc onc_rpc onc-rpc"
_DATABASES = (
    "actian.ingres adabas aws.dynamodb aws.redshift azure.cosmosdb cache cassandra clickhouse cloudscape"
    " cockroachdb coldfusion cosmosdb couchbase couchdb db2 derby dynamodb edb elasticsearch filemaker firebird"
    " firebirdsql gcp.spanner geode h2 h2database hanadb hbase hive hsqldb ibm.db2 ibm.informix ibm.netezza"
    " influxdb informix ingres instantdb interbase intersystems.cache intersystems_cache mariadb maxdb memcached"
    " microsoft.sql_server mongodb mssql mysql neo4j netezza opensearch oracle oracle.db other_sql pervasive"
    " pointbase postgresql progress redis redshift sap.hana sap.maxdb softwareag.adabas spanner sqlite sybase"
    " teradata trino vertica"
)
_MESSAGING_SYSTEMS = (
    "activemq aws.sns aws_sqs eventgrid eventhubs gcp_pubsub jms kafka nats pulsar rabbitmq rocketmq servicebus"
)
_MESSAGING_STEPS = "ack create deliver process publish receive send settle"
_PROTOCOLS = "amqp http HTTP SPDY spdy mqtt kafka"
# The deprecated http.flavor has a version, or a protocol that is no version of HTTP.
_HTTP_FLAVORS = "1.0 1.1 2.0 3.0 SPDY QUIC"
_TRANSPORTS = "ip_tcp ip_udp inproc pipe quic tcp udp unix other"
_LANGUAGES = "cpp dotnet erlang go java nodejs php python ruby rust swift webjs"
_OPERATING_SYSTEMS = "aix darwin dragonflybsd freebsd hpux linux netbsd openbsd solaris windows z_os zos"
_PROCESSORS = "amd64 arm32 arm64 ia64 ppc32 ppc64 s390x x86"
_CLOUDS = "alibaba_cloud aws azure gcp heroku ibm_cloud oracle_cloud tencent_cloud"
_CLOUD_PLATFORMS = (
    "alibaba_cloud_ecs alibaba_cloud_fc aws_app_runner aws_ec2 aws_ecs aws_eks aws_elastic_beanstalk aws_lambda"
    " aws_openshift azure.aks azure.app_service azure.functions azure.vm azure_aks azure_app_service azure_functions"
    " azure_vm gcp_app_engine gcp_bare_metal_solution gcp_cloud_functions gcp_cloud_run gcp_compute_engine"
    " gcp_kubernetes_engine gcp_openshift ibm_cloud_openshift"
)
_OBJECT_KINDS = (
    "ConfigMap Container CronJob DaemonSet Deployment Endpoints Event HorizontalPodAutoscaler Ingress Job Namespace"
    " Node PersistentVolume PersistentVolumeClaim Pod ReplicaSet ReplicationController Secret Service ServiceAccount"
    " StatefulSet"
)
_SEVERITIES = (
    "trace debug info information notice warn warning error err critical crit alert emerg emergency fatal panic"
    " TRACE DEBUG INFO INFORMATION NOTICE WARN WARNING ERROR ERR CRITICAL CRIT ALERT EMERG EMERGENCY FATAL PANIC"
    " Trace Debug Info Information Notice Warn Warning Error Critical Fatal Normal"
)
# The states of processors, memory, batteries, connections and processes.
_HOST_STATES = (
    "active available blocked buffered cached close_wait closed discharging faults free idle inactive interrupt iowait"
    " nice reserved running sleeping slab_reclaimable slab_unreclaimable softirq steal stolen stopped system time_wait"
    " used user wait zombies"
)
# The phases of namespaces and pods.
_KUBERNETES_PHASES = "Active Terminating Pending Running Succeeded Failed Unknown"
# Hosts and Kubernetes share names such as `state` and `status`, so each attribute of states may have all of these.
_STATES = f"{_HOST_STATES} {_KUBERNETES_PHASES}"
_DIRECTIONS = "in out read receive transmit write page_in page_out"
_BOOLS = "true false"

# Each row has names of attributes, and the words that all of them may have, with blanks between.
_WORD_ROWS = (
    ("http.request.method http.method http.request.method_original", _HTTP_METHODS),
    ("http.flavor", _HTTP_FLAVORS),
    ("rpc.system rpc.system.name", _RPC_SYSTEMS),
    ("db.system db.system.name", _DATABASES),
    ("messaging.system", _MESSAGING_SYSTEMS),
    ("messaging.operation messaging.operation.type", _MESSAGING_STEPS),
    ("network.protocol.name net.protocol.name", _PROTOCOLS),
    ("network.transport net.transport", _TRANSPORTS),
    ("network.type", "ipv4 ipv6"),
    ("network.io.direction disk.io.direction direction", _DIRECTIONS),
    ("url.scheme http.scheme", "http https"),
    ("telemetry.sdk.language", _LANGUAGES),
    ("telemetry.sdk.name", "opentelemetry"),
    ("os.type", _OPERATING_SYSTEMS),
    ("host.arch", _PROCESSORS),
    ("cloud.provider", _CLOUDS),
    ("cloud.platform", _CLOUD_PLATFORMS),
    ("k8s.object.kind k8s.resource.kind k8s.owner.kind object.kind", _OBJECT_KINDS),
    ("k8s.event.reason k8s.pod.phase k8s.namespace.phase k8s.container.status.state", _STATES),
    ("log.iostream", "stdout stderr"),
    ("level severity severity_text log.level", _SEVERITIES),
    ("otel.status_code status.code", "OK ERROR UNSET STATUS_CODE_OK STATUS_CODE_ERROR STATUS_CODE_UNSET"),
    ("span.kind", "SPAN_KIND_INTERNAL SPAN_KIND_SERVER SPAN_KIND_CLIENT SPAN_KIND_PRODUCER SPAN_KIND_CONSUMER"),
    ("state status cpu.mode system.cpu.state system.memory.state system.network.state process.state", _STATES),
    ("error exception.escaped sampled", _BOOLS),
)
# Each row has names of attributes, and the pattern that a whole value of them must match.
_PATTERN_ROWS = (
    ("http.response.status_code http.status_code", _HTTP_STATUS),
    ("rpc.grpc.status_code", _GRPC_STATUS),
    ("network.protocol.version net.protocol.version telemetry.sdk.version telemetry.distro.version", _VERSION),
)


def _index_words() -> dict[str, frozenset[str]]:
    """Return the values of each attribute whose values are words."""
    words_by_attribute: dict[str, frozenset[str]] = {}
    for names, words in _WORD_ROWS:
        words_by_attribute.update(dict.fromkeys(names.split(), frozenset(words.split())))
    return words_by_attribute


def _index_patterns() -> dict[str, re.Pattern[str]]:
    """Return the pattern of each attribute whose values have a pattern."""
    pattern_by_attribute: dict[str, re.Pattern[str]] = {}
    for names, pattern in _PATTERN_ROWS:
        pattern_by_attribute.update(dict.fromkeys(names.split(), pattern))
    return pattern_by_attribute


_WORDS_BY_ATTRIBUTE = _index_words()
_PATTERN_BY_ATTRIBUTE = _index_patterns()
# The names of attributes that have values which stay.
ENUMERATED_ATTRIBUTES = tuple(sorted({*_WORDS_BY_ATTRIBUTE, *_PATTERN_BY_ATTRIBUTE}))


def is_kept_value(name: str, value: str) -> bool:
    """Return whether the value of an attribute is one of its enumeration; a number is given as text."""
    pattern = _PATTERN_BY_ATTRIBUTE.get(name)
    if pattern:
        return pattern.fullmatch(value) is not None
    return value in _WORDS_BY_ATTRIBUTE.get(name, ())


def is_severity_name(text: str) -> bool:
    """Return whether a text is the name of a severity."""
    return text in _WORDS_BY_ATTRIBUTE["severity"]
