# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an Instrumentation needs, looked for in the cluster before anything is applied. Private."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any, NamedTuple

from ansible.module_utils.basic import AnsibleModule

from ..._kube.live.api_errors import explain
from ..._kube.live.cluster import METADATA, NOT_FOUND, ApiError, Cluster
from ..._kube.live.connect import connect
from ..._kube.live.task_end import run
from ..._otelcol.config.paths import mapping_at
from ..._otelcol.errors import Problem
from ..._otelcol.kube.objects import Manifest
from .. import custom_resource as manifest
from .. import namespace_annotations, sdk_languages
from ..custom_resource import API_VERSION, KIND
from ..sdk_languages import GRPC

MUTATING, PERMANENT_NAMESPACE = "MutatingWebhookConfiguration", "default"
WEBHOOKS_PATH = "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations"
PLURALS = {"Secret": "secrets", "ConfigMap": "configmaps"}
FORBIDDEN = 403
INSTALL_FIX = "Install the operator, with role otel_operator."
MOST_PLACES = 5
LIST_OPTION = {"type": "list", "default": []}
NAMES_OPTION = LIST_OPTION | {"elements": "str"}
MAPPINGS_OPTION = LIST_OPTION | {"elements": "dict"}
REQUIREMENTS = dict.fromkeys(("languages", "coming", "references"), NAMES_OPTION)
REQUIREMENTS |= dict.fromkeys(("targets", "namespaces", "files", "trials"), MAPPINGS_OPTION)
ARGUMENTS: dict[str, Any] = {
    "requirements": {"type": "dict", "required": True, "options": REQUIREMENTS},
    "wait_seconds": {"type": "float", "default": 60},
}


class UnseenError(Exception):
    """The user may not read an object, which is then reported and not checked."""


class MissingPrerequisite(NamedTuple):
    """A problem, its fix, and whether it can pass."""

    wrong: str
    fix: str
    can_pass: bool = False


def run_check(module: AnsibleModule) -> None:
    """Run the task. In check mode missing objects are only reported, because earlier tasks may create them."""
    params = module.params

    def check_prerequisites() -> dict[str, Any]:
        check = PrerequisiteCheck(connect(module), params["requirements"])
        faults = check.find_lasting_faults(0 if module.check_mode else params["wait_seconds"])
        if faults and not module.check_mode:
            raise _build_refusal(faults)
        return check.build_result(faults)

    run(module, check_prerequisites)


def _build_refusal(faults: list[MissingPrerequisite]) -> Problem:
    lines = [f"  {fault.wrong}. {fault.fix}" for fault in faults]
    return Problem("\n" + "\n".join(lines), asked="instrumentation would not work, no Instrumentation was applied")


class PrerequisiteCheck:
    """One look at all that is required, repeated while it may get better."""

    def __init__(self, cluster: Cluster, requirements: dict[str, Any]) -> None:
        self.cluster, self.requirements = cluster, requirements
        self.pod_webhook: sdk_languages.PodWebhook | None = None
        self.operator: Manifest = {}
        self.warnings: dict[str, None] = {}

    def find_lasting_faults(self, seconds: float) -> list[MissingPrerequisite]:
        """Return the problems, after waiting for those that can pass."""
        faults: list[MissingPrerequisite] = []
        for _poll in self.cluster.iter_polls(seconds):
            self.warnings.clear()
            faults = self._find_faults()
            can_pass = all(fault.can_pass for fault in faults)
            if not faults or not can_pass:
                break
        return faults

    def _find_faults(self) -> list[MissingPrerequisite]:
        """Return the problems that there are now, each once."""
        faults: dict[MissingPrerequisite, None] = {}
        for check in self._iter_checks():
            faults.update(dict.fromkeys(self._run_check(check)))
        return list(faults)

    def build_result(self, faults: list[MissingPrerequisite]) -> dict[str, Any]:
        """Return the result of the task: what is missing, the operator, and what to try it with."""
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
        """Return an object to try with admission_wait, in a namespace that is there: its own may come with it."""
        metadata = manifest["metadata"]
        path = f"/api/v1/namespaces/{metadata['namespace']}"
        try:
            is_there = self._has_object(path, f"Namespace {metadata['namespace']}")
        except UnseenError:
            is_there = True
        return manifest if is_there else {**manifest, "metadata": {**metadata, "namespace": PERMANENT_NAMESPACE}}

    def _iter_checks(self) -> Iterator[Callable[[], Iterable[MissingPrerequisite]]]:
        """Yield each look that is to be taken; the operator comes first."""
        yield self._check_operator
        for key, check in (
            ("namespaces", self._check_namespace),
            ("files", self._check_file),
            ("targets", self._check_target),
        ):
            for requirement in self.requirements[key]:
                yield partial(check, requirement)

    def _run_check(self, check: Callable[[], Iterable[MissingPrerequisite]]) -> Iterator[MissingPrerequisite]:
        """Yield what a look finds; what this user may not read is a warning."""
        try:
            yield from check()
        except UnseenError as unseen:
            self.warnings[str(unseen)] = None

    def _check_operator(self) -> Iterator[MissingPrerequisite]:
        """Yield why the operator would instrument no pod, or not all languages."""
        group = self._read_object(f"/apis/{API_VERSION}", "the kinds of the operator") or {}
        if KIND not in [resource["kind"] for resource in group.get("resources", [])]:
            yield MissingPrerequisite(f"the cluster does not serve {KIND} of {API_VERSION}", INSTALL_FIX)
            return
        self.pod_webhook = sdk_languages.find_pod_webhook(
            self._list_objects(WEBHOOKS_PATH, "whether the operator is asked about pods")
        )
        if not self.pod_webhook:
            yield MissingPrerequisite("no operator is asked about new pods, so none would be instrumented", INSTALL_FIX)
            return
        _configuration, namespace, name = self.pod_webhook
        service = self._read_object(f"/api/v1/namespaces/{namespace}/services/{name}", "the operator's Service") or {}
        selector = mapping_at(service, "spec", "selector")
        deployments = self._list_objects(
            f"/apis/apps/v1/namespaces/{namespace}/deployments", "the operator's Deployment"
        )
        self.operator = sdk_languages.find_deployment(deployments, selector) or {}
        if not self.operator:
            yield MissingPrerequisite(
                f"no Deployment stands behind the operator's Service {namespace}/{name}", INSTALL_FIX
            )
            return
        yield from self._check_switches(f"{namespace}/{self.operator['metadata']['name']}")

    def _check_switches(self, operator_name: str) -> Iterator[MissingPrerequisite]:
        """Yield whether the operator is away, and which languages are switched off in it."""
        if not sdk_languages.is_available(self.operator):
            yield MissingPrerequisite(
                f"the operator {operator_name} is not available", "Look at its pods.", can_pass=True
            )
        for language in sdk_languages.list_disabled_languages(self.operator, self.requirements["languages"]):
            fix = f"Give it the flag --{language.switch_flag}=true (`otel_operator_flags`), or leave the language out."
            yield MissingPrerequisite(f"the operator {operator_name} does not instrument {language.title}", fix)

    def _check_namespace(self, wanted_namespace: Manifest) -> Iterator[MissingPrerequisite]:
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

    def _check_file(self, file: dict[str, str]) -> Iterator[MissingPrerequisite]:
        file_name = f"{file['kind']} {file['namespace']}/{file['name']}"
        path = f"/api/v1/namespaces/{file['namespace']}/{PLURALS[file['kind']]}/{file['name']}"
        if not self._has_object(path, file_name):
            yield MissingPrerequisite(
                f"there is no {file_name} for `tls`", "Create it; the operator instruments no pod without it."
            )

    def _check_target(self, target: dict[str, Any]) -> Iterator[MissingPrerequisite]:
        service_name = f"Service {target['namespace']}/{target['service']}"
        service = self._read_object(
            f"/api/v1/namespaces/{target['namespace']}/services/{target['service']}", service_name
        )
        if service is None:
            fix = self._find_elsewhere(target) or "Deploy the collector first, or correct the endpoint."
            yield MissingPrerequisite(f"there is no {service_name} to send to", fix)
            return
        wrong = manifest.explain_missing_port(service, target)
        if wrong:
            yield MissingPrerequisite(f"{service_name} {wrong}", "Correct the port, or let the collector listen there.")
            return
        query = {"labelSelector": f"kubernetes.io/service-name={target['service']}"}
        path = f"/apis/discovery.k8s.io/v1/namespaces/{target['namespace']}/endpointslices"
        if not manifest.has_ready_endpoint(
            self._list_objects(path, f"the endpoints of {service_name}", query), service, target
        ):
            fix = "See what rollout_wait says of the collector."
            yield MissingPrerequisite(
                f"{service_name} has no ready endpoint for port {target['port']}", fix, can_pass=True
            )
            return
        yield from self._check_answers(target, f"port {target['port']} of {service_name}")

    def _find_elsewhere(self, target: dict[str, Any]) -> str:
        """Return where a Service of this name is, if the account may list Services."""
        name, query = target["service"], {"fieldSelector": f"metadata.name={target['service']}"}
        try:
            services = self._list_objects("/api/v1/services", f"Services {name} of other namespaces", query)
        except UnseenError:
            return ""
        namespaces = sorted(service["metadata"]["namespace"] for service in services)
        if not namespaces:
            return ""
        place_text = f"A Service of this name is in {', '.join(namespaces[:MOST_PLACES])}."
        return f"{place_text} Write `collector: {{name: {name}, namespace: {namespaces[0]}}}`, or correct the endpoint."

    def _check_answers(self, target: dict[str, Any], port_name: str) -> Iterator[MissingPrerequisite]:
        """Send an export of nothing for each signal: a receiver answers, and nothing arrives anywhere."""
        signals = target["signals"]
        if target["protocol"] == GRPC:
            signals = signals[:1]
        for signal in signals:
            status, message = self._send_empty_export(target, signal, port_name)
            wrong, may_pass = manifest.judge_answer(status, message, target, signal)
            if wrong and signal != "traces" and status == NOT_FOUND:
                variable = f"OTEL_{signal.upper()}_EXPORTER"
                self.warnings[f"{port_name} {wrong}; set {variable} to none in `env`, or add a pipeline"] = None
            elif wrong:
                fix = "Correct endpoint, port or protocol; OTLP over HTTP is usually at 4318, over gRPC at 4317."
                yield MissingPrerequisite(f"{port_name} {wrong}", fix, can_pass=may_pass)
                return

    def _send_empty_export(self, target: dict[str, Any], signal: str, port_name: str) -> tuple[int, str]:
        scheme_prefix = "https:" if target["scheme"] == "https" else ""
        service = f"{scheme_prefix}{target['service']}:{target['port']}"
        root = f"/api/v1/namespaces/{target['namespace']}/services/{service}/proxy"
        path, content_type, body = manifest.build_empty_export(target, signal)
        try:
            return self.cluster.request_raw(
                "POST", root + path, None, {"Content-Type": content_type}, body, patient=False
            ).status, ""
        except ApiError as error:
            if error.status == FORBIDDEN and error.body.get("kind") == "Status":
                raise UnseenError(f"Not checked, what {port_name} speaks: {error.message}") from error
            return error.status, error.message

    def _has_object(self, path: str, object_name: str) -> bool:
        """Return whether an object is there; of Secrets nothing else is read."""
        return bool(
            self._ask_server(object_name, lambda: self.cluster.request_raw("GET", path, None, {"Accept": METADATA}))
        )

    def _read_object(self, path: str, object_name: str) -> Manifest | None:
        live_object: Manifest | None = self._ask_server(object_name, lambda: self.cluster.request("GET", path))
        return live_object

    def _list_objects(self, path: str, object_names: str, query: dict[str, Any] | None = None) -> list[Manifest]:
        return self._ask_server(object_names, lambda: list(self.cluster.items(path, query))) or []

    def _ask_server(self, subject: str, call: Callable[[], Any]) -> Any:
        """Return an answer, or None for a missing object."""
        try:
            return call()
        except ApiError as error:
            if error.status == FORBIDDEN:
                raise UnseenError(f"Not checked, {subject}: {error.message}") from error
            if error.status == NOT_FOUND:
                return None
            raise explain(error, f"Read {subject}") from error
