# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module instrumentation_check: it looks for what Instrumentations need, before they are applied. Private.

The module hands its arguments to `run_check`. `requirements.py` says what Instrumentations need: the operator, the
namespaces to annotate, certificates, and the Services that applications will send to (the targets). This file reads
them from the cluster; `target_services.py` and `receiver_answers.py` judge what it reads. Example: if Service `gateway`
has no port 4318, the module fails with the line

    Service otel/gateway has no port 4318 (it has 4317 otlp). Correct the port, or let the collector listen there.

If this user may not read an object, a warning says that it was not checked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any, NamedTuple

from ansible.module_utils.basic import AnsibleModule

from ..._kube.live.api_errors import explain
from ..._kube.live.cluster import METADATA, NOT_FOUND, ApiError, Cluster
from ..._kube.live.connect import connect
from ..._kube.live.outage import LostError
from ..._kube.live.task_end import run
from ..._otelcol.config.paths import mapping_at
from ..._otelcol.errors import Problem
from ..._otelcol.kube.objects import Manifest
from .. import namespace_annotations, operator_switches, receiver_answers, target_services
from ..custom_resource import API_VERSION, KIND
from ..requirements import ExportTarget, NeededFile, Requirements
from ..sdk_languages import GRPC

MUTATING = "MutatingWebhookConfiguration"
WEBHOOKS_PATH = "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations"
# A namespace that every cluster has.
PERMANENT_NAMESPACE = "default"
# The names of kinds in the paths of the API.
RESOURCE_BY_KIND = {"Secret": "secrets", "ConfigMap": "configmaps"}
FORBIDDEN = 403
GATEWAY_TIMEOUT = 504
INSTALL_FIX = "Install the operator, with role otel_operator."
# How many namespaces a message names.
MOST_NAMED_NAMESPACES = 5
NAMES_OPTION = {"type": "list", "elements": "str", "default": []}
MAPPINGS_OPTION = {"type": "list", "elements": "dict", "default": []}
# The keys of `Requirements`.
REQUIREMENT_OPTIONS = {
    "languages": NAMES_OPTION,
    "coming": NAMES_OPTION,
    "references": NAMES_OPTION,
    "targets": MAPPINGS_OPTION,
    "namespaces": MAPPINGS_OPTION,
    "files": MAPPINGS_OPTION,
    "trials": MAPPINGS_OPTION,
}
# The arguments of the module.
ARGUMENTS: dict[str, Any] = {
    "requirements": {"type": "dict", "required": True, "options": REQUIREMENT_OPTIONS},
    "wait_seconds": {"type": "float", "default": 60},
}


class UnseenError(Exception):
    """This user may not read an object. Its text says what is not checked."""


class MissingPrerequisite(NamedTuple):
    """Something that Instrumentations need and the cluster does not have."""

    wrong: str
    """What is missing, such as `there is no namespace shop to annotate`."""
    fix: str
    """What the user does about it, as a sentence."""
    can_pass: bool = False
    """Whether it may come by itself, such as a pod that is starting."""


class ProxyAnswer(NamedTuple):
    """The answer of the API server to a request that it passes on to a Service."""

    status: int
    """The status of HTTP: that of the receiver, or of the API server if it could not pass the request on."""
    message: str
    """What the API server says if it could not pass the request on."""


def run_check(module: AnsibleModule) -> None:
    """Run the module, and exit with its result or failure.

    In check mode, missing objects are warnings, because earlier tasks may create them.
    """
    params = module.params

    def check_prerequisites() -> dict[str, Any]:
        check = PrerequisiteCheck(connect(module), params["requirements"])
        faults = check.find_lasting_faults(0 if module.check_mode else params["wait_seconds"])
        if faults and not module.check_mode:
            raise _build_refusal(faults)
        return check.build_result(faults)

    run(module, check_prerequisites)


def _build_refusal(faults: list[MissingPrerequisite]) -> Problem:
    """Return the problem that names all missing prerequisites, each in a line."""
    lines = [f"  {fault.wrong}. {fault.fix}" for fault in faults]
    return Problem("\n" + "\n".join(lines), asked="instrumentation would not work, no Instrumentation was applied")


class PrerequisiteCheck:
    """The check of all requirements: `find_lasting_faults` runs it, and `build_result` says what it has found."""

    def __init__(self, cluster: Cluster, requirements: Requirements) -> None:
        self.cluster = cluster
        self.requirements = requirements
        self.pod_webhook: operator_switches.PodWebhook | None = None
        """The webhook that the API server asks about new pods; None if it was not found."""
        self.operator: Manifest = {}
        """The operator's Deployment; empty if it was not found."""
        self.warnings: dict[str, None] = {}
        """The warnings of the last check as keys, each once."""

    def find_lasting_faults(self, seconds: float) -> list[MissingPrerequisite]:
        """Return what is missing after a wait of up to `seconds`.

        It checks again only while everything that is missing may come by itself, such as a pod that is starting. If a
        namespace is missing too, it returns at once.
        """
        faults: list[MissingPrerequisite] = []
        for _poll in self.cluster.iter_polls(seconds):
            self.warnings.clear()
            faults = self._find_faults()
            is_worth_waiting = bool(faults) and all(fault.can_pass for fault in faults)
            if not is_worth_waiting:
                break
        return faults

    def _find_faults(self) -> list[MissingPrerequisite]:
        """Return what is missing now, each once."""
        faults: list[MissingPrerequisite] = []
        for check in self._iter_checks():
            faults += self._run_check(check)
        return list(dict.fromkeys(faults))

    def build_result(self, faults: list[MissingPrerequisite]) -> dict[str, Any]:
        """Return the result of the task: what is missing, and the operator with objects to try its webhooks with."""
        missing = [fault.wrong for fault in faults]
        metadata = mapping_at(self.operator, "metadata")
        webhooks = []
        if self.pod_webhook:
            webhooks.append({"kind": MUTATING, "name": self.pod_webhook.configuration_name})
        return {
            "changed": False,
            "msg": f"{len(missing)} missing" if missing else "all there",
            "missing": missing,
            "operator": {key: metadata[key] for key in ("namespace", "name") if key in metadata},
            "webhooks": webhooks,
            "trials": [self._choose_trial(trial) for trial in self.requirements["trials"]],
            "warnings": [*(f"Missing so far: {wrong}" for wrong in missing), *self.warnings],
        }

    def _choose_trial(self, manifest: Manifest) -> Manifest:
        """Return an object for module admission_wait, which creates it in a dry run to see that the webhooks answer.

        If the namespace of the object does not exist yet, it is tried in one that every cluster has.
        """
        metadata = manifest["metadata"]
        namespace = metadata["namespace"]
        try:
            has_namespace = self._has_object(f"/api/v1/namespaces/{namespace}", f"Namespace {namespace}")
        except UnseenError:
            has_namespace = True
        if has_namespace:
            return manifest
        return {**manifest, "metadata": {**metadata, "namespace": PERMANENT_NAMESPACE}}

    def _iter_checks(self) -> Iterator[Callable[[], Iterable[MissingPrerequisite]]]:
        """Yield the checks, as functions without arguments; that of the operator comes first."""
        yield self._check_operator
        for namespace in self.requirements["namespaces"]:
            yield partial(self._check_namespace, namespace)
        for file in self.requirements["files"]:
            yield partial(self._check_file, file)
        for target in self.requirements["targets"]:
            yield partial(self._check_target, target)

    def _run_check(self, check: Callable[[], Iterable[MissingPrerequisite]]) -> Iterator[MissingPrerequisite]:
        """Yield what a check finds. A check that reads an object that this user may not read ends with a warning."""
        try:
            yield from check()
        except UnseenError as unseen:
            self.warnings[str(unseen)] = None

    def _check_operator(self) -> Iterator[MissingPrerequisite]:
        """Yield why the operator would instrument no pod, or not all languages.

        It keeps the webhook and the Deployment that it finds, for the result.
        """
        group = self._read_object(f"/apis/{API_VERSION}", "the kinds of the operator") or {}
        if KIND not in [resource["kind"] for resource in group.get("resources", [])]:
            yield MissingPrerequisite(f"the cluster does not serve {KIND} of {API_VERSION}", INSTALL_FIX)
            return
        self.pod_webhook = operator_switches.find_pod_webhook(
            self._list_objects(WEBHOOKS_PATH, "whether the operator is asked about pods")
        )
        if not self.pod_webhook:
            yield MissingPrerequisite("no operator is asked about new pods, so none would be instrumented", INSTALL_FIX)
            return
        namespace, name = self.pod_webhook.namespace, self.pod_webhook.service_name
        service = self._read_object(f"/api/v1/namespaces/{namespace}/services/{name}", "the operator's Service") or {}
        selector = mapping_at(service, "spec", "selector")
        deployments = self._list_objects(
            f"/apis/apps/v1/namespaces/{namespace}/deployments", "the operator's Deployment"
        )
        self.operator = operator_switches.find_deployment(deployments, selector) or {}
        if not self.operator:
            yield MissingPrerequisite(
                f"no Deployment stands behind the operator's Service {namespace}/{name}", INSTALL_FIX
            )
            return
        yield from self._check_switches(f"{namespace}/{self.operator['metadata']['name']}")

    def _check_switches(self, operator_name: str) -> Iterator[MissingPrerequisite]:
        """Yield that the operator is not available, and each required language that is switched off in it."""
        if not operator_switches.is_available(self.operator):
            yield MissingPrerequisite(
                f"the operator {operator_name} is not available", "Look at its pods.", can_pass=True
            )
        for language in operator_switches.list_disabled_languages(self.operator, self.requirements["languages"]):
            fix = f"Give it the flag --{language.switch_flag}=true (`otel_operator_flags`), or leave the language out."
            yield MissingPrerequisite(f"the operator {operator_name} does not instrument {language.title}", fix)

    def _check_namespace(self, wanted_namespace: Manifest) -> Iterator[MissingPrerequisite]:
        """Yield that a namespace to annotate is not there, or that another owner has annotated it."""
        name, requirements = wanted_namespace["metadata"]["name"], self.requirements
        live_namespace = self._read_object(f"/api/v1/namespaces/{name}", f"Namespace {name}")
        if not live_namespace:
            if name not in requirements["coming"]:
                yield MissingPrerequisite(
                    f"there is no namespace {name} to annotate", "Create it first, or remove it from the list."
                )
            return
        try:
            namespace_annotations.build_annotation_patch(
                live_namespace, wanted_namespace["metadata"]["annotations"], requirements["references"]
            )
        except Problem as problem:
            yield MissingPrerequisite(problem.wrong, problem.fix)

    def _check_file(self, file: NeededFile) -> Iterator[MissingPrerequisite]:
        """Yield that a Secret or ConfigMap with certificates is not there."""
        file_name = f"{file['kind']} {file['namespace']}/{file['name']}"
        path = f"/api/v1/namespaces/{file['namespace']}/{RESOURCE_BY_KIND[file['kind']]}/{file['name']}"
        if not self._has_object(path, file_name):
            yield MissingPrerequisite(
                f"there is no {file_name} for `tls`", "Create it; the operator instruments no pod without it."
            )

    def _check_target(self, target: ExportTarget) -> Iterator[MissingPrerequisite]:
        """Yield why applications could not send to a target: the Service, its port, its pods, or their protocol."""
        service_name = f"Service {target['namespace']}/{target['service']}"
        path = f"/api/v1/namespaces/{target['namespace']}/services/{target['service']}"
        service = self._read_object(path, service_name)
        if service is None:
            fix = self._suggest_other_namespace(target) or "Deploy the collector first, or correct the endpoint."
            yield MissingPrerequisite(f"there is no {service_name} to send to", fix)
            return
        wrong = target_services.explain_missing_port(service, target)
        if wrong:
            yield MissingPrerequisite(f"{service_name} {wrong}", "Correct the port, or let the collector listen there.")
            return
        if not target_services.has_ready_endpoint(self._list_slices(target, service_name), service, target):
            fix = "See what rollout_wait says of the collector."
            yield MissingPrerequisite(
                f"{service_name} has no ready endpoint for port {target['port']}", fix, can_pass=True
            )
            return
        yield from self._check_answers(target, f"port {target['port']} of {service_name}")

    def _list_slices(self, target: ExportTarget, service_name: str) -> list[Manifest]:
        """Return the EndpointSlices of a target's Service."""
        query = {"labelSelector": f"kubernetes.io/service-name={target['service']}"}
        path = f"/apis/discovery.k8s.io/v1/namespaces/{target['namespace']}/endpointslices"
        return self._list_objects(path, f"the endpoints of {service_name}", query)

    def _suggest_other_namespace(self, target: ExportTarget) -> str:
        """Return the fix for a missing Service if other namespaces have one of its name.

        An example: `A Service of this name is in otel. Write `collector: {name: gateway, namespace: otel}`, …`. It is
        an empty text if there is none, or if this user may not list Services.
        """
        name, query = target["service"], {"fieldSelector": f"metadata.name={target['service']}"}
        try:
            services = self._list_objects("/api/v1/services", f"Services {name} of other namespaces", query)
        except UnseenError:
            return ""
        namespaces = sorted(service["metadata"]["namespace"] for service in services)
        if not namespaces:
            return ""
        where = f"A Service of this name is in {', '.join(namespaces[:MOST_NAMED_NAMESPACES])}."
        return f"{where} Write `collector: {{name: {name}, namespace: {namespaces[0]}}}`, or correct the endpoint."

    def _check_answers(self, target: ExportTarget, port_name: str) -> Iterator[MissingPrerequisite]:
        """Yield why a receiver does not take what applications will send.

        It gets an export without data for each signal. A gRPC server answers all signals alike, so it gets one.
        """
        signals = target["signals"][:1] if target["protocol"] == GRPC else target["signals"]
        for signal in signals:
            answer = self._send_empty_export(target, signal, port_name)
            fault = receiver_answers.judge_answer(answer.status, answer.message, target, signal)
            if fault is None:
                continue
            if signal != "traces" and answer.status == NOT_FOUND:
                variable = f"OTEL_{signal.upper()}_EXPORTER"
                warning = f"{port_name} {fault.wrong}; set {variable} to none in `env`, or add a pipeline"
                self.warnings[warning] = None
                continue
            fix = "Correct endpoint, port or protocol; OTLP over HTTP is usually at 4318, over gRPC at 4317."
            yield MissingPrerequisite(f"{port_name} {fault.wrong}", fix, can_pass=fault.may_pass)
            return

    def _send_empty_export(self, target: ExportTarget, signal: str, port_name: str) -> ProxyAnswer:
        """Send an export without data through the API server. Raises UnseenError if this user may not do that."""
        scheme_prefix = "https:" if target["scheme"] == "https" else ""
        service = f"{scheme_prefix}{target['service']}:{target['port']}"
        root = f"/api/v1/namespaces/{target['namespace']}/services/{service}/proxy"
        export = receiver_answers.build_empty_export(target, signal)
        headers = {"Content-Type": export.content_type}
        # The silence of a receiver says nothing about the API server, so the request has a Cluster of its own.
        separate_cluster = self.cluster.make_independent()
        try:
            answer = separate_cluster.request_raw("POST", root + export.path, None, headers, export.body, patient=False)
        except LostError as error:
            return ProxyAnswer(GATEWAY_TIMEOUT, f"no answer through the API server: {error.text}")
        except ApiError as error:
            if error.status == FORBIDDEN and error.body.get("kind") == "Status":
                raise UnseenError(f"Not checked, what {port_name} speaks: {error.message}") from error
            return ProxyAnswer(error.status, error.message)
        return ProxyAnswer(answer.status, "")

    def _has_object(self, path: str, object_name: str) -> bool:
        """Return whether an object is there. Only its metadata are read, because it may be a Secret."""
        headers = {"Accept": METADATA}
        return bool(self._ask_server(object_name, lambda: self.cluster.request_raw("GET", path, None, headers)))

    def _read_object(self, path: str, object_name: str) -> Manifest | None:
        """Return an object; None if there is none. `object_name` is what messages call it."""
        live_object: Manifest | None = self._ask_server(object_name, lambda: self.cluster.request("GET", path))
        return live_object

    def _list_objects(self, path: str, object_names: str, query: dict[str, Any] | None = None) -> list[Manifest]:
        """Return the objects of a list; none if the API has no such list. `object_names` is what messages call them."""
        return self._ask_server(object_names, lambda: list(self.cluster.items(path, query))) or []

    def _ask_server(self, subject: str, call: Callable[[], Any]) -> Any:
        """Return the answer of the API server; None for a missing object.

        Raises UnseenError if this user may not read it, and Problem for any other error.
        """
        try:
            return call()
        except ApiError as error:
            if error.status == FORBIDDEN:
                raise UnseenError(f"Not checked, {subject}: {error.message}") from error
            if error.status == NOT_FOUND:
                return None
            raise explain(error, f"Read {subject}") from error
