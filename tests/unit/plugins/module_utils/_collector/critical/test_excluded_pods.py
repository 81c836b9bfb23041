# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Unit tests of module_utils/_collector/critical/excluded_pods.py: the pods that other jobs leave out."""

from __future__ import annotations

import re
from typing import Any

from ansible_collections.o11y.opentelemetry.plugins.module_utils._collector.critical.excluded_pods import (
    list_excluded_pods,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._collector.critical.scrape_targets import (
    find_scrape_targets,
)

GENERIC: dict[str, Any] = {
    "name": "generic",
    "control_plane": {
        "apiserver": {"role": "endpointslice", "namespace": "default", "label": "a=b", "server_name": "kubernetes"},
        "coredns": {"role": "pod", "namespace": "kube-system", "label": "k8s-app=kube-dns", "port": 9153},
        "etcd": None,
    },
}


def test_pods_are_left_out_by_their_labels_namespace_and_port_alone() -> None:
    scraped = find_scrape_targets(["coredns", "cert_manager", "apiserver"], {}, GENERIC, True)
    dns, certificates = list_excluded_pods(scraped)
    assert dns.source_labels[1:] == ("__meta_kubernetes_namespace", "__address__")
    for labels, matches in (("kube-dns;kube-system;10.0.0.1:9153", True), ("kube-dns;shop;10.0.0.1:9153", False)):
        assert bool(re.fullmatch(dns.regex, labels)) is matches
    for address, matches in (("10.0.0.1:9402", True), ("[fd00::1]:9402", True), ("10.0.0.1:8080", False)):
        assert bool(re.fullmatch(certificates.regex, f"cert-manager;controller;{address}")) is matches
