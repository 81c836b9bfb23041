# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Wait until admission webhooks answer; stop as soon as they cannot, and say which step hangs. Private.

The module `admission_wait` runs this. A webhook is ready when the API server has got its answer to a dry run of an
object. Ready pods prove less: the CA bundle or the Service may not work yet. A step is what has to happen before that,
such as that the Service has a ready pod (webhook_steps.py). Each poll lists the pending steps of all webhooks and
objects; the wait is over when there are none. Its progress is told so:

    Admission webhooks: ConfigMap obs/try: nothing listens behind the Service otel/operator-webhook yet (3 s)

webhook_reasons.py explains the steps that stay, webhooks.py the injectors that write CAs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple, TypedDict

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
from ..webhook_steps import (
    PendingStep,
    build_missing_ca_step,
    build_missing_step,
    build_server_step,
    build_silent_webhook_step,
    build_unserved_kind_step,
    build_unserved_service_step,
)
from ..webhooks import has_ready_endpoint, list_webhook_services, list_webhooks_without_ca
from .explain_failures import WorkloadStatus
from .jmespath_search import compile_search
from .webhook_reasons import WebhookReasons, explain_rejected_object
from .webhook_trust import is_trust_lost

WEBHOOK_KINDS = ["ValidatingWebhookConfiguration", "MutatingWebhookConfiguration", "CustomResourceDefinition"]
WEBHOOK_OPTIONS = {"kind": {"required": True, "choices": WEBHOOK_KINDS}, "name": {"required": True}, "api_version": {}}
ARGUMENTS: dict[str, Any] = {
    "manifests": {"type": "list", "elements": "dict", "default": [], **PARTLY_SECRET},
    "webhooks": {"type": "list", "elements": "dict", "default": [], "options": WEBHOOK_OPTIONS},
    "timeout_seconds": {"type": "float", "default": 300},
    "remind_seconds": {"type": "float", "default": 0},
}
# The name of the wait in lines of progress.
PROGRESS_NAME = "Admission webhooks"
# How many steps such a line shows.
MOST_SHOWN_STEPS = 3
# An annotation whose change makes an injector look at a webhook configuration again.
REMINDER = "o11y.opentelemetry/reminded"
# The last success counts only when so many at once succeed. Each goes over a connection of its own, which a load
# balancer gives to any of the API servers. Managed clusters mostly have three: such a volley reaches a given one of
# them in 96 of 100 cases (1 - (2/3)^8), and all three in 88. A server learns of a new CA bundle or endpoint by itself,
# some milliseconds after the others.
VOLLEY = 8


class WebhookRow(TypedDict):
    """A webhook configuration or a CustomResourceDefinition of the option `webhooks`."""

    kind: str
    name: str
    api_version: str | None


@dataclass(frozen=True)
class WebhookWaitOptions:
    """What the user waits for, and for how long."""

    manifests: list[Manifest]
    """The objects that have to pass a dry run."""
    webhooks: list[WebhookRow]
    timeout_seconds: float
    remind_seconds: float = 0
    """After how many seconds without a CA its injector is reminded; 0 for never."""


def run_admission_wait(module: AnsibleModule) -> None:
    """Wait for the webhooks and objects of the task, and end the task with the result."""
    params = module.params
    manifests = params["manifests"]
    options = WebhookWaitOptions(
        manifests=manifests,
        webhooks=params["webhooks"],
        timeout_seconds=params["timeout_seconds"],
        remind_seconds=params["remind_seconds"],
    )

    def wait_for_webhooks() -> dict[str, Any]:
        check_manifests(manifests)
        if module.check_mode:
            return {"changed": False, "skipped": True, "msg": "Not waited: nothing was applied in check mode."}
        return AdmissionWait(connect(module), options).wait()

    run(module, wait_for_webhooks)


class AdmissionWait:
    """One wait for some webhooks, and for the objects that they must let pass."""

    def __init__(self, cluster: Cluster, options: WebhookWaitOptions) -> None:
        self.cluster, self.options = cluster, options
        # A pod without a node keeps the whole time: an autoscaler may be about to add one.
        workload_status = WorkloadStatus(cluster, compile_search(), unschedulable_seconds=options.timeout_seconds)
        self.reasons = WebhookReasons(cluster, workload_status)
        self.resources = ApiResources(cluster)
        # Since when each webhook or object is ready, by the clock of the cluster.
        self.ready_since: dict[ObjectRef, float] = {}
        # When the injector of a webhook was reminded last.
        self.reminded_at: dict[ObjectRef, float] = {}

    def wait(self) -> dict[str, Any]:
        """Return the result of the task when all webhooks are there and all objects pass.

        Raises Failure when they cannot, or when the time is over.
        """
        start = self.cluster.clock()
        for _poll in self.cluster.iter_polls(self.options.timeout_seconds, start):
            pending_steps = self._list_pending_steps()
            if not pending_steps:
                pending_steps = self._list_steps_of_other_servers()
            if not pending_steps:
                self.cluster.progress.tell_done(PROGRESS_NAME)
                return self._build_result(start)
            self.cluster.progress(PROGRESS_NAME, _progress_text(pending_steps))
            self.reasons.fail_early(pending_steps)
            self._remind_injectors([step for step in pending_steps if step.configuration], start)
        raise self._describe_timeout(pending_steps)

    def _list_pending_steps(self) -> list[PendingStep]:
        """Return everything that is not ready, so that a failure reports all of it."""
        self.resources = ApiResources(self.cluster)  # kinds that were not served may be now
        webhooks = [
            _NamedWebhook(_find_webhook_resource(row["kind"], row.get("api_version")), row["name"])
            for row in self.options.webhooks
        ]
        steps_or_none = self.cluster.call_in_parallel(self._check_configuration, webhooks)
        pending_steps = [step for step in steps_or_none if step]
        return pending_steps + self._try_objects(self.options.manifests)

    def _list_steps_of_other_servers(self) -> list[PendingStep]:
        """Return the objects that some API server does not let pass yet, see VOLLEY."""
        return self._try_objects(self.options.manifests * VOLLEY)

    def _remind_injectors(self, pending_steps: list[PendingStep], start: float) -> None:
        """Annotate the configurations that have been without their CA for long, so that the injector looks again.

        cert-manager's injector reads the Secret when the configuration or the Secret changes. If both change at about
        the same time, it may miss the Secret.
        """
        if not self.options.remind_seconds:
            return
        current_time = self.cluster.clock()
        patch_body = {"metadata": {"annotations": {REMINDER: f"{current_time:.0f}"}}}
        for subject in [step.subject for step in pending_steps]:
            last_time = self.reminded_at.get(subject, start)
            if current_time - last_time < self.options.remind_seconds:
                continue
            resource = _find_webhook_resource(subject.kind)
            path = resource.build_path("", subject.name)
            try:
                self.cluster.request("PATCH", path, {"fieldManager": f"{OWNER}/reminder"}, patch_body, MERGE)
            except ApiError:  # this user may not write: the wait goes on without a reminder
                continue
            self.reminded_at[subject] = current_time

    def _build_result(self, start: float) -> dict[str, Any]:
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
        """Note since when a webhook or an object has no pending step, and return the pending step, if any."""
        if pending_step is None:
            self.ready_since.setdefault(subject, self.cluster.clock())
        else:
            self.ready_since.pop(subject, None)
        return pending_step

    def _check_configuration(self, webhook: _NamedWebhook) -> PendingStep | None:
        """Return what a webhook configuration or a definition lacks; None if its webhooks can answer."""
        subject = ObjectRef(webhook.resource.kind, "", webhook.name)
        try:
            configuration = self.cluster.get(webhook.resource.build_path("", webhook.name))
        except ApiError as error:
            raise explain(error, f"Read {subject}") from error
        if configuration is None:
            return self._record_readiness(subject, build_missing_step(subject))
        pending_step = _check_ca(subject, configuration) or self._check_service_pods(subject, configuration)
        return self._record_readiness(subject, pending_step)

    def _check_service_pods(self, subject: ObjectRef, configuration: Manifest) -> PendingStep | None:
        """Return the step of a configuration with Services that have no ready pod; None if all have one."""
        unserved_services = []
        for service in list_webhook_services([configuration]):
            endpoint_slices = self.reasons.read_endpoint_slices(service)
            # Nobody waits for what this user may not see.
            if endpoint_slices is not None and not has_ready_endpoint(endpoint_slices):
                unserved_services.append(service)
        return build_unserved_service_step(subject, unserved_services) if unserved_services else None

    def _try_objects(self, manifests: list[Manifest]) -> list[PendingStep]:
        """Try objects, and return those that do not pass yet, each once."""
        pending_steps = [step for step in self.cluster.call_in_parallel(self._try_object, manifests) if step]
        return list({step.subject: step for step in pending_steps}.values())

    def _try_object(self, manifest: Manifest) -> PendingStep | None:
        """Let the server try an object; return the pending step, or None if it passes.

        Raises Problem if waiting is in vain.
        """
        subject = ref(manifest)
        try:
            pending_step = self._try_dry_run(manifest, subject)
        except ApiError as error:
            if is_trust_lost(self.cluster, error):
                raise explain_rejected_object(self.cluster, error, subject) from error
            pending_step = _build_rejection_step(error, subject)
        return self._record_readiness(subject, pending_step)

    def _try_dry_run(self, manifest: Manifest, subject: ObjectRef) -> PendingStep | None:
        """Ask for a dry run of an object. Return the pending step; None if the object passes.

        Raises ApiError, and Problem for an object that could never pass.
        """
        resource = self.resources.find_for(manifest)
        if resource is None:
            return build_unserved_kind_step(subject)
        if resource.is_namespaced and not subject.namespace:
            raise Problem(f"{subject} has no namespace", where="manifests", fix="Say where it belongs.")
        path = resource.build_path(subject.namespace, subject.name)
        # Without `force`, a field of another field manager would be a conflict, which says nothing about the webhook.
        # The request is not patient, since the next poll sends it again.
        query = {"dryRun": "All", "fieldManager": OWNER, "force": "true"}
        self.cluster.request("PATCH", path, query, manifest, APPLY, patient=False)
        return None

    def _describe_timeout(self, pending_steps: list[PendingStep]) -> Failure:
        """Return the failure of the steps that are not ready when the time is over."""
        report = self.reasons.describe_steps(pending_steps)
        wrong = "; ".join(f"{step.subject}: {step.wrong}" for step in pending_steps)
        return Failure(
            f"not ready after {self.options.timeout_seconds:g} s: {wrong}",
            asked="Wait for the admission webhooks",
            fix="\n".join(report.lines),
            facts={"failures": report.rows},
        )


class _NamedWebhook(NamedTuple):
    """A webhook configuration or a CustomResourceDefinition."""

    resource: ApiResource
    name: str


def _find_webhook_resource(kind: str, api_version: str | None = None) -> ApiResource:
    """Return where the API server keeps a kind of webhook configurations. Raises Problem for another kind.

    A CustomResourceDefinition counts as such a kind. Without an API version, the usual one of the kind counts.
    """
    resource = ApiResources.find_known(api_version or default_api_version(kind), kind)
    if resource is None or resource.plural not in CLUSTER_SCOPED_PLURALS:
        wrong = f"{kind} is not a kind of webhook configuration"
        raise Problem(wrong, where="webhooks", fix="Correct the kind.")
    return resource


def _progress_text(pending_steps: list[PendingStep]) -> str:
    """Return one line about pending steps, without what the server answered, which follows in parentheses."""
    lines: list[str] = []
    for step in pending_steps[:MOST_SHOWN_STEPS]:
        wrong, _paren, _answer = step.wrong.partition(" (")
        lines.append(f"{step.subject}: {wrong}")
    return "; ".join(dict.fromkeys(lines))


def _check_ca(subject: ObjectRef, configuration: Manifest) -> PendingStep | None:
    """Return the pending step if webhooks of a configuration have no CA; None if all have one."""
    webhooks_without_ca = list_webhooks_without_ca(configuration)
    if not webhooks_without_ca:
        return None
    return build_missing_ca_step(subject, configuration, webhooks_without_ca, list_webhook_services([configuration]))


def _build_rejection_step(error: ApiError, subject: ObjectRef) -> PendingStep:
    """Return the pending step of an object that may pass later.

    Raises Problem if another try cannot help: for a denial, an invalid object and a missing right.
    """
    action = f"Try {subject}"
    if error.is_webhook_error:
        return build_silent_webhook_step(subject, error.message)
    if error.is_kind_missing and not explain_other_server(error, action):
        return build_unserved_kind_step(subject)
    if error.is_transient:
        return build_server_step(subject, f"{error.status} ({error.message})")
    raise explain(error, action) from error
