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
from ..._kube.live.connect import connect, run
from ..._otelcol.config.paths import section
from ..._otelcol.errors import Problem
from ..._otelcol.kube.objects import Manifest
from .. import custom_resource as manifest
from .. import namespace_annotations, sdk_languages
from ..custom_resource import API_VERSION, KIND
from ..sdk_languages import GRPC

MUTATING, ALWAYS_THERE = "MutatingWebhookConfiguration", "default"
WEBHOOKS = "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations"
PLURALS = {"Secret": "secrets", "ConfigMap": "configmaps"}
NOT_ALLOWED = 403
INSTALL = "Install the operator, with role otel_operator."
MOST_PLACES = 5
LIST = {"type": "list", "default": []}
NAMES = LIST | {"elements": "str"}
MAPPINGS = LIST | {"elements": "dict"}
REQUIREMENTS = dict.fromkeys(("languages", "coming", "references"), NAMES)
REQUIREMENTS |= dict.fromkeys(("targets", "namespaces", "files", "trials"), MAPPINGS)
ARGUMENTS: dict[str, Any] = {
    "requirements": {"type": "dict", "required": True, "options": REQUIREMENTS},
    "wait_seconds": {"type": "float", "default": 60},
}


class UnseenError(Exception):
    """The user may not read an object, which is then reported and not checked."""


class Missing(NamedTuple):
    """A problem, its fix, and whether it can pass."""

    wrong: str
    fix: str
    again: bool = False


def run_check(module: AnsibleModule) -> None:
    """Run the task. In check mode missing objects are only reported, because earlier tasks may create them."""
    params = module.params

    def work() -> dict[str, Any]:
        check = PrerequisiteCheck(connect(module), params["requirements"])
        faults = check.faults(0 if module.check_mode else params["wait_seconds"])
        if faults and not module.check_mode:
            raise _refusal(faults)
        return check.result(faults)

    run(module, work)


def _refusal(faults: list[Missing]) -> Problem:
    lines = [f"  {fault.wrong}. {fault.fix}" for fault in faults]
    return Problem("\n" + "\n".join(lines), asked="instrumentation would not work, no Instrumentation was applied")


class PrerequisiteCheck:
    """One look at all that is required, repeated while it may get better."""

    def __init__(self, cluster: Cluster, requirements: dict[str, Any]) -> None:
        self.cluster, self.requirements = cluster, requirements
        self.asked: sdk_languages.PodWebhook | None = None
        self.operator: Manifest = {}
        self.warnings: dict[str, None] = {}

    def faults(self, seconds: float) -> list[Missing]:
        """Return the problems, after waiting for those that can pass."""
        faults: list[Missing] = []
        for _poll in self.cluster.polls(seconds):
            self.warnings.clear()
            faults = self._faults_now()
            can_pass = all(fault.again for fault in faults)
            if not faults or not can_pass:
                break
        return faults

    def _faults_now(self) -> list[Missing]:
        """Return the problems that there are now, each once."""
        faults: dict[Missing, None] = {}
        for look in self._looks():
            faults.update(dict.fromkeys(self._seen(look)))
        return list(faults)

    def result(self, faults: list[Missing]) -> dict[str, Any]:
        """Return the result of the task: what is missing, the operator, and what to try it with."""
        missing = [fault.wrong for fault in faults]
        metadata = section(self.operator, "metadata")
        webhooks = []
        if self.asked:
            webhooks.append({"kind": MUTATING, "name": self.asked.configuration})
        return {
            "changed": False,
            "msg": f"{len(missing)} missing" if missing else "all there",
            "missing": missing,
            "operator": {key: metadata[key] for key in ("namespace", "name") if key in metadata},
            "webhooks": webhooks,
            "trials": [self._trial(trial) for trial in self.requirements["trials"]],
            "warnings": [*(f"Missing so far: {wrong}" for wrong in missing), *self.warnings],
        }

    def _trial(self, manifest: Manifest) -> Manifest:
        """Return an object to try with admission_wait, in a namespace that is there: its own may come with it."""
        metadata = manifest["metadata"]
        path = f"/api/v1/namespaces/{metadata['namespace']}"
        try:
            there = self._metadata(path, f"Namespace {metadata['namespace']}")
        except UnseenError:
            there = True
        return manifest if there else {**manifest, "metadata": {**metadata, "namespace": ALWAYS_THERE}}

    def _looks(self) -> Iterator[Callable[[], Iterable[Missing]]]:
        """Yield each look that is to be taken; the operator comes first."""
        yield self._operator
        for key, look in (("namespaces", self._namespace), ("files", self._file), ("targets", self._target)):
            for requirement in self.requirements[key]:
                yield partial(look, requirement)

    def _seen(self, look: Callable[[], Iterable[Missing]]) -> Iterator[Missing]:
        """Yield what a look finds; what this user may not read is a warning."""
        try:
            yield from look()
        except UnseenError as unseen:
            self.warnings[str(unseen)] = None

    def _operator(self) -> Iterator[Missing]:
        """Yield why the operator would instrument no pod, or not all languages."""
        group = self._read(f"/apis/{API_VERSION}", "the kinds of the operator") or {}
        if KIND not in [resource["kind"] for resource in group.get("resources", [])]:
            yield Missing(f"the cluster does not serve {KIND} of {API_VERSION}", INSTALL)
            return
        self.asked = sdk_languages.asked(self._list(WEBHOOKS, "whether the operator is asked about pods"))
        if not self.asked:
            yield Missing("no operator is asked about new pods, so none would be instrumented", INSTALL)
            return
        _configuration, namespace, name = self.asked
        service = self._read(f"/api/v1/namespaces/{namespace}/services/{name}", "the operator's Service") or {}
        selector = section(service, "spec", "selector")
        deployments = self._list(f"/apis/apps/v1/namespaces/{namespace}/deployments", "the operator's Deployment")
        self.operator = sdk_languages.deployment(deployments, selector) or {}
        if not self.operator:
            yield Missing(f"no Deployment stands behind the operator's Service {namespace}/{name}", INSTALL)
            return
        yield from self._switches(f"{namespace}/{self.operator['metadata']['name']}")

    def _switches(self, where: str) -> Iterator[Missing]:
        """Yield whether the operator is away, and which languages are switched off in it."""
        if not sdk_languages.available(self.operator):
            yield Missing(f"the operator {where} is not available", "Look at its pods.", again=True)
        for language in sdk_languages.switched_off(self.operator, self.requirements["languages"]):
            fix = f"Give it the flag --{language.switch}=true (`otel_operator_flags`), or leave the language out."
            yield Missing(f"the operator {where} does not instrument {language.title}", fix)

    def _namespace(self, wanted: Manifest) -> Iterator[Missing]:
        name, requires = wanted["metadata"]["name"], self.requirements
        live = self._read(f"/api/v1/namespaces/{name}", f"Namespace {name}")
        if not live:
            if name not in requires["coming"]:
                yield Missing(
                    f"there is no namespace {name} to annotate", "Create it first, or remove it from the list."
                )
            return
        try:
            namespace_annotations.annotation_patch(live, wanted["metadata"]["annotations"], requires["references"])
        except Problem as problem:
            yield Missing(problem.wrong, problem.fix)

    def _file(self, file: dict[str, str]) -> Iterator[Missing]:
        what = f"{file['kind']} {file['namespace']}/{file['name']}"
        path = f"/api/v1/namespaces/{file['namespace']}/{PLURALS[file['kind']]}/{file['name']}"
        if not self._metadata(path, what):
            yield Missing(f"there is no {what} for `tls`", "Create it; the operator instruments no pod without it.")

    def _target(self, target: dict[str, Any]) -> Iterator[Missing]:
        where = f"Service {target['namespace']}/{target['service']}"
        service = self._read(f"/api/v1/namespaces/{target['namespace']}/services/{target['service']}", where)
        if service is None:
            fix = self._elsewhere(target) or "Deploy the collector first, or correct the endpoint."
            yield Missing(f"there is no {where} to send to", fix)
            return
        wrong = manifest.missing_port(service, target)
        if wrong:
            yield Missing(f"{where} {wrong}", "Correct the port, or let the collector listen there.")
            return
        query = {"labelSelector": f"kubernetes.io/service-name={target['service']}"}
        path = f"/apis/discovery.k8s.io/v1/namespaces/{target['namespace']}/endpointslices"
        if not manifest.is_ready(self._list(path, f"the endpoints of {where}", query), service, target):
            fix = "See what rollout_wait says of the collector."
            yield Missing(f"{where} has no ready endpoint for port {target['port']}", fix, again=True)
            return
        yield from self._answers(target, f"port {target['port']} of {where}")

    def _elsewhere(self, target: dict[str, Any]) -> str:
        """Return where a Service of this name is, if the account may list Services."""
        name, query = target["service"], {"fieldSelector": f"metadata.name={target['service']}"}
        try:
            found = self._list("/api/v1/services", f"Services {name} of other namespaces", query)
        except UnseenError:
            return ""
        places = sorted(item["metadata"]["namespace"] for item in found)
        if not places:
            return ""
        there = f"A Service of this name is in {', '.join(places[:MOST_PLACES])}."
        return f"{there} Write `collector: {{name: {name}, namespace: {places[0]}}}`, or correct the endpoint."

    def _answers(self, target: dict[str, Any], where: str) -> Iterator[Missing]:
        """Send an export of nothing for each signal: a receiver answers, and nothing arrives anywhere."""
        signals = target["signals"]
        if target["protocol"] == GRPC:
            signals = signals[:1]
        for signal in signals:
            status, message = self._export(target, signal, where)
            wrong, passing = manifest.verdict(status, message, target, signal)
            if wrong and signal != "traces" and status == NOT_FOUND:
                variable = f"OTEL_{signal.upper()}_EXPORTER"
                self.warnings[f"{where} {wrong}; set {variable} to none in `env`, or add a pipeline"] = None
            elif wrong:
                fix = "Correct endpoint, port or protocol; OTLP over HTTP is usually at 4318, over gRPC at 4317."
                yield Missing(f"{where} {wrong}", fix, again=passing)
                return

    def _export(self, target: dict[str, Any], signal: str, where: str) -> tuple[int, str]:
        secure = "https:" if target["scheme"] == "https" else ""
        root = f"/api/v1/namespaces/{target['namespace']}/services/{secure}{target['service']}:{target['port']}/proxy"
        path, kind, body = manifest.question(target, signal)
        try:
            return self.cluster.raw("POST", root + path, None, {"Content-Type": kind}, body, patient=False).status, ""
        except ApiError as error:
            if error.status == NOT_ALLOWED and error.body.get("kind") == "Status":
                raise UnseenError(f"Not checked, what {where} speaks: {error.message}") from error
            return error.status, error.message

    def _metadata(self, path: str, what: str) -> bool:
        """Return whether an object is there; of Secrets nothing else is read."""
        return bool(self._ask(what, lambda: self.cluster.raw("GET", path, None, {"Accept": METADATA})))

    def _read(self, path: str, what: str) -> Manifest | None:
        found: Manifest | None = self._ask(what, lambda: self.cluster.request("GET", path))
        return found

    def _list(self, path: str, what: str, query: dict[str, Any] | None = None) -> list[Manifest]:
        return self._ask(what, lambda: list(self.cluster.items(path, query))) or []

    def _ask(self, what: str, call: Callable[[], Any]) -> Any:
        """Return an answer, or None for a missing object."""
        try:
            return call()
        except ApiError as error:
            if error.status == NOT_ALLOWED:
                raise UnseenError(f"Not checked, {what}: {error.message}") from error
            if error.status == NOT_FOUND:
                return None
            raise explain(error, f"Read {what}") from error
