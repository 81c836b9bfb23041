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

from ..._kube.bundle import check
from ..._kube.live.api_errors import explain, other_server
from ..._kube.live.cluster import APPLY, MERGE, ApiError, Cluster
from ..._kube.live.connect import connect, run
from ..._kube.live.hidden import PARTLY_SECRET
from ..._kube.live.kinds import CLUSTER_SCOPED, ApiResource, ApiResources, version_for
from ..._otelcol.errors import Failure, Problem
from ..._otelcol.kube.names import OWNER
from ..._otelcol.kube.objects import Manifest, Ref, ref
from ..webhooks import ready, services, uninjected
from .explain_failures import WorkloadStatus
from .jmespath_search import checked_search
from .webhook_reasons import Pending, Reasons, silent, unanswered
from .webhook_trust import is_lost

KINDS = ["ValidatingWebhookConfiguration", "MutatingWebhookConfiguration", "CustomResourceDefinition"]
WEBHOOK = {"kind": {"required": True, "choices": KINDS}, "name": {"required": True}, "api_version": {}}
ARGUMENTS: dict[str, Any] = {
    "manifests": {"type": "list", "elements": "dict", "default": [], **PARTLY_SECRET},
    "webhooks": {"type": "list", "elements": "dict", "default": [], "options": WEBHOOK},
    "timeout_seconds": {"type": "float", "default": 300},
    "remind_seconds": {"type": "float", "default": 0},
}
WAITED, SHOWN = "Admission webhooks", 3
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


def run_admission(module: AnsibleModule) -> None:
    params = module.params
    manifests = params["manifests"]
    options = WebhookWaitOptions(manifests, params["webhooks"], params["timeout_seconds"], params["remind_seconds"])

    def work() -> dict[str, Any]:
        check(manifests)
        if module.check_mode:
            return {"changed": False, "skipped": True, "msg": "Not waited: nothing was applied in check mode."}
        return AdmissionWait(connect(module), options).wait()

    run(module, work)


class AdmissionWait:
    """One wait for some webhooks, and for what they must let pass."""

    def __init__(self, cluster: Cluster, options: WebhookWaitOptions) -> None:
        self.cluster, self.options = cluster, options
        # A pod without a node keeps the whole time: an autoscaler may be about to add one.
        look = WorkloadStatus(cluster, checked_search({}), unschedulable_seconds=options.timeout_seconds)
        self.reasons = Reasons(cluster, look)
        self.resources = ApiResources(cluster)
        self.since: dict[Ref, float] = {}
        self.reminded: dict[Ref, float] = {}

    def wait(self) -> dict[str, Any]:
        """Return when all webhooks are there and all objects pass; fail when they cannot, or when time is over."""
        start = self.cluster.clock()
        for _poll in self.cluster.polls(self.options.timeout_seconds, start):
            pending = self._pending()
            if not pending:
                pending = self._pending_on_other_servers()
            if not pending:
                self.cluster.progress.done(WAITED)
                return self._result(start)
            self.cluster.progress(WAITED, _progress_text(pending))
            self.reasons.fail_early(pending)
            self._remind([item for item in pending if item.id == "ca"], start)
        raise self._too_late(pending)

    def _pending(self) -> list[Pending]:
        """Return everything that is not ready, so that a failure reports all of it."""
        self.resources = ApiResources(self.cluster)  # kinds that were not served may be now
        named = [(item, _resource_of(item)) for item in self.options.webhooks]
        found = [item for item in self.cluster.parallel(self._pending_configuration, named) if item]
        return found + self._pending_objects(self.options.manifests)

    def _pending_on_other_servers(self) -> list[Pending]:
        """Return the objects that some API server does not let pass yet, see VOLLEY."""
        return self._pending_objects(self.options.manifests * VOLLEY)

    def _remind(self, pending: list[Pending], start: float) -> None:
        """Touch what has been without its CA for long: an injector that was started in the wrong moment looks again.

        cert-manager's reads the Secret when the configuration or the Secret changes, and may miss the one while it
        still learns of the other.
        """
        now, patience = self.cluster.clock(), self.options.remind_seconds
        late = [
            item.subject for item in pending if patience and now - self.reminded.get(item.subject, start) >= patience
        ]
        for name in late:
            body = {"metadata": {"annotations": {REMINDER: f"{now:.0f}"}}}
            path = _resource_of(name._asdict()).path("", name.name)
            try:
                self.cluster.request("PATCH", path, {"fieldManager": f"{OWNER}/reminder"}, body, MERGE)
            except ApiError:  # without write permission it waits on
                continue
            self.reminded[name] = now

    def _result(self, start: float) -> dict[str, Any]:
        now = self.cluster.clock()
        waited = [{**name._asdict(), "seconds": round(at - start, 1)} for name, at in self.since.items()]
        message = f"ready webhooks: {len(self.options.webhooks)}, accepted objects: {len(self.options.manifests)}"
        changed = bool(self.reminded)
        return {"changed": changed, "msg": message, "seconds": round(now - start, 1), "waited_for": waited}

    def _remembered(self, name: Ref, problem: Pending | None) -> Pending | None:
        """Return what is wrong with a webhook or an object, after noting since when nothing is."""
        if problem is None:
            self.since.setdefault(name, self.cluster.clock())
        else:
            self.since.pop(name, None)
        return problem

    def _pending_configuration(self, named: tuple[dict[str, str], ApiResource]) -> Pending | None:
        """Return what a webhook configuration or a definition lacks; None if it can answer."""
        item, resource = named
        name = Ref(resource.kind, "", item["name"])
        try:
            found = self.cluster.get(resource.path("", item["name"]))
        except ApiError as error:
            raise explain(error, f"Read {name}") from error
        if found is None:
            return self._remembered(name, Pending("missing", name, "it does not exist"))
        problem = _missing_ca(name, found) or self._missing_pods(name, found)
        return self._remembered(name, problem)

    def _missing_pods(self, name: Ref, configuration: Manifest) -> Pending | None:
        """Return that no pod is ready behind a Service of a configuration."""
        unserved = tuple(service for service in services([configuration]) if not ready(self.reasons.slices(service)))
        if not unserved:
            return None
        words = f"no pod is ready behind {', '.join('/'.join(service) for service in unserved)}"
        return Pending("no_endpoints", name, words, services=unserved)

    def _pending_objects(self, manifests: list[Manifest]) -> list[Pending]:
        """Try objects, and return those that do not pass yet, each once."""
        found = [item for item in self.cluster.parallel(self._tried, manifests) if item]
        return list({item.subject: item for item in found}.values())

    def _tried(self, manifest: Manifest) -> Pending | None:
        """Let the server try an object; return what is wrong, or None if it passes."""
        name = ref(manifest)
        try:
            problem = self._dry_run(manifest, name)
        except ApiError as error:
            if is_lost(self.cluster, error):
                raise unanswered(self.cluster, error, name) from error
            problem = _pending_after(error, name)
        return self._remembered(name, problem)

    def _dry_run(self, manifest: Manifest, name: Ref) -> Pending | None:
        """Ask for a dry run of an object. Raises ApiError, and Problem for an object that could never pass."""
        resource = self.resources.of(manifest)
        if resource is None:
            return _unserved_kind(name)
        if resource.namespaced and not name.namespace:
            raise Problem(f"{name} has no namespace", where="manifests", fix="Say where it belongs.")
        path = resource.path(name.namespace, name.name)
        query = {"dryRun": "All", "fieldManager": OWNER, "force": "true"}
        self.cluster.request("PATCH", path, query, manifest, APPLY, patient=False)
        return None

    def _too_late(self, pending: list[Pending]) -> Failure:
        lines, failures = self.reasons.describe(pending)
        wrong = "; ".join(f"{item.subject}: {item.wrong}" for item in pending)
        return Failure(
            f"not ready after {self.options.timeout_seconds:g} s: {wrong}",
            asked="Wait for the admission webhooks",
            fix="\n".join(lines),
            facts={"failures": failures},
        )


def _resource_of(item: dict[str, str]) -> ApiResource:
    """Return where a webhook configuration or a definition lives."""
    found = ApiResources.known(item.get("api_version") or version_for(item["kind"]), item["kind"])
    if found is None or found.plural not in CLUSTER_SCOPED:
        wrong = f"{item['kind']} is not a kind of webhook configuration"
        raise Problem(wrong, where="webhooks", fix="Correct the kind.")
    return found


def _progress_text(pending: list[Pending]) -> str:
    """Return what is shown of a wait: what the server answered, which follows in parentheses, is left out."""
    lines: list[str] = []
    for item in pending[:SHOWN]:
        wrong, _paren, _answer = item.wrong.partition(" (")
        lines.append(f"{item.subject}: {wrong}")
    return "; ".join(dict.fromkeys(lines))


def _missing_ca(name: Ref, configuration: Manifest) -> Pending | None:
    """Return that webhooks of a configuration have no CA to trust."""
    without_ca = uninjected(configuration)
    if not without_ca:
        return None
    words = f"no CA is injected into {', '.join(without_ca)}"
    behind = tuple(services([configuration]))
    return Pending("ca", name, words, configuration=configuration, services=behind)


def _unserved_kind(name: Ref) -> Pending:
    return Pending("kind_missing", name, "its kind is not served yet")


def _pending_after(error: ApiError, name: Ref) -> Pending:
    """Return what may pass; raise what another try cannot change: a denial, an invalid object, a missing right."""
    asked = f"Try {name}"
    if error.of_webhook:
        return silent(error, name)
    if error.kind_missing and not other_server(error, asked):
        return _unserved_kind(name)
    if error.transient:
        return Pending("server", name, f"the server answers {error.status} ({error.message})")
    raise explain(error, asked) from error
