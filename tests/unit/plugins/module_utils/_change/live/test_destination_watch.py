# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the exporters of new pods send to is read until it is there, and then no more."""

from __future__ import annotations

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._change.live.destination_watch import DestinationWatch
from ansible_collections.o11y.opentelemetry.plugins.module_utils._diagnose.live.reader import ClusterReader

from ... import fake_api
from ...fake_api import FakeApi
from ...live_helpers import obj

CONFIG = {
    "exporters": {"otlp": {"endpoint": "tempo:4317"}},
    "service": {"pipelines": {"traces": {"receivers": [], "exporters": ["otlp"]}}},
}
SERVED = [
    obj("Service", "tempo", spec={"ports": [{"port": 4317}]}),
    obj("EndpointSlice", "tempo-1", labels={"kubernetes.io/service-name": "tempo"}, endpoints=[{"conditions": {}}]),
]


def test_a_service_is_read_until_it_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(fake_api.SERVED, "discovery.k8s.io/v1", ("endpointslices",))
    api = FakeApi()
    cluster = api.cluster()
    watch = DestinationWatch(ClusterReader(cluster, cluster), CONFIG, obj("Pod", "new"))
    (row,) = watch.read_destinations({"ends": []})
    assert (row["state"], row["nowhere"]) == ("no_service", "Service ns/tempo does not exist")
    api.add(*SERVED)
    assert [row["state"] for row in watch.read_destinations({"ends": []})] == ["ok"]
    api.refuse("/services")
    assert [row["state"] for row in watch.read_destinations({"ends": []})] == ["ok"]
