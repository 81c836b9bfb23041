# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What would fail or do harm later, found before anything is applied: objects of others, ports, forbidden pods."""

from __future__ import annotations

from ..._core.cluster.bundle import Manifest, ref
from ..._core.cluster.ownership import lacking, owner, release_of
from ..._core.cluster.replacement_order import API, Clash, ConstraintNeeds, clashes, replaces, template_ports, unmet
from ..._core.errors import Problem
from ..api.cluster import ApiError
from ..api.explain import asking, explain
from .bundle import Session

SHOWN = 5


def refuse_taken_ports(session: Session, pairs: list[tuple[Manifest, Manifest | None]], going: list[Manifest]) -> None:
    """Look at the cluster's pods, but only when a workload wants ports that its live object does not have.

    Pods of workloads that make way for those of the bundle do not count.
    """
    new = [
        (manifest, wanted) for manifest, live in pairs if (wanted := template_ports(manifest) - template_ports(live))
    ]
    if not new:
        return
    try:
        # Any recent state will do, so the server may answer from its cache.
        pods = list(session.cluster.items("/api/v1/pods", {"resourceVersion": "0"}))
    except ApiError as error:
        if error.status != 403:  # noqa: PLR2004
            raise explain(error, "List the pods of all namespaces") from error
        session.report.warnings.append(f"Not checked whether the host ports are free: {error.message}")
        return
    for manifest, wanted in new:
        found = list(clashes(manifest, wanted, pods, [old for old in going if replaces(manifest, old)]))
        if found:
            raise _taken(manifest, found)


def refuse_foreign(session: Session, pairs: list[tuple[Manifest, Manifest | None]]) -> None:
    """Refuse to write what others own, before anything is written. A namespace of others is used as it is."""
    others = [(manifest, live) for manifest, live in pairs if live and not session.may_write(manifest, live)]
    found = [pair for pair in others if pair[0]["kind"] != "Namespace" and not session.may_exist(pair[0])]
    _refuse_poor_accounts([pair for pair in others if session.may_exist(pair[0])])
    if not found:
        return
    named = [f"{ref(live)} belongs to {owner(live)}" for _manifest, live in found[:SHOWN]]
    more = f", and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
    releases = ", ".join(sorted({release_of(manifest) or "none" for manifest, _live in found}))
    wrong = f"objects of these names exist and belong to others: {'; '.join(named)}{more}"
    fix = (
        "Choose another name or namespace for yours, or end what else manages them and take them over: "
        "`adopt: true` for a collector or an Instrumentation, `foreign: takeover` for cert-manager or the operator, "
        "`adopt: [RELEASE]` for bundle_apply."
    )
    raise Problem(wrong, asked="Apply the bundle", where=f"release {releases}", fix=fix)


def _refuse_poor_accounts(pairs: list[tuple[Manifest, Manifest]]) -> None:
    """Refuse ServiceAccounts of others without what the collectors need of them."""
    for manifest, live in pairs:
        missing = lacking(live, manifest)
        if missing:
            wrong = f"{ref(live)} lacks {', '.join(missing)}, and belongs to {owner(live)}"
            fix = "Have its owner add what is missing, or leave service_account_name out, which makes an account."
            raise Problem(wrong, asked="Use an existing ServiceAccount", where="service_account_name", fix=fix)


def warn_of_constraints(session: Session) -> None:
    """Warn about pods that SecurityContextConstraints will not allow; an administrator may have granted some."""
    found = unmet(session.options.manifests)
    if found:
        served = asking("Look for SecurityContextConstraints", lambda: session.cluster.get(API))
        session.report.warnings.extend(map(_unmet, found) if served else ())


def _unmet(needs: ConstraintNeeds) -> str:
    return (
        f"This cluster has SecurityContextConstraints, and {needs.owner} asks for more than restricted-v2 allows "
        f"({', '.join(needs.more)}), but brings none of its own. Set `platform: openshift` for this collector, or let "
        "its ServiceAccount use constraints that allow this."
    )


def _taken(manifest: Manifest, found: list[Clash]) -> Problem:
    taken = [
        f"{clash.port.port}/{clash.port.protocol} on node {clash.node} by pod {clash.namespace}/{clash.pod}"
        for clash in found[:SHOWN]
    ]
    more = f" and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
    fix = "Choose other ports, do without host ports, or remove the other workload first."
    return Problem(f"host ports are taken: {'; '.join(taken)}{more}", asked=f"Apply {ref(manifest)}", fix=fix)
