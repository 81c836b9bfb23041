# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The subject that rules judge, a rule, a fault that it yields, and a finding that users see. Private.

A file of rules has functions that take a `Subject` and yield a `Fault` for each violation, and makes rules of them with
`define_rules`. `run_rules` runs rules on a subject, and returns each fault as a `Finding`, which also has the rule, the
severity and the position in the file. A kind is a type without underscores, see `kind_of` in traits.py. data_flow.py
answers what other collectors do; from_manifests.py reads a `Deployment` from manifests.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property, partial, wraps
from typing import Any, NamedTuple, TypeVar

from ..catalogue.port_rows import Listeners
from ..config.config_secrets import Suspect, find_secrets
from ..config.masking import make_masker
from ..config.paths import Path, Position, format_path, mapping_at
from ..errors import clean_text, limit_suggestions, make_printable
from ..kube.network_policies import Policies
from ..needs.pod_logs import PodLogs
from .annotated_scrapes import AnnotatedScrape
from .build_facts import TargetBuild
from .view import View


@dataclass(frozen=True)
class Ingress:
    """The network policies that limit who connects to the pods, and the names of the ports that these may use.

    `port_names` has the names of each port, by its number. `complete` says that no other policy selects the pods; else
    one of another file may admit more.
    """

    policies: Policies
    port_names: Mapping[int, Collection[str]] = field(default_factory=dict)
    complete: bool = False

    def admits(self, port: int, protocol: str) -> bool:
        """Whether a policy lets anybody connect to a port."""
        return self.policies.judge_admission([port], protocol, self.port_names.get(port, ())) != "none"


@dataclass(frozen=True)
class Deployment:
    """How a collector is deployed in Kubernetes, or on a host by systemd. None means unknown: rules report nothing."""

    mode: str
    """daemonset, deployment, sidecar, statefulset, or service on a host."""
    replicas: int | None = None
    autoscaled: bool = False
    """Whether an autoscaler sets the number of replicas."""
    unrequested: tuple[str, ...] = ()
    """The resources whose share its autoscaler measures, while a container requests none, such as `cpu`."""
    memory_limit_mib: int | None = None
    """0 means that the container has no limit."""
    host_network: bool = False
    ip_families: tuple[str, ...] = ()
    """The families of the cluster's addresses, the first one first; empty where unknown."""
    mounts: tuple[str, ...] | None = None
    """The paths at which anything is mounted."""
    fleeting: tuple[str, ...] = ()
    """The paths among them whose volumes end with the pod."""
    exposed: frozenset[tuple[int, str]] | None = None
    """The ports that a Service or the node opens, each with its protocol, such as `(4317, "TCP")`."""
    granted: tuple[dict[str, Any], ...] | None = None
    """The RBAC rules of its ServiceAccount, as manifests spell them."""
    bound_elsewhere: str = ""
    """In words, the binding that gives its rules to another account in its place; empty if none does."""
    probed: bool = False
    """Whether the kubelet probes its health."""
    target_allocator: bool = False
    """Whether a target allocator of the operator gives it what to scrape."""
    by_operator: bool = False
    """Whether the operator makes its workload of a custom resource."""
    ingress: Ingress | None = None
    """The network policies of its pods; None without any."""
    confined: bool = False
    """Whether SELinux keeps the files of the node from it."""
    keeps_on_node: bool = False
    """Whether its state is in a folder of the node."""
    allowed: tuple[str, ...] | None = None
    """The rights that it has consent for."""
    open_ports: frozenset[tuple[int, str]] = frozenset()
    """The ports of the node that are open by default and not by the user's choice, each with its protocol."""
    logs: PodLogs | None = None
    """The files with its log."""
    asks_for_storage: bool = False
    """Whether its option `storage` is set."""
    annotated: bool = False
    """Whether its pods have annotations or labels of the user, by which a webhook of another product may add files."""
    unidentified: tuple[str, ...] = ()
    """The actions that it calls at AWS while nothing gives it credentials."""

    @property
    def is_service(self) -> bool:
        """Whether systemd runs it on a host, without Kubernetes."""
        return self.mode == "service"


class Printer(NamedTuple):
    """An exporter that prints records to the log of a collector.

    `collector` is its name, empty for the collector of the config itself. `pod_logs` are the files with the log, None
    if these are not known. `verbosity` is the setting of the debug exporter: `basic`, `normal` or `detailed`.
    """

    collector: str
    pod_logs: PodLogs | None
    exporter: str
    verbosity: str


class AskedHeader(NamedTuple):
    """A header that a component needs of requests: its id, what it does with headers, and the signals that need it.

    `action_text` is such as `routes by headers`, see header_demands.py. The name of the header is in lower case, since
    its case does not count.
    """

    component_id: str
    action_text: str
    header: str
    signals: frozenset[str]


class Receiving(NamedTuple):
    """A collector that gets requests of OTLP: its name, the settings of its receivers of OTLP, the headers it needs."""

    collector: str
    receiver_settings: tuple[Any, ...]
    asked_headers: tuple[AskedHeader, ...] = ()


@dataclass(frozen=True)
class Subject:
    """A config that rules judge, with what surrounds it. None stands for what is not known.

    Mappings by exporter have the id of an exporter of the config, such as `otlp/backend`, as key.
    """

    # ── The config and its source ──

    config: Any
    locate: Callable[[Path], Position] = field(default=lambda _path: Position())
    """Returns the position in a file at which a person wrote what stands at a path."""
    duplicates: tuple[tuple[Path, Position], ...] = ()
    """The keys that a source has twice."""

    # ── Where the collector runs ──

    environment: frozenset[str] | None = None
    """The names of the variables that the collector will be given."""
    target: TargetBuild | None = None
    """The build of the Collector."""
    deployment: Deployment | None = None
    resource: Mapping[str, Any] | None = None
    """The custom resource of the operator that the config is in."""
    listeners: Listeners = field(default_factory=dict)
    """The table of the ports that component types open."""
    literals: Mapping[str, str] = field(default_factory=dict)
    """The values of the variables that are given as text."""
    nodes: str = ""
    """On which nodes the collector runs; empty for all."""
    decrypted: frozenset[str] = frozenset()
    """The values that Ansible decrypted for the options."""
    notes: Mapping[str, str] = field(default_factory=dict)
    """Annotations and other texts of the objects, by their options."""
    operator_kinds: Mapping[str, Any] = field(default_factory=dict)
    """The table of the fields of custom resources, as _data/operator_kinds.json has them."""

    # ── What other collectors do ──

    printers: Mapping[str, tuple[Printer, ...]] = field(default_factory=dict)
    """By exporter, what prints the data that it sends on."""
    senders: tuple[str, ...] = ()
    """The collectors that send data of applications here without their pods."""
    routing: Mapping[str, set[str]] | None = None
    """By signal, the keys by which the other collectors divide it among the replicas, if all senders are known."""
    divided: Mapping[str, set[str]] = field(default_factory=dict)
    """The same, as far as files or a cluster show it."""
    unreceived: Mapping[str, tuple[tuple[str, str], ...]] = field(default_factory=dict)
    """By exporter, the collectors to which it sends a signal in vain, each with the signal."""
    unseen: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """By exporter that balances, the collectors whose new replicas it never learns of."""
    receiving: Mapping[str, tuple[Receiving, ...]] = field(default_factory=dict)
    """By exporter, the collectors that get its requests."""
    scraping: tuple[AnnotatedScrape, ...] = ()
    """The jobs by which other collectors of the run scrape annotated pods."""
    opened: Mapping[tuple[str, str], Collection[int]] = field(default_factory=dict)
    """By namespace and name, the ports of Services of collectors in the same files."""

    @cached_property
    def connectors(self) -> dict[str, Any]:
        """The connectors of the config."""
        return mapping_at(self.config, "connectors")

    @property
    def on_host(self) -> bool:
        """Whether systemd runs the collector on a host, without Kubernetes."""
        return bool(self.deployment and self.deployment.is_service)

    @cached_property
    def view(self) -> View:
        """The config taken apart; the same view for all rules."""
        by_operator = bool(self.deployment and self.deployment.by_operator)
        return View(self.config, self.listeners, by_operator)


def sort_key_by_position(finding: Finding) -> tuple[Any, ...]:
    """Return what sorts findings as they sort themselves, for long lists: tuples compare much faster."""
    position = finding.position
    order = (finding.path, finding.rule, finding.severity, finding.message, finding.fix)
    return (position.file, position.line, position.column, *order)


SEVERITIES = ("error", "warning", "info")
INTERNAL_ERROR = "internal-error"
_COMPARISONS_PER_RULE = 20_000  # word comparisons per rule for suggestions; keeps them fast


@dataclass(frozen=True)
class Fault:
    """One violation of a rule: path, message, fix, and `severity` if it differs from the rule's.

    `position` is set only if the path does not lead to it, as for a duplicate key. `offset` is the number of the
    character, in the text at the path, that is wrong. `quotes_value` says that the fix quotes the value at the path.
    """

    path: Path
    message: str
    fix: str = ""
    position: Position | None = None
    severity: str = ""
    offset: int = 0
    quotes_value: bool = False


Check = Callable[[Subject], Iterable[Fault]]
_Answer = TypeVar("_Answer")


def once_per_subject(find_answers: Callable[[Subject], Iterable[_Answer]]) -> Callable[[Subject], tuple[_Answer, ...]]:
    """Let rules share what a function finds in a subject: it runs once, and the answer is kept with the subject."""
    attribute = f"{find_answers.__module__}.{find_answers.__qualname__}"

    @wraps(find_answers)
    def find_once(subject: Subject) -> tuple[_Answer, ...]:
        answer: tuple[_Answer, ...] | None = subject.__dict__.get(attribute)
        if answer is None:
            answer = subject.__dict__[attribute] = tuple(find_answers(subject))
        return answer

    return find_once


class About(NamedTuple):
    """What a subject must have, since a rule finds nothing without it."""

    subject_field: str = ""
    """A field of Subject that must not be empty; empty for none."""
    component_kinds: frozenset[tuple[str, str]] = frozenset()
    """Sections and kinds, of which a component must be started; empty for none."""

    def is_met_by(self, subject: Subject) -> bool:
        """Whether a subject has both."""
        if self.subject_field and not getattr(subject, self.subject_field):
            return False
        return not self.component_kinds or not self.component_kinds.isdisjoint(subject.view.component_kinds)


ABOUT_EVERYTHING = About()
_ABOUT_BY_CHECK: dict[Check, About] = {}


def about(field: str = "", **kinds: Iterable[str]) -> Callable[[Check], Check]:
    """Decorate the check of a rule with what it is about, so that it does not run where it finds nothing.

    For example, `@about("deployment", exporters=["debug"])` is for a check that needs the deployment, and a started
    exporter of the kind debug.
    """
    all_kinds: set[tuple[str, str]] = set()
    for section_name, kinds_of_section in kinds.items():
        all_kinds.update((section_name, kind) for kind in kinds_of_section)
    condition = About(field, frozenset(all_kinds))

    def remember_condition(check: Check) -> Check:
        _ABOUT_BY_CHECK[check] = condition
        return check

    return remember_condition


@dataclass(frozen=True)
class Rule:
    """A named check; `check` yields one Fault per violation.

    `shared` means that `otelcol validate` reports the same; such a rule must not reject what otelcol accepts.
    """

    id: str
    severity: str
    reason: str
    check: Check
    shared: bool = False
    documentation: str = ""
    precondition: About = ABOUT_EVERYTHING


def define_rules(severity: str, *checks: Check, shared: bool = False, documentation: str = "") -> tuple[Rule, ...]:
    """Return a rule for each check: its id is the function's name, its reason the first line of the docstring."""
    defined_rules: list[Rule] = []
    for check in checks:
        rule_id = check.__name__.replace("_", "-")
        reason = (check.__doc__ or "").split("\n", 1)[0]
        defined_rules.append(
            Rule(rule_id, severity, reason, check, shared, documentation, _ABOUT_BY_CHECK.get(check, ABOUT_EVERYTHING))
        )
    return tuple(defined_rules)


def define_shared_rules(find: Callable[..., Iterable[Fault]], reasons: Mapping[str, str]) -> tuple[Rule, ...]:
    """Return a rule for each id and reason. One function finds the faults of all, and gets the id as `rule_id`."""
    defined_rules: list[Rule] = []
    for rule_id, reason in reasons.items():
        defined_rules.append(Rule(rule_id, "error", reason, partial(find, rule_id=rule_id), shared=True))
    return tuple(defined_rules)


@dataclass(frozen=True, order=True)
class Finding:
    """A fault with its rule and its position; sorts by position."""

    position: Position
    path: str
    rule: str
    severity: str
    message: str
    fix: str = ""

    def __str__(self) -> str:
        """Return one line: position, severity, rule, message and fix."""
        location = " ".join(part for part in (str(self.position), self.path) if part)
        text = f"{location}: {self.severity} [{self.rule}] {self.message}"
        full_stop = "" if text.endswith((".", "!", "?")) else "."
        return make_printable(f"{text}{full_stop} {self.fix}".rstrip())

    def as_dict(self) -> dict[str, Any]:
        """Return the finding as a task result shows it."""
        return {
            "rule": self.rule,
            "severity": self.severity,
            "file": self.position.file,
            "line": self.position.line,
            "column": self.position.column,
            "path": self.path,
            "message": self.message,
            "fix": self.fix,
        }


def run_rules(rules: Iterable[Rule], subject: Subject) -> list[Finding]:
    """Apply every rule and return the findings in the order of their positions."""
    findings: list[Finding] = []
    with limit_suggestions(_COMPARISONS_PER_RULE) as comparisons_left:
        for rule in rules:
            if rule.precondition is not ABOUT_EVERYTHING and not rule.precondition.is_met_by(subject):
                continue
            comparisons_left[0] = _COMPARISONS_PER_RULE
            try:
                for fault in rule.check(subject):
                    findings.append(_convert_fault_to_finding(rule, fault, subject))
            except Exception as error:  # a mistake in one rule hides no finding of the others
                findings.append(report_internal_error(f"rule {rule.id}", error, subject.locate(())))
    return sorted(findings, key=sort_key_by_position)


def report_internal_error(step: str, error: Exception, position: Position) -> Finding:
    """Return the finding of a step that failed. The text of the error may quote a secret, so only its type is shown."""
    message = f"{step} failed with {type(error).__name__}, so findings may be missing here"
    fix = "Report this with the config to the maintainers of o11y.opentelemetry; the other rules and files are checked."
    return Finding(position, "", INTERNAL_ERROR, "error", message, fix)


def mask_findings(
    findings: Iterable[Finding], config: Any, known_suspects: Iterable[Suspect] | None = None
) -> list[Finding]:
    """Return findings in a config without the secrets that the config holds.

    `known_suspects` are the texts of the config that may be secrets, if they are known; see `find_secrets`.
    """
    unmasked = list(findings)
    if not unmasked:
        return []
    mask = make_masker(find_secrets(config, known_suspects))
    return [_mask_finding(finding, mask) for finding in unmasked]


def _mask_finding(finding: Finding, mask: Callable[[str], str]) -> Finding:
    """Return a finding whose texts went through a mask."""
    message, fix = mask(finding.message), mask(finding.fix)
    if (message, fix) == (finding.message, finding.fix):
        return finding
    return replace(finding, message=message, fix=fix)


def _convert_fault_to_finding(rule: Rule, fault: Fault, subject: Subject) -> Finding:
    """Return a fault as a finding: with its place in the source, and with texts that a terminal can show."""
    position = fault.position or subject.locate(fault.path)
    if fault.offset:
        position = position.locate_character(fault.offset)
    path, message, fix = clean_text(format_path(fault.path)), clean_text(fault.message), clean_text(fault.fix)
    return Finding(position, path, rule.id, fault.severity or rule.severity, message, fix)
