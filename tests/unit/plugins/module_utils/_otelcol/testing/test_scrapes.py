# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Problem
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.testing import harness, replaced_ends, scrapes

from tests.support.cases import cases

PODS: dict[str, Any] = {
    "job_name": "pods",
    "scheme": "https",
    "tls_config": {"ca_file": "/ca"},
    "authorization": {"credentials": "hunter2"},
    "kubernetes_sd_configs": [{"role": "pod"}],
    "sample_limit": 9,
    "relabel_configs": [{"action": "keep"}],
    "metric_relabel_configs": [{"action": "labeldrop"}],
}
NODE: dict[str, Any] = {
    "job_name": "node",
    "scrape_interval": "30s",
    "static_configs": [{"targets": ["a:9100", "b:9100"], "labels": {"rack": "r1"}}],
}
SETTINGS: dict[str, Any] = {
    "config": {
        "global": {"external_labels": {"c": "n"}, "scrape_failure_log_file": "/f"},
        "scrape_configs": [PODS, NODE],
        "scrape_config_files": ["/x"],
    },
    "target_allocator": {"endpoint": "http://ta"},
    "trim_metric_suffixes": True,
}
CONFIG: dict[str, Any] = {
    "receivers": {"prometheus": SETTINGS, "prometheus/other": {"config": {"scrape_configs": [NODE]}}, "otlp": {}},
    "exporters": {"debug": {}},
    "service": {"pipelines": {"metrics": {"receivers": ["prometheus", "otlp"], "exporters": ["debug"]}}},
}


def page(job: str, *texts: str, **labels: str) -> scrapes.ScrapedPage:
    return scrapes.ScrapedPage("prometheus", job, "/pages/0", texts or ("a 1",), labels)


def built(*own: scrapes.ScrapedPage, config: Any = CONFIG) -> harness.Harness:
    ends = replaced_ends.ReplacedEnds("http://127.0.0.1:9", {"prometheus": 1, "otlp": 2}, "", pages=own)
    return harness.build_harness(config, ends)


def test_a_job_keeps_everything_but_where_it_scrapes() -> None:
    found = built(page("pods", __address__="10.0.0.1:80", team="$a")).config["receivers"]["prometheus"]
    [job] = found["config"]["scrape_configs"]
    assert {key: job[key] for key in ("scheme", "sample_limit", "metric_relabel_configs")} == {
        key: PODS[key] for key in ("scheme", "sample_limit", "metric_relabel_configs")
    }
    assert job["static_configs"] == [{"targets": ["10.0.0.1:80"], "labels": {"team": "$$a"}}]
    assert job["relabel_configs"][0] == {"action": "keep"}
    assert {rule.get("target_label"): rule.get("replacement") for rule in job["relabel_configs"][1:]} == {
        "instance": "$$1",
        "__address__": "127.0.0.1:9",
        "__scheme__": "http",
        "__metrics_path__": "/pages/0",
    }
    assert found["config"]["global"] == {"external_labels": {"c": "n"}}
    assert set(found["config"]) == {"global", "scrape_configs"}
    assert found["trim_metric_suffixes"] is True
    assert "target_allocator" not in found
    assert "hunter2" not in str(found)


def test_every_change_is_listed() -> None:
    changes = [line for line in built(page("pods")).changes if line.startswith("receivers.prometheus")]
    assert changes == [
        "receivers.prometheus: job pods: one target, on loopback, every 10s; without authorization,"
        " kubernetes_sd_configs, tls_config",
        "receivers.prometheus: job node: left out, the test gives no page",
        "receivers.prometheus: scrapes when it stops; no target allocator",
    ]


def test_a_static_target_keeps_its_address_and_labels() -> None:
    [job] = built(page("node")).config["receivers"]["prometheus"]["config"]["scrape_configs"]
    assert job["static_configs"] == [{"targets": ["a:9100"], "labels": {"rack": "r1"}}]


@cases(
    "texts, processor, offset",
    (["a"], None, "1h"),
    (["a", "b"], None, "0s"),
    (["a"], "interval", "0s"),
)
def test_one_page_is_scraped_at_the_stop_unless_something_sends_later(
    texts: list[str], processor: str | None, offset: str
) -> None:
    """What `interval` holds when the Collector stops is lost."""
    pipeline = {**CONFIG["service"]["pipelines"]["metrics"], "processors": [processor] if processor else []}
    config = {**CONFIG, "service": {"pipelines": {"metrics": pipeline}}}
    found = built(page("node", *texts), config=config).config["receivers"]["prometheus"]
    assert found["initial_scrape_offset"] == offset


def test_a_receiver_with_pages_stays_and_gets_no_otlp() -> None:
    found = built(page("node"))
    assert found.reading_receivers == ("prometheus",)
    with pytest.raises(Problem, match="'prometheus' does not feed a pipeline of metrics"):
        harness.find_receiver_of_signal(found, "metrics", "prometheus", "here")
    assert "otlp/0_prometheus" in built().config["receivers"]


def test_pages_of_a_job_follow_each_other() -> None:
    given = [
        {"pages": {"pods": "a 1"}, "targets": {"pods": {"x": 1}}},
        {"pages": {"node": "b 1"}, "to": "prometheus/other"},
        {"pages": {"pods": "a 2"}},
    ]
    assert scrapes.read_scraped_pages(CONFIG["receivers"], given, "here") == [
        scrapes.ScrapedPage("prometheus", "pods", "/pages/0", ("a 1", "a 2"), {"x": "1"}),
        scrapes.ScrapedPage("prometheus/other", "node", "/pages/1", ("b 1",)),
    ]


@cases(
    "part, said",
    ({"pages": {"pod": "a 1"}}, "no prometheus receiver has the job 'pod'; did you mean 'pods'? (at here)"),
    ({"pages": {"node": "a 1"}}, "several receivers have the job 'node': prometheus, prometheus/other"),
    ({"pages": {"pods": "a 1"}, "to": "otlp"}, "Jobs of prometheus receivers: none."),
    ({"targets": {"pods": {"x": 1}}}, "job 'pods' has a target and no page (at here). Give its page with `pages`."),
    ({"pages": {"pods": 1}}, "the page of job 'pods' is not a text"),
    ({"targets": {"pods": "x"}}, "the target of job 'pods' is not a mapping"),
)
def test_a_page_that_no_receiver_scrapes_is_refused(part: Any, said: str) -> None:
    with pytest.raises(Problem) as problem:
        scrapes.read_scraped_pages(CONFIG["receivers"], [part], "here")
    assert said in str(problem.value)


@pytest.mark.parametrize("settings", [None, [], {"config": None}, {"config": {"scrape_configs": ["x"]}}])
def test_a_receiver_without_jobs_has_none(settings: Any) -> None:
    with pytest.raises(Problem, match="Jobs of prometheus receivers: none"):
        scrapes.read_scraped_pages({"prometheus": settings}, [{"pages": {"a": "b 1"}}], "here")


def with_settings(**config: Any) -> Any:
    return {**CONFIG, "receivers": {"prometheus": {"config": {"scrape_configs": [NODE], **config}}}}


def test_shared_settings_in_an_expression_are_left_out_and_that_is_said() -> None:
    """Nobody knows which of them reach out."""
    found = built(page("node"), config=with_settings(**{"global": "${env:GLOBAL}"}))
    assert "global" not in found.config["receivers"]["prometheus"]["config"]
    assert "receivers.prometheus: global: left out, for nobody knows what is in its expression" in found.changes


@cases(
    "static_configs, built_target",
    ("${env:STATIC}", {"targets": ["target:80"], "labels": {}}),
    (
        [{"targets": "${env:TARGETS}", "labels": {"rack": "r1"}}],
        {"targets": ["target:80"], "labels": {"rack": "r1"}},
    ),
    ([{"targets": ["a:1"], "labels": "${env:LABELS}"}], {"targets": ["a:1"], "labels": {}}),
)
def test_what_a_target_has_in_an_expression_is_not_known(static_configs: Any, built_target: Any) -> None:
    job = {"job_name": "node", "static_configs": static_configs}
    found = built(page("node"), config=with_settings(scrape_configs=[job]))
    [job] = found.config["receivers"]["prometheus"]["config"]["scrape_configs"]
    assert job["static_configs"] == [built_target]


def test_relabelling_in_an_expression_is_refused() -> None:
    job = {"job_name": "node", "relabel_configs": "${env:RULES}"}
    with pytest.raises(Problem, match="`relabel_configs` of job 'node' is no list") as refused:
        built(page("node"), config=with_settings(scrape_configs=[job]))
    assert "Write its rules in the config" in refused.value.fix
