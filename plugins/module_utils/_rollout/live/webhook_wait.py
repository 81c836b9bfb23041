# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Wait until admission webhooks answer; stop as soon as they cannot, and say which step hangs.

Ready pods do not prove that CA bundles and Services work: ready means that a webhook has answered a dry run. Private.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..._kube.bundle import check_manifests
from ..._kube.live.api_errors import explain, explain_other_server
from ..._kube.live.cluster import APPLY, MERGE, ApiError, Cluster
from ..._kube.live.connect import connect
from ..._kube.live.hidden import PARTLY_SECRET
from ..._kube.live.kinds import CLUSTER_SCOPED_PLURALS, ApiResource, ApiResources, default_api_version
from ..._kube.live.task_end import run
from ..._otelcol.errors import Failure, Problem
from ..._otelcol.kube.names import OWNER
from ..._otelcol.kube.objects import Manifest, ObjectRef, ref
from ..webhooks import has_ready_endpoint, list_webhook_services, list_webhooks_without_ca
from .explain_failures import WorkloadStatus
from .jmespath_search import compile_search
from .webhook_reasons import PendingStep, WebhookReasons, describe_silent_webhook, explain_rejected_object
from .webhook_trust import is_trust_lost

WEBHOOK_KINDS = ["ValidatingWebhookConfiguration", "MutatingWebhookConfiguration", "CustomResourceDefinition"]
WEBHOOK_OPTIONS = {"kind": {"required": True, "choices": WEBHOOK_KINDS}, "name": {"required": True}, "api_version": {}}
ARGUMENTS: dict[str, Any] = {
    "manifests": {"type": "list", "elements": "dict", "default": [], **PARTLY_SECRET},
    "webhooks": {"type": "list", "elements": "dict", "default": [], "options": WEBHOOK_OPTIONS},
    "timeout_seconds": {"type": "float", "default": 300},
    "remind_seconds": {"type": "float", "default": 0},
}
PROGRESS_NAME, MOST_SHOWN_STEPS = "Admission webhooks", 3
REMINDER = "o11y.opentelemetry/reminded"
# The last success counts only when so many at once succeed. Each goes over a connection of its own, which a load
# balancer gives to any of the API servers. Managed clusters mostly have three: such a volley reaches a given one of
# them in 96 of 100 cases (1 - (2/3)^8), and all three in 88. A server learns of a new CA bundle or endpoint by itself,
# some milliseconds after the others.
VOLLEY = 8


@dataclass(frozen=True)
class WebhookWaitOptions:
    """What the user waits for, and for how long."""

    manifests: list[Manifest]
    webhooks: list[dict[str, str]]
    timeout_seconds: float
    remind_seconds: float = 0


def run_admission_wait(module: AnsibleModule) -> None:
    params = module.params
    manifests = params["manifests"]
    options = WebhookWaitOptions(manifests, params["webhooks"], params["timeout_seconds"], params["remind_seconds"])

    def wait_for_webhooks() -> dict[str, Any]:
        check_manifests(manifests)
        if module.check_mode:
            return {"changed": False, "skipped": True, "msg": "Not waited: nothing was applied in check mode."}
        return AdmissionWait(connect(module), options).wait()

    run(module, wait_for_webhooks)


class AdmissionWait:
    """One wait for some webhooks, and for what they must let pass."""

    def __init__(self, cluster: Cluster, options: WebhookWaitOptions) -> None:
        self.cluster, self.options = cluster, options
        # A pod without a node keeps the whole time: an autoscaler may be about to add one.
        workload_status = WorkloadStatus(cluster, compile_search({}), unschedulable_seconds=options.timeout_seconds)
        self.reasons = WebhookReasons(cluster, workload_status)
        self.resources = ApiResources(cluster)
        self.ready_since: dict[ObjectRef, float] = {}
        self.reminded_at: dict[ObjectRef, float] = {}

    def wait(self) -> dict[str, Any]:
        """Return when all webhooks are there and all objects pass; fail when they cannot, or when time is over."""
        start = self.cluster.clock()
        for _poll in self.cluster.iter_polls(self.options.timeout_seconds, start):
            pending_steps = self._list_pending_steps()
            if not pending_steps:
                pending_steps = self._list_steps_of_other_servers()
            if not pending_steps:
                self.cluster.progress.tell_done(PROGRESS_NAME)
                return self._result(start)
            self.cluster.progress(PROGRESS_NAME, _progress_text(pending_steps))
            self.reasons.fail_early(pending_steps)
            self._remind_injectors([step for step in pending_steps if step.id == "ca"], start)
        raise self._describe_timeout(pending_steps)

    def _list_pending_steps(self) -> list[PendingStep]:
        """Return everything that is not ready, so that a failure reports all of it."""
        self.resources = ApiResources(self.cluster)  # kinds that were not served may be now
        named_resources = [(row, _find_webhook_resource(row)) for row in self.options.webhooks]
        pending_steps = [
            row for row in self.cluster.call_in_parallel(self._check_configuration, named_resources) if row
        ]
        return pending_steps + self._try_objects(self.options.manifests)

    def _list_steps_of_other_servers(self) -> list[PendingStep]:
        """Return the objects that some API server does not let pass yet, see VOLLEY."""
        return self._try_objects(self.options.manifests * VOLLEY)

    def _remind_injectors(self, pending_steps: list[PendingStep], start: float) -> None:
        """Touch what has been without its CA for long: an injector that was started in the wrong moment looks again.

        cert-manager's reads the Secret when the configuration or the Secret changes, and may miss the one while it
        still learns of the other.
        """
        current_time, remind_seconds = self.cluster.clock(), self.options.remind_seconds
        overdue_subjects = [
            step.subject
            for step in pending_steps
            if remind_seconds and current_time - self.reminded_at.get(step.subject, start) >= remind_seconds
        ]
        for subject in overdue_subjects:
            patch_body = {"metadata": {"annotations": {REMINDER: f"{current_time:.0f}"}}}
            path = _find_webhook_resource(subject._asdict()).build_path("", subject.name)
            try:
                self.cluster.request("PATCH", path, {"fieldManager": f"{OWNER}/reminder"}, patch_body, MERGE)
            except ApiError:  # without write permission it waits on
                continue
            self.reminded_at[subject] = current_time

    def _result(self, start: float) -> dict[str, Any]:
        current_time = self.cluster.clock()
        waited_rows = [
            {**subject._asdict(), "seconds": round(ready_time - start, 1)}
            for subject, ready_time in self.ready_since.items()
        ]
        message = f"ready webhooks: {len(self.options.webhooks)}, accepted objects: {len(self.options.manifests)}"
        changed = bool(self.reminded_at)
        return {
            "changed": changed,
            "msg": message,
            "seconds": round(current_time - start, 1),
            "waited_for": waited_rows,
        }

    def _record_readiness(self, subject: ObjectRef, pending_step: PendingStep | None) -> PendingStep | None:
        """Return what is wrong with a webhook or an object, after noting since when nothing is."""
        if pending_step is None:
            self.ready_since.setdefault(subject, self.cluster.clock())
        else:
            self.ready_since.pop(subject, None)
        return pending_step

    def _check_configuration(self, named_resource: tuple[dict[str, str], ApiResource]) -> PendingStep | None:
        """Return what a webhook configuration or a definition lacks; None if it can answer."""
        row, resource = named_resource
        subject = ObjectRef(resource.kind, "", row["name"])
        try:
            configuration = self.cluster.get(resource.build_path("", row["name"]))
        except ApiError as error:
            raise explain(error, f"Read {subject}") from error
        if configuration is None:
            return self._record_readiness(subject, PendingStep("missing", subject, "it does not exist"))
        pending_step = _check_ca(subject, configuration) or self._check_service_pods(subject, configuration)
        return self._record_readiness(subject, pending_step)

    def _check_service_pods(self, subject: ObjectRef, configuration: Manifest) -> PendingStep | None:
        """Return that no pod is ready behind a Service of a configuration."""
        unserved_services = tuple(
            service
            for service in list_webhook_services([configuration])
            if not has_ready_endpoint(self.reasons.read_endpoint_slices(service))
        )
        if not unserved_services:
            return None
        problem_text = f"no pod is ready behind {', '.join('/'.join(service) for service in unserved_services)}"
        return PendingStep("no_endpoints", subject, problem_text, needed_services=unserved_services)

    def _try_objects(self, manifests: list[Manifest]) -> list[PendingStep]:
        """Try objects, and return those that do not pass yet, each once."""
        pending_steps = [step for step in self.cluster.call_in_parallel(self._try_object, manifests) if step]
        return list({step.subject: step for step in pending_steps}.values())

    def _try_object(self, manifest: Manifest) -> PendingStep | None:
        """Let the server try an object; return what is wrong, or None if it passes."""
        subject = ref(manifest)
        try:
            pending_step = self._try_dry_run(manifest, subject)
        except ApiError as error:
            if is_trust_lost(self.cluster, error):
                raise explain_rejected_object(self.cluster, error, subject) from error
            pending_step = _describe_rejection(error, subject)
        return self._record_readiness(subject, pending_step)

    def _try_dry_run(self, manifest: Manifest, subject: ObjectRef) -> PendingStep | None:
        """Ask for a dry run of an object. Raises ApiError, and Problem for an object that could never pass."""
        resource = self.resources.find_for(manifest)
        if resource is None:
            return _describe_unserved_kind(subject)
        if resource.is_namespaced and not subject.namespace:
            raise Problem(f"{subject} has no namespace", where="manifests", fix="Say where it belongs.")
        path = resource.build_path(subject.namespace, subject.name)
        query = {"dryRun": "All", "fieldManager": OWNER, "force": "true"}
        self.cluster.request("PATCH", path, query, manifest, APPLY, patient=False)
        return None

    def _describe_timeout(self, pending_steps: list[PendingStep]) -> Failure:
        lines, failures = self.reasons.describe_steps(pending_steps)
        wrong = "; ".join(f"{step.subject}: {step.wrong}" for step in pending_steps)
        return Failure(
            f"not ready after {self.options.timeout_seconds:g} s: {wrong}",
            asked="Wait for the admission webhooks",
            fix="\n".join(lines),
            facts={"failures": failures},
        )


def _find_webhook_resource(row: dict[str, str]) -> ApiResource:
    """Return where a webhook configuration or a definition lives."""
    resource = ApiResources.find_known(row.get("api_version") or default_api_version(row["kind"]), row["kind"])
    if resource is None or resource.plural not in CLUSTER_SCOPED_PLURALS:
        wrong = f"{row['kind']} is not a kind of webhook configuration"
        raise Problem(wrong, where="webhooks", fix="Correct the kind.")
    return resource


def _progress_text(pending_steps: list[PendingStep]) -> str:
    """Return what is shown of a wait: what the server answered, which follows in parentheses, is left out."""
    lines: list[str] = []
    for step in pending_steps[:MOST_SHOWN_STEPS]:
        wrong, _paren, _answer = step.wrong.partition(" (")
        lines.append(f"{step.subject}: {wrong}")
    return "; ".join(dict.fromkeys(lines))


def _check_ca(subject: ObjectRef, configuration: Manifest) -> PendingStep | None:
    """Return that webhooks of a configuration have no CA to trust."""
    webhooks_without_ca = list_webhooks_without_ca(configuration)
    if not webhooks_without_ca:
        return None
    problem_text = f"no CA is injected into {', '.join(webhooks_without_ca)}"
    webhook_services = tuple(list_webhook_services([configuration]))
    return PendingStep("ca", subject, problem_text, configuration=configuration, needed_services=webhook_services)


def _describe_unserved_kind(subject: ObjectRef) -> PendingStep:
    return PendingStep("kind_missing", subject, "its kind is not served yet")


def _describe_rejection(error: ApiError, subject: ObjectRef) -> PendingStep:
    """Return what may pass; raise what another try cannot change: a denial, an invalid object, a missing right."""
    action = f"Try {subject}"
    if error.is_webhook_error:
        return describe_silent_webhook(error, subject)
    if error.is_kind_missing and not explain_other_server(error, action):
        return _describe_unserved_kind(subject)
    if error.is_transient:
        return PendingStep("server", subject, f"the server answers {error.status} ({error.message})")
    raise explain(error, action) from error
