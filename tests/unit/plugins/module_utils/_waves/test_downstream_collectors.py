# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which collectors one tier behind a wave are read."""

from __future__ import annotations

from typing import Any

from ansible_collections.o11y.opentelemetry.plugins.module_utils._waves.downstream_collectors import (
    READS_AFTER,
    SentData,
    find_sent_data,
    select_reads,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._waves.wave_run import MOST_COMPARED_HOSTS


def test_each_place_that_gets_data_is_read_once_before_and_in_rounds_after() -> None:
    sent = [
        SentData("web1", "gw1", "gateway"),
        SentData("web2", "gw1", "gateway"),
        SentData("web2", "gw2", "gateway"),
        SentData("web2", "gw2", "logs"),
        SentData("web2", "eu", "obs/gateway"),
    ]
    found = select_reads(sent, ["eu"], 60)
    assert found["hosts"] == {
        "collectors": {"gw1": ["gateway"], "gw2": ["gateway", "logs"]},
        "before": ["gw1", "gw2"],
        "after": ["gw1", "gw2"] * READS_AFTER,
        "seconds": 60 / (2 * READS_AFTER),
    }
    assert found["clusters"]["targets"] == {"eu": [{"namespace": "obs", "name": "gateway"}]}


def test_what_a_member_sends_to_itself_is_watched_with_the_member() -> None:
    assert select_reads([SentData("web1", "web1", "backend")], [], 60)["hosts"]["before"] == []


def test_no_more_places_are_read_than_of_later_waves() -> None:
    sent = [SentData("web1", f"gw{number}", "gateway") for number in range(MOST_COMPARED_HOSTS + 1)]
    found = select_reads([*sent, *sent], [], 60)
    assert found["hosts"]["before"] == [f"gw{number}" for number in range(MOST_COMPARED_HOSTS)]
    assert found["left_out"] == [
        f"at most {MOST_COMPARED_HOSTS} hosts are read, and these are not: gateway on gw{MOST_COMPARED_HOSTS}"
    ]


def reached(host: str, collector: str = "obs/gateway") -> dict[str, Any]:
    """Return what is rendered of a cluster that a name leads into."""
    return {"reached_at": [{"host": host, "collector": collector}]}


def sending(host: str) -> dict[str, Any]:
    """Return what is rendered of a cluster that sends to a name."""
    return {"sends_outside": [{"sender": "obs/agent", "exporter": "otlp_grpc", "host": host}]}


def test_a_name_leads_from_one_cluster_into_another() -> None:
    rendered = {"dev": sending("otlp.example.com"), "eu": reached("otlp.example.com"), "us": reached("us.example.com")}
    assert list(find_sent_data(rendered, ["dev"])) == [SentData("dev", "eu", "obs/gateway")]
    assert list(find_sent_data(rendered, ["eu", "us"])) == []


def test_a_name_of_two_clusters_and_one_of_none_lead_nowhere() -> None:
    name = "otlp.example.com"
    assert list(find_sent_data({"dev": sending(name), "eu": reached(name), "us": reached(name)}, ["dev"])) == []
    assert list(find_sent_data({"dev": sending(name), "eu": {}}, ["dev"])) == []
