# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

from ansible_collections.o11y.opentelemetry.plugins.plugin_utils._otelcol import _migrate, _yaml

from ..helpers import MIGRATE, OTLP


def migrate(config: Any) -> dict[str, Any]:
    return _migrate.migrate({**MIGRATE, "config": config}, check=False)


def test_what_is_left_has_an_order() -> None:
    """A rule finds things in the order of a set, which differs from run to run."""
    names = [f"otlp/{letter}" for letter in "fbdace"]
    receiver = {"protocols": {"grpc": {"endpoint": "localhost:4317", "tls": {"min_version": "1.2"}}}}
    pipeline = {"receivers": names, "exporters": ["debug"]}
    config = {
        "receivers": dict.fromkeys(names, receiver),
        "exporters": {"debug": None},
        "service": {"pipelines": {"traces": pipeline}},
    }
    left = [row["path"] for row in migrate(config=config)["unsolved"]]
    assert len(left) == len(names)
    assert left == sorted(left)


def test_what_the_target_still_rejects_is_left_and_told() -> None:
    text = _yaml.dump({**OTLP, "exporters": {"logging": {"loglevel": "info"}, "debug/b": {"verbose": True}}})
    result = migrate(config=text.replace("- debug", "- logging"))
    assert "verbosity: normal" in result["config"]
    (left,) = result["unsolved"]
    assert (left["path"], left["line"]) == (
        "exporters.debug/b.verbose",
        1 + text.splitlines().index("    verbose: true"),
    )
    assert "'verbose' is not a setting here; did you mean 'verbosity'?" in left["what"]


def test_what_needs_a_feature_gate_is_left() -> None:
    text = _yaml.dump({**OTLP, "processors": {"transform": {"flatten_data": True, "log_statements": []}}})
    (left,) = migrate(config=text)["unsolved"]
    assert left["path"] == "processors.transform.flatten_data"
    assert "needs the feature gate transform.flatten.logs" in left["what"]
