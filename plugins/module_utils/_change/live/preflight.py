# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Look for what would fail or do harm later, before anything is applied. Private.

`apply.py` calls the functions here, so that a run with a fault ends before its first write, and not half-way.
live_bundle.py calls `refuse_absent_kinds`. `refuse_…` raises Problem, and `warn_of_…` adds a warning to the result of
the run. For example, if the operator is not installed:

    Apply OpenTelemetryCollector obs/gateway: the cluster does not serve this kind: OpenTelemetryCollector of …

Larger checks have files of their own: foreign_objects.py, missing_references.py, taken_host_ports.py, needed_rights.py.
A pair is a manifest and its live object, which is None if it is absent.
"""

from __future__ import annotations

from ..._kube.live.api_errors import ask_server, build_missing_kind_problem, explain
from ..._kube.live.cluster import ApiError
from ..._otelcol.config.collector_versions import parse_version
from ..._otelcol.errors import Problem
from ..._otelcol.kube.objects import Manifest, ref
from ..constraint_needs import CONSTRAINTS_API, ConstraintNeeds, find_unmet_needs
from ..rbac_roles import gives_kubelet_pods
from ..replacement_order import must_be_remade
from ..service_ports import explain_unfit_ports
from .foreign_objects import refuse_foreign_objects
from .missing_references import refuse_missing_references
from .remake import try_replacement
from .session import Pairs, Session

# How many objects a message names.
_MOST_SHOWN = 5
# The status of HTTP for an object that does not fit its kind.
_INVALID_STATUS = 422
# The first version of Kubernetes whose kubelets know the right to nodes/pods.
_KUBELET_PODS_VERSION = (1, 33)


def refuse_before_apply(session: Session, pairs: Pairs) -> None:
    """Raise Problem for what would fail half-way, or harm other owners of objects."""
    refuse_foreign_objects(session, pairs)
    refuse_missing_references(session, pairs)
    refuse_unfit_takeovers(session, pairs)
    remade_manifests = [manifest for manifest, live in pairs if must_be_remade(manifest, live)]
    session.cluster.call_in_parallel(lambda manifest: try_replacement(session, manifest), remade_manifests)


def refuse_unfit_takeovers(session: Session, pairs: Pairs) -> None:
    """Refuse to take over objects that the server finds invalid.

    After a takeover, an object has the fields of both owners. For example, a Service may then have several
    ports of which one has no name, which the server refuses.
    """
    takeover_pairs = [(manifest, live) for manifest, live in pairs if live and _is_taken_over(session, manifest, live)]
    session.cluster.call_in_parallel(lambda pair: _try_takeover(session, *pair), takeover_pairs)


def _is_taken_over(session: Session, manifest: Manifest, live: Manifest) -> bool:
    """Return whether this run takes an object over from another owner by an apply, without making it anew."""
    if not session.may_take_over(manifest, live) or session.is_own(live):
        return False
    return not must_be_remade(manifest, live)


def _try_takeover(session: Session, manifest: Manifest, live: Manifest) -> None:
    """Let the server try the apply in a dry run. Raises Problem if it finds the joined object invalid."""
    try:
        session.apply_object(manifest, dryRun="All")
    except ApiError as error:
        if error.status != _INVALID_STATUS:
            # Other errors may be temporary, or go away once other objects of the bundle are applied, so the real apply
            # reports them.
            return
        problem = explain(error, f"Adopt {ref(manifest)}")
        fix_of_ports = explain_unfit_ports(manifest, live) if "spec.ports" in error.message else ""
        raise Problem(problem.wrong, asked=problem.asked, fix=fix_of_ports or problem.fix) from error


def refuse_absent_kinds(session: Session, unserved: list[Manifest]) -> None:
    """Refuse objects whose kinds the cluster does not serve: their operators or definitions are not installed.

    Check mode warns, because an earlier task of the same run may install them.
    """
    if not unserved:
        return
    kinds = list(dict.fromkeys(f"{manifest['kind']} of {manifest['apiVersion']}" for manifest in unserved))
    if session.options.check:
        check_mode_advice = "Without check mode, this run fails unless an earlier task of it installs what is missing."
        session.report.warnings.append(f"The cluster does not serve {', '.join(kinds)}. {check_mode_advice}")
        return
    fixes = dict.fromkeys(build_missing_kind_problem("", manifest["apiVersion"]).fix for manifest in unserved)
    manifest_names = ", ".join(str(ref(manifest)) for manifest in unserved[:_MOST_SHOWN])
    kinds_word = "these kinds" if len(kinds) > 1 else "this kind"
    wrong = f"the cluster does not serve {kinds_word}: {', '.join(kinds)}"
    raise Problem(wrong, asked=f"Apply {manifest_names}", fix="\n".join(fixes))


def warn_of_constraints(session: Session) -> None:
    """Warn about pods that SecurityContextConstraints will not allow; an administrator may have granted some."""
    unmet_needs_of_collectors = find_unmet_needs(session.options.manifests)
    if not unmet_needs_of_collectors:
        return
    has_constraints = ask_server("Look for SecurityContextConstraints", lambda: session.cluster.get(CONSTRAINTS_API))
    if has_constraints:
        session.report.warnings.extend(map(_describe_unmet_needs, unmet_needs_of_collectors))


def _describe_unmet_needs(needs: ConstraintNeeds) -> str:
    """Return the warning about the pods of a collector that restricted-v2 does not allow."""
    return (
        f"This cluster has SecurityContextConstraints, and {needs.owner} asks for more than restricted-v2 allows"
        f" ({', '.join(needs.extra_needs)}), but brings none of its own. Set `platform: openshift` for this collector,"
        " or let its ServiceAccount use constraints that allow this."
    )


def warn_of_older_kubelets(session: Session, pairs: Pairs) -> None:
    """Warn about new rights that the kubelets of an older cluster do not know. An unchanged role needs no request."""
    new_roles = [role for role, live in pairs if gives_kubelet_pods(role) and not gives_kubelet_pods(live)]
    if not new_roles:
        return
    try:
        version = str(session.cluster.request("GET", "/version").get("gitVersion", ""))
    except ApiError:  # without the version there is no warning
        return
    is_version_known = bool(parse_version(version))
    if is_version_known and parse_version(version) < _KUBELET_PODS_VERSION:
        session.report.warnings.append(
            f"{ref(new_roles[0])} gives the right to get nodes/pods, which kubelets know since Kubernetes 1.33, and "
            f"this cluster has {version}: kubelet_stats gets no metadata of pods and volumes. Set "
            "`allow: [nodes/proxy]` for this collector. It then gets that right too, which includes "
            "commands in every container."
        )
