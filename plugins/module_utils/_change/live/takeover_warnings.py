# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Warnings about objects that another owner has, which a run compares, converts or adopts. Private."""

from __future__ import annotations

import re
from itertools import starmap

from ..._kube.ownership import owner, release_of
from ..._otelcol.errors import at_most
from ..._otelcol.kube.keepers import HELM_NAME
from ..._otelcol.kube.objects import Manifest, Ref, ref
from ..ownership_marks import helm_release, marks
from .session import Session

_SHOWN = 5
# A namespace or a Helm release. A text of others that is none may be another selector, option or command.
_NAME = re.compile("[a-z0-9]([-a-z0-9.]*[a-z0-9])?")
Pairs = list[tuple[Manifest, "Manifest | None"]]


def warn_of_earlier(session: Session, pairs: Pairs) -> None:
    """Name the objects of an earlier version, which this run takes over."""
    converted = [str(ref(live)) for manifest, live in pairs if live and session.converts(manifest, live)]
    if not converted:
        return
    run = "Without check mode, this run" if session.options.check else "This run"
    named = at_most(_SHOWN, converted, last=", ")
    session.report.warnings.append(f"{run} takes over objects of an earlier version of this collection: {named}.")


def warn_of_rendered(session: Session, pairs: Pairs) -> None:
    """Name the objects of these releases that another tool applies, which check mode compares."""
    owned = []
    for manifest, live in pairs:
        if live and session.only_compares(manifest, live) and not session.may_adopt(manifest, live):
            owned.append(f"{ref(live)} is managed by {owner(live)}")
    if owned:
        session.report.warnings.append(
            f"Another tool applies objects of this inventory: {at_most(_SHOWN, owned, last=', ')}. Check mode compares "
            "them with the inventory. A run without check mode is refused; to let it manage them, set adopt: true."
        )


def warn_of_helm(session: Session, pairs: Pairs) -> None:
    """Name the Helm releases from which this run adopts objects: Helm's record still names these."""
    adopted: dict[tuple[str, str], list[Ref]] = {}
    for manifest, live in pairs:
        if live is None or release_of(manifest) not in session.options.adopt:
            continue
        if session.may_write(manifest, live) and _has_mark_of_helm(session, live):
            adopted.setdefault(helm_release(live), []).append(ref(live))
    session.report.warnings.extend(starmap(_still_of_helm, sorted(adopted.items())))


def _has_mark_of_helm(session: Session, live: Manifest) -> bool:
    return any(mark == HELM_NAME for _part, mark in marks(live, session.options.field_manager))


def _still_of_helm(release: tuple[str, str], refs: list[Ref]) -> str:
    """Return the warning. The annotations, which others wrote, are part of a command only as names of this place."""
    namespace, name = release
    namespaces = {adopted.namespace for adopted in refs if adopted.namespace}
    if all(map(_NAME.fullmatch, release)) and namespaces == {namespace}:
        which = f"the Helm release {namespace}/{name}"
        command = f"kubectl delete secret --namespace {namespace} --selector owner=helm,name={name}"
        fix = f"delete the record: `{command}`"
    else:
        which = "a Helm release, which the annotations do not name"
        fix = (
            "find the release with `helm list --all-namespaces`. Its record is Secrets with the labels `owner: helm` "
            "and `name` with the name of the release: delete these."
        )
    return (
        f"Adopted from {which}: {at_most(_SHOWN, refs, last=', ')}. Their marks of Helm go, "
        "but `helm upgrade` and `helm uninstall` still change and delete what Helm's record names. If nothing else of "
        f"this release is in use, {fix}"
    )
