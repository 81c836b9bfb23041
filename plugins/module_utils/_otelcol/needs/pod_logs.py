# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files in which a node keeps the logs of a collector's pods. Private.

Such a file is `/var/log/pods/NAMESPACE_POD_UID/CONTAINER/0.log`. A collector that reads the logs of all pods must leave
out its own: recipes exclude `PodLogs.file_glob`, and rules on loops ask whether a receiver reads `example_paths`.

Sources: BuildPodLogsDirectory in the kubelet's pkg/kubelet/kuberuntime, GenerateName in the API server's
pkg/storage/names, and SafeEncodeString in apimachinery's pkg/util/rand.
"""

from __future__ import annotations

from typing import NamedTuple

LOGS_ROOT = "/var/log/pods"
# The folder with links to the files below LOGS_ROOT, named POD_NAMESPACE_CONTAINER-ID.log.
LINKS_ROOT = "/var/log/containers"
# A character of a random part of a pod's name: a digit or a letter that is no vowel, so that no word appears by chance.
_RANDOM_CHARACTER = "[^aeiou-]"
# The hash of a ReplicaSet has 6 to 10 of them, and the end of a pod's name has 5: `5c4f9d7b6d-x2x2x`.
_REPLICA_SET_HASH = _RANDOM_CHARACTER * 6 + "{,?,??,???,????}"
_LONGEST_HASH = 10
_POD_SUFFIX = _RANDOM_CHARACTER * 5
# The number of a pod of a StatefulSet.
_ORDINAL = "{[0-9],[0-9][0-9],[0-9][0-9][0-9]}"
# The API server cuts what comes before the random end of a name to so many characters.
_LONGEST_PREFIX = 58
# What follows `WORKLOAD-` in the name of a pod, for each mode whose pods have names that are known beforehand.
_EXAMPLE_SUFFIXES = {"daemonset": "x2x2x", "deployment": "5c4f9d7b6d-x2x2x", "statefulset": "0"}
_EXAMPLE_POD_UID = "0b1c2d3e-0000-4000-8000-000000000000"
_EXAMPLE_CONTAINER_ID = "0" * 64


class PodLogs(NamedTuple):
    """The log files of a workload's container on all nodes.

    `mode` is `daemonset`, `deployment` or `statefulset`. For a sidecar, whose pods have other owners, and for any other
    mode, the files are not known: `file_glob` and `example_paths` are empty.
    """

    mode: str
    namespace: str
    workload: str
    container: str

    @property
    def file_glob(self) -> str:
        """The glob of these files. It matches no pod of another workload whose name starts with the same words.

        For StatefulSet `gateway` in `obs` it is `/var/log/pods/obs_gateway-{[0-9],…}_*/otel/*.log`.
        """
        if self.mode not in _EXAMPLE_SUFFIXES:
            return ""
        return f"{LOGS_ROOT}/{self.namespace}_{self._glob_pod_names()}_*/{self.container}/*.log"

    @property
    def example_paths(self) -> tuple[str, ...]:
        """The path of one such file, and of the link to it.

        For DaemonSet `agent` in `obs`: `/var/log/pods/obs_agent-x2x2x_0b1c…/otel/0.log` and
        `/var/log/containers/agent-x2x2x_obs_otel-0000….log`.
        """
        if self.mode not in _EXAMPLE_SUFFIXES:
            return ()
        pod = f"{self.workload}-{_EXAMPLE_SUFFIXES[self.mode]}"
        file = f"{LOGS_ROOT}/{self.namespace}_{pod}_{_EXAMPLE_POD_UID}/{self.container}/0.log"
        link = f"{LINKS_ROOT}/{pod}_{self.namespace}_{self.container}-{_EXAMPLE_CONTAINER_ID}.log"
        return file, link

    def _glob_pod_names(self) -> str:
        """Return the glob of the names of the pods."""
        if self.mode == "statefulset":
            return f"{self.workload}-{_ORDINAL}"
        prefix = f"{self.workload}-"
        if self.mode == "daemonset":
            return prefix[:_LONGEST_PREFIX] + _POD_SUFFIX
        is_hash_cut = len(prefix) + _LONGEST_HASH + 1 > _LONGEST_PREFIX
        if is_hash_cut:
            return f"{prefix[:_LONGEST_PREFIX]}*"
        return f"{prefix}{_REPLICA_SET_HASH}-{_POD_SUFFIX}"
