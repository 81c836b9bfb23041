# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a type of component is and does: it prints, samples, hands on records, keeps a queue, and so on.

One table has all types. Types stand without underscores, in which the names of all versions are the same: only the
catalogue knows which build has a type, and how it is spelt there. A type that only old builds have, such as exporter
logging until 0.110, stands beside its successor. A type that is not in the table has no trait. A type without
underscores is called a kind in all of this library, see `kind_of`.

    kind_of("otlp_http/backend")                    "otlphttp"
    traits_of("exporters", "otlp_http/backend")     SPEAKS_HTTP, SENDS_AS_GIVEN and NEEDS_URL
    types_with_traits("exporters", Trait.PRINTS)    ("debug", "logging")

Sources: the README and the factory of each component in opentelemetry-collector and opentelemetry-collector-contrib.
Private.
"""

from __future__ import annotations

from enum import Enum

RECEIVERS, PROCESSORS, EXPORTERS = "receivers", "processors", "exporters"
CONNECTORS, EXTENSIONS = "connectors", "extensions"


class Trait(Enum):
    """What a type of component is or does. The section of a type is that of its row."""

    # Exporters, by where the data goes.
    PRINTS = "prints data to the log of its own collector"
    DISCARDS = "drops data"
    WRITES_FILES = "writes data to files"
    IS_SCRAPED = "keeps data until it is asked for it"
    SPEAKS_GRPC = "sends OTLP over gRPC"
    SPEAKS_HTTP = "sends OTLP over HTTP"
    DIVIDES = "divides data among collectors, which it sends OTLP"
    SENDS_AS_GIVEN = "sends one request for whatever it is given at once"
    NEEDS_REGION = "sends to a service of AWS, and needs its region"
    WRITES_LOG_GROUPS = "writes log groups of CloudWatch"
    NEEDS_URL = "takes URLs as addresses, and fails without their scheme"
    # Receivers.
    KEEPS_HEADERS = "keeps the headers of requests, if its settings ask for it"
    SERVES_APPLICATIONS = "is what applications send to"
    ANSWERS_HTTP = "answers requests of HTTP on its port"
    ALWAYS_COLLECTS = "finds data whenever it collects"
    IS_SENT_TO = "gets data only when others send it, each record to one pod"
    READS_BY_ITSELF = "reads from elsewhere, and listens to nobody by default"
    # Extensions have it too. Source: the registries of the operator's internal/components, 0.158.
    OPENED_BY_OPERATOR = "gets the address 0.0.0.0 from the operator, if it has none"
    # Processors and connectors, by what they do with records.
    SAMPLES = "keeps a part of the data"
    DROPS = "leaves out or merges records on purpose"
    PASSES_ALL = "passes on each record that it takes, and counts none"
    MAKES = "makes records of its own beside those that it gets"
    REGROUPS = "makes new requests of the records of several, without what is known of their clients"
    GROUPS = "works on all records of a request together, and finds more in a larger one"
    EDITS_BY_ACTIONS = "changes attributes by a list of actions"
    HANDS_ON = "hands on the very records that it gets, between pipelines of one signal"
    COUNTS_BY_CONDITION = "makes metrics of the records that meet conditions"
    TAKES_TURNS = "gives each pipeline behind it a part of the requests"
    COUNTS_SPANS = "makes metrics that are right only if it gets all spans"
    BELONGS_EVERYWHERE = "may work on a record in one pipeline after another"
    REACHES_OUT = "reads files or asks other machines"
    KEEPS_STATE = "decides by records that it saw before"
    # Extensions.
    STORES = "stores data for other components"
    CHECKS_REQUESTS = "checks who sends requests"
    SIGNS_REQUESTS = "signs requests"
    ANSWERS_PROBES = "answers the probes of a pod"
    STANDS_ALONE = "is no authenticator, no storage and no middleware"
    ELECTS = "takes part in an election among pods"
    REPORTS_AGENT = "tells a server that its collector is there"
    SHOWS_INTERNALS = "shows whoever asks the inner state of its collector"


_TRAIT_ROWS: tuple[tuple[str, str, tuple[Trait, ...]], ...] = (
    (RECEIVERS, "activedirectoryds", (Trait.READS_BY_ITSELF,)),
    (RECEIVERS, "activedirectoryinv", (Trait.READS_BY_ITSELF,)),
    (RECEIVERS, "aerospike", (Trait.READS_BY_ITSELF,)),
    (RECEIVERS, "apache", (Trait.READS_BY_ITSELF,)),
    (RECEIVERS, "apachespark", (Trait.READS_BY_ITSELF,)),
    (RECEIVERS, "awscloudwatch", (Trait.READS_BY_ITSELF,)),
    (RECEIVERS, "awscloudwatchmetrics", (Trait.READS_BY_ITSELF,)),
    (RECEIVERS, "awscontainerinsightreceiver", (Trait.READS_BY_ITSELF,)),
    (RECEIVERS, "awsecscontainermetrics", (Trait.READS_BY_ITSELF,)),
    (RECEIVERS, "awsfirehose", (Trait.IS_SENT_TO,)),
    (RECEIVERS, "awss3", (Trait.READS_BY_ITSELF,)),
    (RECEIVERS, "awsxray", (Trait.IS_SENT_TO, Trait.OPENED_BY_OPERATOR)),
    (RECEIVERS, "azureblob", (Trait.READS_BY_ITSELF,)),
    (RECEIVERS, "azureeventhub", (Trait.READS_BY_ITSELF,)),
    (RECEIVERS, "azuremonitor", (Trait.READS_BY_ITSELF,)),
    (RECEIVERS, "bigip", (Trait.READS_BY_ITSELF,)),
    (RECEIVERS, "carbon", (Trait.IS_SENT_TO, Trait.OPENED_BY_OPERATOR)),
    (RECEIVERS, "chrony", (Trait.READS_BY_ITSELF,)),
    (RECEIVERS, "ciscoos", (Trait.READS_BY_ITSELF,)),
    (RECEIVERS, "cloudfoundry", (Trait.READS_BY_ITSELF,)),
    (RECEIVERS, "collectd", (Trait.IS_SENT_TO, Trait.OPENED_BY_OPERATOR)),
    (RECEIVERS, "couchdb", (Trait.READS_BY_ITSELF,)),
    (RECEIVERS, "datadog", (Trait.ANSWERS_HTTP, Trait.IS_SENT_TO)),
    (RECEIVERS, "dnscheck", (Trait.READS_BY_ITSELF,)),
    (RECEIVERS, "dockerstats", (Trait.READS_BY_ITSELF,)),
    (RECEIVERS, "elasticsearch", (Trait.READS_BY_ITSELF,)),
    (RECEIVERS, "envoyals", (Trait.IS_SENT_TO,)),
    (RECEIVERS, "expvar", (Trait.READS_BY_ITSELF,)),
    (RECEIVERS, "faro", (Trait.IS_SENT_TO,)),
    (RECEIVERS, "filelog", (Trait.READS_BY_ITSELF,)),
    (RECEIVERS, "filestats", (Trait.READS_BY_ITSELF,)),
    (RECEIVERS, "flinkmetrics", (Trait.READS_BY_ITSELF,)),
    (RECEIVERS, "fluentforward", (Trait.IS_SENT_TO, Trait.OPENED_BY_OPERATOR)),
    (RECEIVERS, "googlecloudmonitoring", (Trait.READS_BY_ITSELF,)),
    (RECEIVERS, "googlecloudpubsub", (Trait.READS_BY_ITSELF,)),
    (RECEIVERS, "googlecloudspanner", (Trait.READS_BY_ITSELF,)),
    (RECEIVERS, "haproxy", (Trait.READS_BY_ITSELF,)),
    (RECEIVERS, "hostmetrics", (Trait.ALWAYS_COLLECTS, Trait.READS_BY_ITSELF)),
    (RECEIVERS, "httpcheck", (Trait.READS_BY_ITSELF,)),
    (RECEIVERS, "huaweicloudcesreceiver", (Trait.READS_BY_ITSELF,)),
    (RECEIVERS, "icmpcheckreceiver", (Trait.READS_BY_ITSELF,)),
    (RECEIVERS, "iis", (Trait.READS_BY_ITSELF,)),
    (RECEIVERS, "influxdb", (Trait.ANSWERS_HTTP, Trait.IS_SENT_TO, Trait.OPENED_BY_OPERATOR)),
    (
        RECEIVERS,
        "jaeger",
        (
            Trait.ANSWERS_HTTP,
            Trait.KEEPS_HEADERS,
            Trait.SERVES_APPLICATIONS,
            Trait.IS_SENT_TO,
            Trait.OPENED_BY_OPERATOR,
        ),
    ),
    (RECEIVERS, "journald", (Trait.READS_BY_ITSELF,)),
    (RECEIVERS, "k8scluster", (Trait.READS_BY_ITSELF,)),
    (RECEIVERS, "k8sevents", (Trait.READS_BY_ITSELF,)),
    (RECEIVERS, "k8slog", (Trait.READS_BY_ITSELF,)),
    (RECEIVERS, "k8sobjects", (Trait.READS_BY_ITSELF,)),
    (RECEIVERS, "kafka", (Trait.READS_BY_ITSELF,)),
    (RECEIVERS, "kafkametrics", (Trait.READS_BY_ITSELF,)),
    (RECEIVERS, "kubeletstats", (Trait.ALWAYS_COLLECTS, Trait.READS_BY_ITSELF)),
    (RECEIVERS, "libhoney", (Trait.IS_SENT_TO,)),
    (RECEIVERS, "loki", (Trait.ANSWERS_HTTP, Trait.IS_SENT_TO, Trait.OPENED_BY_OPERATOR)),
    (RECEIVERS, "macosunifiedlogging", (Trait.READS_BY_ITSELF,)),
    (RECEIVERS, "memcached", (Trait.READS_BY_ITSELF,)),
    (RECEIVERS, "mongodb", (Trait.READS_BY_ITSELF,)),
    (RECEIVERS, "mysql", (Trait.READS_BY_ITSELF,)),
    (RECEIVERS, "namedpipe", (Trait.READS_BY_ITSELF,)),
    (RECEIVERS, "netflow", (Trait.IS_SENT_TO,)),
    (RECEIVERS, "nginx", (Trait.READS_BY_ITSELF,)),
    (RECEIVERS, "nop", (Trait.READS_BY_ITSELF,)),
    (RECEIVERS, "nsxt", (Trait.READS_BY_ITSELF,)),
    (RECEIVERS, "ntp", (Trait.READS_BY_ITSELF,)),
    (RECEIVERS, "opencensus", (Trait.SERVES_APPLICATIONS, Trait.IS_SENT_TO)),
    (RECEIVERS, "oracledb", (Trait.READS_BY_ITSELF,)),
    (RECEIVERS, "osquery", (Trait.READS_BY_ITSELF,)),
    (RECEIVERS, "otelarrow", (Trait.KEEPS_HEADERS, Trait.IS_SENT_TO)),
    (
        RECEIVERS,
        "otlp",
        (
            Trait.ANSWERS_HTTP,
            Trait.KEEPS_HEADERS,
            Trait.SERVES_APPLICATIONS,
            Trait.IS_SENT_TO,
            Trait.OPENED_BY_OPERATOR,
        ),
    ),
    (RECEIVERS, "otlpjsonfile", (Trait.READS_BY_ITSELF,)),
    (RECEIVERS, "podmanstats", (Trait.READS_BY_ITSELF,)),
    (RECEIVERS, "postgresql", (Trait.READS_BY_ITSELF,)),
    (RECEIVERS, "prometheus", (Trait.READS_BY_ITSELF,)),
    (RECEIVERS, "prometheusexec", (Trait.READS_BY_ITSELF,)),
    (RECEIVERS, "prometheusremotewrite", (Trait.ANSWERS_HTTP, Trait.IS_SENT_TO)),
    (RECEIVERS, "prometheussimple", (Trait.READS_BY_ITSELF,)),
    (RECEIVERS, "pulsar", (Trait.READS_BY_ITSELF,)),
    (RECEIVERS, "purefa", (Trait.READS_BY_ITSELF,)),
    (RECEIVERS, "purefb", (Trait.READS_BY_ITSELF,)),
    (RECEIVERS, "rabbitmq", (Trait.READS_BY_ITSELF,)),
    (RECEIVERS, "redfish", (Trait.READS_BY_ITSELF,)),
    (RECEIVERS, "redis", (Trait.READS_BY_ITSELF,)),
    (RECEIVERS, "riak", (Trait.READS_BY_ITSELF,)),
    (RECEIVERS, "saphana", (Trait.READS_BY_ITSELF,)),
    (RECEIVERS, "sapm", (Trait.IS_SENT_TO, Trait.OPENED_BY_OPERATOR)),
    (RECEIVERS, "signalfx", (Trait.IS_SENT_TO, Trait.OPENED_BY_OPERATOR)),
    (RECEIVERS, "skywalking", (Trait.SERVES_APPLICATIONS, Trait.IS_SENT_TO, Trait.OPENED_BY_OPERATOR)),
    (RECEIVERS, "snmp", (Trait.READS_BY_ITSELF,)),
    (RECEIVERS, "snowflake", (Trait.READS_BY_ITSELF,)),
    (RECEIVERS, "solace", (Trait.READS_BY_ITSELF,)),
    (RECEIVERS, "splunkenterprise", (Trait.READS_BY_ITSELF,)),
    (RECEIVERS, "splunkhec", (Trait.ANSWERS_HTTP, Trait.IS_SENT_TO, Trait.OPENED_BY_OPERATOR)),
    (RECEIVERS, "sqlquery", (Trait.READS_BY_ITSELF,)),
    (RECEIVERS, "sqlserver", (Trait.READS_BY_ITSELF,)),
    (RECEIVERS, "sshcheck", (Trait.READS_BY_ITSELF,)),
    (RECEIVERS, "statsd", (Trait.IS_SENT_TO, Trait.OPENED_BY_OPERATOR)),
    (RECEIVERS, "stef", (Trait.IS_SENT_TO,)),
    (RECEIVERS, "syslog", (Trait.IS_SENT_TO,)),
    (RECEIVERS, "systemd", (Trait.READS_BY_ITSELF,)),
    (RECEIVERS, "tcpcheck", (Trait.READS_BY_ITSELF,)),
    (RECEIVERS, "tcplog", (Trait.IS_SENT_TO,)),
    (RECEIVERS, "tlscheck", (Trait.READS_BY_ITSELF,)),
    (RECEIVERS, "udplog", (Trait.IS_SENT_TO,)),
    (RECEIVERS, "vcenter", (Trait.READS_BY_ITSELF,)),
    (RECEIVERS, "wavefront", (Trait.IS_SENT_TO, Trait.OPENED_BY_OPERATOR)),
    (RECEIVERS, "webhookevent", (Trait.IS_SENT_TO,)),
    (RECEIVERS, "windowseventlog", (Trait.READS_BY_ITSELF,)),
    (RECEIVERS, "windowsperfcounters", (Trait.READS_BY_ITSELF,)),
    (RECEIVERS, "windowsservice", (Trait.READS_BY_ITSELF,)),
    (
        RECEIVERS,
        "zipkin",
        (
            Trait.ANSWERS_HTTP,
            Trait.KEEPS_HEADERS,
            Trait.SERVES_APPLICATIONS,
            Trait.IS_SENT_TO,
            Trait.OPENED_BY_OPERATOR,
        ),
    ),
    (RECEIVERS, "zookeeper", (Trait.READS_BY_ITSELF,)),
    (PROCESSORS, "attributes", (Trait.EDITS_BY_ACTIONS,)),
    (PROCESSORS, "batch", (Trait.PASSES_ALL, Trait.REGROUPS, Trait.BELONGS_EVERYWHERE)),
    (PROCESSORS, "cumulativetodelta", (Trait.DROPS, Trait.KEEPS_STATE)),
    (PROCESSORS, "deltatocumulative", (Trait.DROPS, Trait.KEEPS_STATE)),
    (PROCESSORS, "deltatorate", (Trait.DROPS, Trait.KEEPS_STATE)),
    (PROCESSORS, "dnslookup", (Trait.REACHES_OUT,)),
    (PROCESSORS, "filter", (Trait.DROPS,)),
    (PROCESSORS, "geoip", (Trait.REACHES_OUT,)),
    (PROCESSORS, "groupbyattrs", (Trait.GROUPS,)),
    (PROCESSORS, "groupbytrace", (Trait.PASSES_ALL, Trait.REGROUPS, Trait.GROUPS, Trait.KEEPS_STATE)),
    (PROCESSORS, "interval", (Trait.DROPS, Trait.KEEPS_STATE)),
    (PROCESSORS, "isolationforest", (Trait.DROPS, Trait.KEEPS_STATE)),
    (PROCESSORS, "logdedup", (Trait.DROPS,)),
    (PROCESSORS, "lookup", (Trait.REACHES_OUT,)),
    (
        PROCESSORS,
        "memorylimiter",
        (
            Trait.PASSES_ALL,
            Trait.BELONGS_EVERYWHERE,
        ),
    ),
    (PROCESSORS, "metricsgeneration", (Trait.MAKES, Trait.GROUPS)),
    (PROCESSORS, "metricstarttime", (Trait.DROPS, Trait.KEEPS_STATE)),
    (PROCESSORS, "metricstransform", (Trait.DROPS, Trait.MAKES)),
    (PROCESSORS, "probabilisticsampler", (Trait.SAMPLES, Trait.DROPS)),
    (PROCESSORS, "queuebatch", (Trait.BELONGS_EVERYWHERE,)),
    (PROCESSORS, "remotetap", (Trait.REACHES_OUT,)),
    (PROCESSORS, "resource", (Trait.EDITS_BY_ACTIONS,)),
    (PROCESSORS, "schema", (Trait.REACHES_OUT,)),
    (PROCESSORS, "spanpruning", (Trait.DROPS, Trait.MAKES)),
    (PROCESSORS, "sumologic", (Trait.REACHES_OUT,)),
    (PROCESSORS, "tailsampling", (Trait.SAMPLES, Trait.DROPS, Trait.REGROUPS, Trait.GROUPS, Trait.KEEPS_STATE)),
    (PROCESSORS, "transform", (Trait.MAKES,)),
    (PROCESSORS, "unroll", (Trait.MAKES,)),
    (EXPORTERS, "awscloudwatchlogs", (Trait.NEEDS_REGION, Trait.WRITES_LOG_GROUPS)),
    (EXPORTERS, "awsemf", (Trait.NEEDS_REGION, Trait.WRITES_LOG_GROUPS)),
    (EXPORTERS, "awsxray", (Trait.NEEDS_REGION, Trait.SENDS_AS_GIVEN)),
    (EXPORTERS, "debug", (Trait.PRINTS,)),
    (EXPORTERS, "file", (Trait.WRITES_FILES,)),
    (EXPORTERS, "loadbalancing", (Trait.DIVIDES,)),
    (EXPORTERS, "logging", (Trait.PRINTS,)),
    (EXPORTERS, "nop", (Trait.DISCARDS,)),
    (EXPORTERS, "otlp", (Trait.SPEAKS_GRPC, Trait.SENDS_AS_GIVEN)),
    (EXPORTERS, "otlpgrpc", (Trait.SPEAKS_GRPC, Trait.SENDS_AS_GIVEN)),
    (EXPORTERS, "otlphttp", (Trait.SPEAKS_HTTP, Trait.SENDS_AS_GIVEN, Trait.NEEDS_URL)),
    (EXPORTERS, "prometheus", (Trait.IS_SCRAPED,)),
    (EXPORTERS, "prometheusremotewrite", (Trait.NEEDS_URL,)),
    (EXPORTERS, "zipkin", (Trait.SENDS_AS_GIVEN, Trait.NEEDS_URL)),
    (CONNECTORS, "count", (Trait.COUNTS_BY_CONDITION,)),
    (CONNECTORS, "datadog", (Trait.HANDS_ON, Trait.COUNTS_SPANS, Trait.REACHES_OUT, Trait.KEEPS_STATE)),
    (CONNECTORS, "failover", (Trait.HANDS_ON,)),
    (CONNECTORS, "forward", (Trait.HANDS_ON,)),
    (CONNECTORS, "grafanacloud", (Trait.REACHES_OUT,)),
    (CONNECTORS, "roundrobin", (Trait.HANDS_ON, Trait.TAKES_TURNS)),
    (CONNECTORS, "routing", (Trait.HANDS_ON,)),
    (CONNECTORS, "servicegraph", (Trait.COUNTS_SPANS, Trait.KEEPS_STATE)),
    (CONNECTORS, "signaltometrics", (Trait.COUNTS_BY_CONDITION,)),
    (CONNECTORS, "spanmetrics", (Trait.COUNTS_SPANS, Trait.KEEPS_STATE)),
    (CONNECTORS, "sum", (Trait.COUNTS_BY_CONDITION,)),
    (EXTENSIONS, "ack", (Trait.STANDS_ALONE,)),
    (EXTENSIONS, "asapclient", (Trait.SIGNS_REQUESTS,)),
    (EXTENSIONS, "basicauth", (Trait.CHECKS_REQUESTS, Trait.SIGNS_REQUESTS)),
    (EXTENSIONS, "bearertokenauth", (Trait.CHECKS_REQUESTS, Trait.SIGNS_REQUESTS)),
    (EXTENSIONS, "cfgardenobserver", (Trait.STANDS_ALONE,)),
    (EXTENSIONS, "dbstorage", (Trait.STORES,)),
    (EXTENSIONS, "dockerobserver", (Trait.STANDS_ALONE,)),
    (EXTENSIONS, "ecsobserver", (Trait.STANDS_ALONE,)),
    (EXTENSIONS, "ecstaskobserver", (Trait.STANDS_ALONE,)),
    (EXTENSIONS, "filestorage", (Trait.STORES,)),
    (EXTENSIONS, "googleclientauth", (Trait.SIGNS_REQUESTS,)),
    (EXTENSIONS, "headerssetter", (Trait.SIGNS_REQUESTS,)),
    (EXTENSIONS, "healthcheck", (Trait.ANSWERS_PROBES, Trait.STANDS_ALONE, Trait.OPENED_BY_OPERATOR)),
    (EXTENSIONS, "healthcheckv2", (Trait.ANSWERS_PROBES, Trait.STANDS_ALONE)),
    (EXTENSIONS, "hostobserver", (Trait.STANDS_ALONE,)),
    (EXTENSIONS, "httpforwarder", (Trait.STANDS_ALONE,)),
    (EXTENSIONS, "jaegerremotesampling", (Trait.STANDS_ALONE,)),
    (EXTENSIONS, "k8sleaderelector", (Trait.STANDS_ALONE, Trait.ELECTS)),
    (EXTENSIONS, "k8sobserver", (Trait.STANDS_ALONE,)),
    (EXTENSIONS, "kafkatopicsobserver", (Trait.STANDS_ALONE,)),
    (EXTENSIONS, "oauth2client", (Trait.SIGNS_REQUESTS,)),
    (EXTENSIONS, "oidc", (Trait.CHECKS_REQUESTS,)),
    (EXTENSIONS, "opamp", (Trait.STANDS_ALONE, Trait.REPORTS_AGENT)),
    (EXTENSIONS, "pprof", (Trait.STANDS_ALONE, Trait.SHOWS_INTERNALS)),
    (EXTENSIONS, "redisstorage", (Trait.STORES,)),
    (EXTENSIONS, "sigv4auth", (Trait.SIGNS_REQUESTS,)),
    (EXTENSIONS, "zpages", (Trait.STANDS_ALONE, Trait.SHOWS_INTERNALS)),
)
_TRAITS_BY_TYPE = {(section, kind): frozenset(traits) for section, kind, traits in _TRAIT_ROWS}


def kind_of(component_id: str) -> str:
    """Return the type of an id without underscores, in which old and new names are the same but for `otlp_grpc`."""
    return component_id.split("/", 1)[0].strip().replace("_", "")


def traits_of(section: str, component_id: str) -> frozenset[Trait]:
    """Return the traits of a component, by its section and its id or type."""
    return _TRAITS_BY_TYPE.get((section, kind_of(component_id)), frozenset())


def types_with_traits(section: str, *traits: Trait) -> tuple[str, ...]:
    """Return the types of a section, without underscores, that have one of these traits, in the order of the table."""
    wanted_traits = frozenset(traits)
    return tuple(
        kind
        for (row_section, kind), row_traits in _TRAITS_BY_TYPE.items()
        if row_section == section and row_traits & wanted_traits
    )


def list_known_types() -> tuple[tuple[str, str], ...]:
    """Return the section and type of each row."""
    return tuple(_TRAITS_BY_TYPE)


# What ends in the collector itself, and is there for trials.
_FOR_TRIALS = frozenset(types_with_traits(EXPORTERS, Trait.PRINTS, Trait.DISCARDS))
# What takes data at once and keeps none, so that nothing piles up before it.
_KEEPING_NOTHING = frozenset(types_with_traits(EXPORTERS, Trait.PRINTS, Trait.DISCARDS, Trait.WRITES_FILES))
# What sends no request to another machine.
_SENDING_NOTHING = _KEEPING_NOTHING | frozenset(types_with_traits(EXPORTERS, Trait.IS_SCRAPED))
_HANDING_ON = frozenset(types_with_traits(CONNECTORS, Trait.HANDS_ON))


def prints_records(exporter: str) -> bool:
    """Whether an exporter prints data to the log of its own collector."""
    return Trait.PRINTS in traits_of(EXPORTERS, exporter)


def is_for_trials(exporter: str) -> bool:
    """Whether an exporter prints or drops data: people keep it for trials."""
    return kind_of(exporter) in _FOR_TRIALS


def keeps_nothing(exporter: str) -> bool:
    """Whether an exporter is done with data when its call returns: it prints, drops or writes it."""
    return kind_of(exporter) in _KEEPING_NOTHING


def sends_nothing(exporter: str) -> bool:
    """Whether an exporter sends no request to another machine, and so keeps no queue of requests by default."""
    return kind_of(exporter) in _SENDING_NOTHING


def find_otlp_protocol(exporter: str) -> str:
    """Return the protocol over which an exporter sends OTLP to one address, `grpc` or `http`; empty if it does not."""
    exporter_traits = traits_of(EXPORTERS, exporter)
    return "grpc" if Trait.SPEAKS_GRPC in exporter_traits else "http" if Trait.SPEAKS_HTTP in exporter_traits else ""


def speaks_otlp(exporter: str) -> bool:
    """Whether an exporter sends OTLP to one address. Such exporters have a queue without being asked for one."""
    return find_otlp_protocol(exporter) != ""


def divides_data(exporter: str) -> bool:
    """Whether an exporter divides its data among several receivers of OTLP itself, as load_balancing does."""
    return Trait.DIVIDES in traits_of(EXPORTERS, exporter)


def hands_on_records(connector: str) -> bool:
    """Whether a connector hands on the very records that it gets, to pipelines of the signal that it got them by."""
    return kind_of(connector) in _HANDING_ON


def belongs_everywhere(processor: str) -> bool:
    """Whether a processor may work on a record in one pipeline after another: it guards, or makes batches."""
    return Trait.BELONGS_EVERYWHERE in traits_of(PROCESSORS, processor)


def samples_records(processor: str) -> bool:
    """Whether a processor keeps a part of the data."""
    return Trait.SAMPLES in traits_of(PROCESSORS, processor)


def takes_turns(connector: str) -> bool:
    """Whether a connector gives each pipeline behind it a part of the requests."""
    return Trait.TAKES_TURNS in traits_of(CONNECTORS, connector)
