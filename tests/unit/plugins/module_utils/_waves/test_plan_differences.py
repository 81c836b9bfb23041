# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a wave would change: members with equal differences are one group."""

from __future__ import annotations

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.kube.names import RELEASE_LABEL
from ansible_collections.o11y.opentelemetry.plugins.module_utils._waves.plan_differences import (
    Difference,
    MemberChange,
    list_change_lines,
)


def change(member: str, hexes: str, namespace: str = "obs", endpoint: str = "new:4317") -> MemberChange:
    """Return a new config of a member, whose sums and marks of secrets begin with some digits."""
    new, old = f"agent-{hexes}00000000", f"agent-{hexes}11111111"
    config = (
        f"data:\n  config.yaml: |\n    a: 1\n    b: 2\n    endpoint: {{}}\n    token: ***{hexes}abcdef\nname: {{}}\n"
    )
    pods = "checksum/config: {}\nreplicas: 1\nname: {}\n"
    return MemberChange(
        member,
        [
            Difference(f"ConfigMap {namespace}/{new}", config.format("old:4317", old), config.format(endpoint, new)),
            Difference(f"Deployment {namespace}/agent", pods.format("1", old), pods.format("2", new)),
            Difference(f"Service {namespace}/agent", "", "spec: {}\n"),
            Difference(f"ConfigMap {namespace}/{old}", config.format("old:4317", old), ""),
        ],
    )


LINES = [
    "  ConfigMap agent-…",
    "  @@ -3,5 +3,5 @@",
    "       a: 1",
    "       b: 2",
    "  -    endpoint: old:4317",
    "  +    endpoint: new:4317",
    "       token: ***1",
    "   name: agent-…",
    "  Service agent would be created",
    "  ConfigMap agent-… would be deleted",
]


def test_equal_differences_are_shown_once_whatever_follows_from_the_config() -> None:
    changes = [change("dev", "1a"), change("eu", "2b", "obs-eu"), change("us", "3c", endpoint="new:4318")]
    found = list(list_change_lines(changes, "cluster", with_new_objects=False))
    assert found[: len(LINES) + 1] == ["2 clusters: dev, eu", *LINES]
    assert found[len(LINES) + 1] == "1 cluster: us"
    assert "  +    endpoint: new:4318" in found


def test_an_image_of_another_digest_is_another_difference() -> None:
    digests = ("aaaaaaaaaa", "bbbbbbbbbb")
    changes = [
        MemberChange(name, [Difference("Deployment obs/agent", "image: a@sha256:0\n", f"image: a@sha256:{digest}\n")])
        for name, digest in zip(("dev", "eu"), digests, strict=True)
    ]
    assert [line for line in list_change_lines(changes, "cluster", with_new_objects=False) if "cluster" in line] == [
        "1 cluster: dev",
        "1 cluster: eu",
    ]


def test_with_the_option_diff_new_objects_are_shown_whole() -> None:
    shown = list(list_change_lines([change("dev", "1a")], "cluster", with_new_objects=True))
    assert "  +spec: {}" in shown
    assert "  Service agent would be created" not in shown
    assert "  ConfigMap agent-… would be deleted" in shown, "what goes was there before"


def new_service(member: str, namespace: str, name: str = "agent") -> MemberChange:
    text = f"kind: Service\nmetadata:\n  name: {name}\n  namespace: {namespace}\nspec: {{}}\n"
    return MemberChange(member, [Difference(f"Service {namespace}/{name}", "", text)])


def test_new_objects_of_other_namespaces_are_the_same() -> None:
    changes = [new_service("dev", "obs"), new_service("eu", "obs-eu"), new_service("us", "obs", "gateway")]
    shown = list(list_change_lines(changes, "cluster", with_new_objects=True))
    assert [line for line in shown if "cluster" in line] == ["2 clusters: dev, eu", "1 cluster: us"]
    assert "  +  namespace: …" in shown


def new_cluster_role(member: str, namespace: str, name: str = "agent") -> MemberChange:
    """Return a new ClusterRole of a member with its binding. Their names begin with the namespace of the collector."""
    full_name = f"{namespace}.{name}"
    labels = f"  labels:\n    {RELEASE_LABEL}: {full_name}\n"
    role = f"kind: ClusterRole\nmetadata:\n{labels}  name: {full_name}\nrules: []\n"
    binding = (
        f"kind: ClusterRoleBinding\nmetadata:\n{labels}  name: {full_name}\nroleRef:\n  name: {full_name}\n"
        f"subjects:\n- kind: ServiceAccount\n  name: {name}\n  namespace: {namespace}\n"
    )
    service = f"kind: Service\nmetadata:\n{labels}  name: {name}\n  namespace: {namespace}\nspec: {{}}\n"
    return MemberChange(
        member,
        [
            Difference(f"ClusterRole {full_name}", "", role),
            Difference(f"ClusterRoleBinding {full_name}", "", binding),
            Difference(f"Service {namespace}/{name}", "", service),
        ],
    )


@pytest.mark.parametrize("with_new_objects", [True, False])
def test_cluster_roles_of_other_namespaces_are_the_same(with_new_objects: bool) -> None:
    changes = [
        new_cluster_role("dev", "obs"),
        new_cluster_role("eu", "obs-eu"),
        new_cluster_role("us", "obs", "gateway"),
    ]
    shown = list(list_change_lines(changes, "cluster", with_new_objects=with_new_objects))
    assert [line for line in shown if "cluster" in line] == ["2 clusters: dev, eu", "1 cluster: us"]
    assert any("ClusterRole ….agent" in line for line in shown)


def test_a_release_that_moves_to_another_namespace_is_a_difference() -> None:
    text = f"kind: ClusterRole\nmetadata:\n  labels:\n    {RELEASE_LABEL}: {{}}.agent\n"
    moved = Difference("ClusterRole reader", text.format("obs"), text.format("old"))
    shown = list(list_change_lines([MemberChange("dev", [moved])], "cluster", with_new_objects=False))
    assert f"  -    {RELEASE_LABEL}: obs.agent" in shown
    assert f"  +    {RELEASE_LABEL}: old.agent" in shown


def test_a_file_below_a_folder_with_a_blank_keeps_its_path() -> None:
    files = [Difference(f"/etc/otelcol/my {folder}/config.yaml", "a: 1\n", "a: 2\n") for folder in ("one", "two")]
    shown = list(list_change_lines([MemberChange("web1", files)], "host", with_new_objects=False))
    for folder in ("one", "two"):
        assert f"  /etc/otelcol/my {folder}/config.yaml" in shown


def test_a_new_file_of_a_host_keeps_its_lines() -> None:
    config = Difference("/etc/my obs/config.yaml", "", "namespace: obs\n")
    assert any(
        "namespace: obs" in line
        for line in list_change_lines([MemberChange("web1", [config])], "host", with_new_objects=True)
    )


def test_an_address_that_looks_like_a_release_is_shown_as_it_is() -> None:
    label = f"labels:\n  {RELEASE_LABEL}: {{0}}.agent\n"
    changes = [
        MemberChange(
            namespace,
            [
                Difference(
                    f"ConfigMap {namespace}/agent",
                    f"{label}endpoint: old\n".format(namespace),
                    f"{label}endpoint: {{0}}.agent\n".format(namespace),
                )
            ],
        )
        for namespace in ("obs", "mon")
    ]
    shown = list_change_lines(changes, "cluster", with_new_objects=False)
    assert {"  +endpoint: obs.agent", "  +endpoint: mon.agent"} <= set(shown)


def test_a_namespace_that_changes_inside_an_object_is_a_difference() -> None:
    subject = "subjects:\n- kind: ServiceAccount\n  name: agent\n  namespace: {}\n"
    change_of_subject = Difference("RoleBinding obs/agent", subject.format("obs"), subject.format("old"))
    changes = [MemberChange("dev", [change_of_subject, Difference("Service old/agent", "", "spec: {}\n")])]
    shown = list(list_change_lines(changes, "cluster", with_new_objects=False))
    assert "  -  namespace: obs" in shown
    assert "  +  namespace: old" in shown


def test_a_host_whose_files_are_the_same_says_what_is_changed() -> None:
    changes = [MemberChange("web1", [], ["agent: service would be changed by start"])]
    assert list(list_change_lines(changes, "host", with_new_objects=False)) == [
        "1 host: web1",
        "  agent: service would be changed by start",
    ]
