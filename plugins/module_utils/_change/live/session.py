# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What applying and removing a bundle share: its options, requests about its objects, and the report. Private.

`bundle_task.py` builds the options; `apply.py` and `remove.py` each make one Session of them and pass it on. To adopt
an object means here to take it over from another owner.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from ..._kube.live.api_errors import ask_server, explain_outage, list_if_allowed
from ..._kube.live.cluster import APPLY, JSON, POLL_FIRST, ApiError, Cluster
from ..._kube.live.kinds import ApiResource, ApiResources
from ..._kube.live.libraries import import_library, parse_foreign_yaml
from ..._kube.live.outage import LostError
from ..._kube.ownership import is_applied_by, is_own_object, read_release_label
from ..._otelcol.config.masking import make_salted_replacer
from ..._otelcol.errors import Failure, Problem
from ..._otelcol.kube.objects import Manifest, ObjectRef, ref
from ..._rollout.live.webhook_trust import is_trust_lost
from ..applied_state import is_applied
from ..bundle_objects import build_difference
from ..change_set import ChangeSet
from ..collector_flows import Flow
from ..ownership_marks import may_convert

DONE_BEFORE_ERROR = "\nDone before this error, and not undone: "


@dataclass(frozen=True)
class BundleOptions:
    """The options of the module `bundle_apply`, whose documentation describes them."""

    manifests: list[Manifest]
    field_manager: str
    force_conflicts: bool
    prune_selector: str
    """Selects the objects of the bundle's collectors; empty if nothing is pruned."""
    wait_seconds: float
    check: bool
    diff: bool
    adopt: tuple[str, ...] = ()
    """The releases whose objects the run takes over from other owners."""
    existing_accounts: tuple[str, ...] = ()
    """ServiceAccounts, as `namespace/name`, that are used unchanged if others own them."""
    references: str = "ignore"
    """What happens if a Secret or another referred object is missing: `ignore`, `require` or `wait`."""
    change: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """The `ChangeOptions` of each collector by its `namespace/name`."""
    flows: Sequence[Flow] = ()
    unschedulable_seconds: float = 15
    quick_cluster: Callable[[], Cluster] | None = None
    """Returns the same cluster for calls to pods, which may hang."""
    keep_records: bool = False
    """Whether the records of changes that work stay, so that a later task may bring the collectors back."""
    kept_records: Mapping[str, str] = field(default_factory=dict)
    """The run that has kept the record of each collector, by its `namespace/name`."""
    kept_rights: Sequence[Manifest] = ()
    """What the roles of these collectors were, which no record has."""


@dataclass
class BundleReport:
    """What the task returns to its user."""

    diff: bool
    changes: ChangeSet = field(default_factory=ChangeSet)
    hide_secret: Callable[[str], str] = field(default_factory=lambda: make_salted_replacer(secrets.token_hex(8)))
    warnings: list[str] = field(default_factory=list)
    plan_lines: list[str] = field(default_factory=list)
    verdict_lines: list[str] = field(default_factory=list)
    kept_records: dict[str, str] = field(default_factory=dict)
    """The run that keeps the record of each collector, by its name: a later task decides whether it goes back."""
    kept_rights: list[Manifest] = field(default_factory=list)
    """What the roles of these collectors were, which no record has."""

    def build_result(self) -> dict[str, Any]:
        """Return the result of the task."""
        result = {
            "changed": bool(self.changes.list_changing_entries()),
            "objects": [entry.as_dict() for entry in self.changes.entries],
            "msg": self.changes.summarize_actions(),
            "warnings": self.warnings,
            "rights": self.changes.list_rights_changes(),
            "plan": self.plan_lines,
            "verdicts": self.verdict_lines,
            "kept_records": self.kept_records,
            "kept_rights": self.kept_rights,
        }
        return {**result, "diff": self._list_diffs()} if self.diff else result

    def _list_diffs(self) -> list[dict[str, Any]]:
        """Return the difference of each object, with both sides as text."""
        diffs = []
        for entry in self.changes.list_changing_entries():
            difference = build_difference(entry.before, entry.after, self.hide_secret, parse_foreign_yaml)
            if difference:
                texts = {"before": _dump_yaml(difference["before"]), "after": _dump_yaml(difference["after"])}
                diffs.append({**difference, **texts})
        return diffs


def _dump_yaml(manifest: Manifest | None) -> str:
    """Return an object as YAML, in which a text of several lines is shown line by line; empty for none."""
    if manifest is None:
        return ""
    yaml = import_library("yaml", "PyYAML")

    class Dumper(getattr(yaml, "CSafeDumper", yaml.SafeDumper)):  # type: ignore[misc]
        """A dumper of its own, so that the change below affects no other user of the library."""

    def represent_text(dumper: Any, value: str) -> Any:
        block_style = "|" if "\n" in value else None
        return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=block_style)

    Dumper.add_representer(str, represent_text)
    yaml_text: str = yaml.dump(manifest, Dumper=Dumper, sort_keys=True)
    return yaml_text


class Session:
    """One run over one bundle: where its objects live, and how the cluster is asked about them."""

    def __init__(self, cluster: Cluster, options: BundleOptions) -> None:
        self.cluster, self.options = cluster, options
        self.resources = ApiResources(cluster, options.manifests)
        self.changes = ChangeSet()
        self.report = BundleReport(options.diff, self.changes)
        self.releases = {read_release_label(manifest) for manifest in options.manifests}
        cluster.outage.patience_seconds = options.wait_seconds
        cluster.is_hopeless = partial(is_trust_lost, cluster)

    def find_resource(self, manifest: Manifest) -> ApiResource | None:
        """Return where an object lives; a namespaced one must say in which namespace."""
        api_resource = ask_server(f"Find the kind {manifest['kind']}", lambda: self.resources.find_for(manifest))
        if api_resource and api_resource.is_namespaced and not manifest["metadata"].get("namespace"):
            raise Problem(f"{ref(manifest)} has no namespace", where="metadata.namespace", fix="Say where it belongs.")
        return api_resource

    def build_path(self, manifest: Manifest) -> str:
        """Return the URL path of an object; empty if the cluster does not serve its kind."""
        resource = self.find_resource(manifest)
        if resource is None:
            return ""
        metadata = manifest["metadata"]
        return resource.build_path(metadata.get("namespace", ""), metadata["name"])

    def read_live(self, manifest: Manifest) -> Manifest | None:
        """Return the object of a manifest as it is in the cluster; None if there is none. Raises Problem."""
        path = self.build_path(manifest)
        return ask_server(f"Read {ref(manifest)}", lambda: self.cluster.get(path)) if path else None

    def list_objects(self, resource: ApiResource, namespace: str, query: dict[str, Any], accept: str) -> list[Manifest]:
        """Return the objects of one kind, which lists leave without their kind."""
        path = resource.build_path(namespace)
        type_fields = {"apiVersion": resource.api_version, "kind": resource.kind}
        return [{**listed_object, **type_fields} for listed_object in self.cluster.items(path, query, accept)]

    def may_write(self, manifest: Manifest, live: Manifest) -> bool:
        """Return whether the run may write to a live object: the bundle owns it, converts it or adopts it.

        Check mode, which writes nothing, also compares what another tool applies of a release of the bundle.
        """
        is_owned = is_own_object(live, self.releases, self.options.field_manager) or self.converts(manifest, live)
        return is_owned or self.may_adopt(manifest, live) or self.only_compares(manifest, live)

    def may_adopt(self, manifest: Manifest, live: Manifest) -> bool:
        """Return whether the option `adopt` lets the run take an object over from another owner.

        It does not for a namespace, for an account that is used unchanged, and for what another release of this
        collection owns.
        """
        if read_release_label(manifest) not in self.options.adopt:
            return False
        if manifest["kind"] == "Namespace" or self.may_exist(manifest):
            return False
        is_of_another = read_release_label(live) not in ("", read_release_label(manifest))
        return not (is_of_another and is_applied_by(live, self.options.field_manager))

    def only_compares(self, manifest: Manifest, live: Manifest) -> bool:
        """Return whether check mode compares an object of this release that another tool applies, as GitOps does."""
        if not self.options.check or manifest["kind"] == "Namespace":
            return False
        is_of_release = bool(read_release_label(live)) and read_release_label(live) == read_release_label(manifest)
        return is_of_release and not is_own_object(live, self.releases, self.options.field_manager)

    def converts(self, manifest: Manifest, live: Manifest) -> bool:
        """Return whether an earlier version of the collection made an object, so that the run takes it over.

        An account that is used unchanged is not taken over: another inventory may use it too.
        """
        return may_convert(manifest, live, self.options.field_manager) and not self.may_exist(manifest)

    def may_exist(self, manifest: Manifest) -> bool:
        """Return whether a manifest is a ServiceAccount of `existing_accounts`, used unchanged if others own it."""
        metadata = manifest["metadata"]
        account_name = f"{metadata.get('namespace')}/{metadata['name']}"
        return manifest["kind"] == "ServiceAccount" and account_name in self.options.existing_accounts

    def apply_object(self, manifest: Manifest, manager: str = "", **query: str) -> Manifest:
        """Apply an object, and return it as the server has it then. Raises ApiError.

        Without `manager`, apply it under the field manager of the options. Another manager takes no field from anybody.
        If the bundle defines the kind of the object, wait until the server serves it: one of several API servers may
        learn of the kind later than the others.
        """
        force_text = "false" if manager else str(self.options.force_conflicts).lower()
        field_owner = {"fieldManager": manager or self.options.field_manager, "force": force_text}
        path, query = self.build_path(manifest), {**field_owner, **query}
        is_new_kind = self.resources.defines(manifest) and not self.options.check
        started_at = self.cluster.clock()
        while True:
            try:
                return self.cluster.request("PATCH", path, query, manifest, APPLY)
            except ApiError as error:
                if error.is_unreadable and "dryRun" not in query:
                    written = self.find_written(manifest, field_owner["fieldManager"])
                    if written:
                        return written
                is_late = self.cluster.clock() - started_at >= self.options.wait_seconds
                if is_late or not (is_new_kind and error.is_kind_missing):
                    raise
                self.cluster.sleep(POLL_FIRST)

    def find_written(self, manifest: Manifest, manager: str) -> Manifest | None:
        """Return an object whose write had no readable answer; None if it was not written."""
        with suppress(Problem):
            live_object = self.read_live(manifest)
            return live_object if live_object and is_applied(manifest, live_object, manager) else None
        return None


@contextmanager
def report_done_on_failure(session: Session) -> Iterator[None]:
    """Add to an error of the steps within what was done before it.

    Otherwise nobody would know: Ansible's recap counts a failed task as unchanged.
    """
    try:
        yield
    except (Problem, LostError) as error:
        problem = explain_outage(error) if isinstance(error, LostError) else error
        done_text = "" if session.options.check else session.changes.describe_done()
        fix = f"{problem.fix}{DONE_BEFORE_ERROR}{done_text}." if done_text else problem.fix
        facts = problem.facts | session.report.build_result()
        raise Failure(problem.wrong, asked=problem.asked, where=problem.where, fix=fix, facts=facts) from error


def list_objects(
    session: Session, resource: ApiResource, namespace: str, query: dict[str, Any], accept: str = JSON
) -> list[Manifest] | None:
    """Return the objects of a kind; an empty list if it is not installed, None if the user may not list them."""
    return list_if_allowed(resource.plural, lambda: session.list_objects(resource, namespace, query, accept))


def list_namespaces(manifests: Iterable[Manifest]) -> list[str]:
    """Return the names of the namespaces that some objects are in, or that they are, each once."""
    namespace_names = set()
    for manifest in manifests:
        metadata_key = "name" if manifest["kind"] == "Namespace" else "namespace"
        namespace_names.add(manifest["metadata"].get(metadata_key) or "")
    return sorted(namespace_names - {""})


def collect_refs(manifests: Iterable[Manifest]) -> set[ObjectRef]:
    """Return what identifies each object: its kind, namespace and name."""
    return {ref(manifest) for manifest in manifests}


def report_kept(session: Session, kept_object: Manifest, reason: str) -> None:
    """Report an object that stays, with a warning and in the result."""
    session.report.warnings.append(f"Kept {ref(kept_object)}: {reason}")
    session.changes.note_skipped(kept_object, reason)


def read_uid(live: Manifest) -> str:
    """Return the UID of a live object, which an object made anew under the same name does not have; empty without."""
    return str(live["metadata"].get("uid") or "")
