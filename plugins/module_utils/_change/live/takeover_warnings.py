# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Warnings about live objects that a run takes over, or compares with what another tool applies. Private.

`foreign_objects.py` calls these before anything is written. A run takes over what an earlier version of this
collection made, and what somebody else made if the option `adopt` names the release of its manifest.
"""

from __future__ import annotations

import re
from itertools import starmap

from ..._kube.owner_words import describe_owner
from ..._kube.ownership import read_release_label
from ..._otelcol.errors import join_at_most
from ..._otelcol.kube.keepers import HELM_NAME
from ..._otelcol.kube.objects import Manifest, ObjectRef, ref
from ..tool_marks import HelmRelease, list_tool_marks, read_helm_release
from .session import Pairs, Session

_MOST_SHOWN = 5
# The name of a namespace or a Helm release. Any other text of an annotation must not become a part of a command.
_NAME_PATTERN = re.compile("[a-z0-9]([-a-z0-9.]*[a-z0-9])?")


def warn_of_earlier_versions(session: Session, pairs: Pairs) -> None:
    """Name the objects of an earlier version, which this run takes over."""
    converted_refs = [str(ref(live)) for manifest, live in pairs if live and session.converts(manifest, live)]
    if not converted_refs:
        return
    run_text = "Without check mode, this run" if session.options.check else "This run"
    converted_text = join_at_most(_MOST_SHOWN, converted_refs, last=", ")
    session.report.warnings.append(
        f"{run_text} takes over objects of an earlier version of this collection: {converted_text}."
    )


def warn_of_other_tools(session: Session, pairs: Pairs) -> None:
    """Name the objects of these releases that another tool applies, which check mode compares."""
    owned_texts = []
    for manifest, live in pairs:
        if live and session.only_compares(manifest, live) and not session.may_take_over(manifest, live):
            owned_texts.append(f"{ref(live)} is managed by {describe_owner(live)}")
    if owned_texts:
        session.report.warnings.append(
            f"Another tool applies objects of this inventory: {join_at_most(_MOST_SHOWN, owned_texts, last=', ')}."
            " Check mode compares them with the inventory. A run without check mode is refused; to let it manage them,"
            " set adopt: true."
        )


def warn_of_helm(session: Session, pairs: Pairs) -> None:
    """Name the Helm releases from which this run takes over objects: Helm's record still names these."""
    refs_by_release: dict[HelmRelease, list[ObjectRef]] = {}
    for manifest, live in pairs:
        if live is None or read_release_label(manifest) not in session.options.adopt:
            continue
        if session.may_write(manifest, live) and _has_helm_mark(session, live):
            refs_by_release.setdefault(read_helm_release(live), []).append(ref(live))
    session.report.warnings.extend(starmap(_describe_helm_takeover, sorted(refs_by_release.items())))


def _has_helm_mark(session: Session, live: Manifest) -> bool:
    return any(mark.key == HELM_NAME for mark in list_tool_marks(live, session.options.field_manager))


def _describe_helm_takeover(release: HelmRelease, refs: list[ObjectRef]) -> str:
    """Return the warning about objects of one Helm release.

    Others wrote these annotations. So they become part of a command only if both are names, and the namespace is that
    of the objects.
    """
    namespace, name = release
    namespaces = {object_ref.namespace for object_ref in refs if object_ref.namespace}
    are_names = all(map(_NAME_PATTERN.fullmatch, release))
    if are_names and namespaces == {namespace}:
        release_text = f"the Helm release {namespace}/{name}"
        command = f"kubectl delete secret --namespace {namespace} --selector owner=helm,name={name}"
        fix = f"delete the record: `{command}`"
    else:
        release_text = "a Helm release, which the annotations do not name"
        fix = (
            "find the release with `helm list --all-namespaces`. Its record is Secrets with the labels `owner: helm` "
            "and `name` with the name of the release: delete these."
        )
    return (
        f"Adopted from {release_text}: {join_at_most(_MOST_SHOWN, refs, last=', ')}. Their marks of Helm go, "
        "but `helm upgrade` and `helm uninstall` still change and delete what Helm's record names. If nothing else of "
        f"this release is in use, {fix}"
    )
