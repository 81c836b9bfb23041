# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Text of a cluster, or of AWS, that a module quotes: masked, then cut."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.errors import LONGEST
from ansible_collections.o11y.opentelemetry.plugins.module_utils._core.probe.evidence import excerpt
from ansible_collections.o11y.opentelemetry.plugins.module_utils._edge.api.cluster import Answered, ApiError
from ansible_collections.o11y.opentelemetry.plugins.module_utils._edge.probe.otlp import NotSentError, _taken
from ansible_collections.o11y.opentelemetry.plugins.module_utils._edge.rollout.reasons import LINE_LENGTH

from .fake_api import FakeApi, reply
from .rollout.test_wait import CRASHED, HOMELESS, pod, replica_set, wait, workload
from .test_hostile_cluster import result_of


def cut_secret(longest: int) -> Iterator[str]:
    """Yield texts in which a cut after so many characters, at every place, would divide a secret."""
    for before in range(int(longest * 0.8) - 40, int(longest * 0.8) + 1, 3):
        yield "a" * before + " https://me:hunter2hunter2@host/ " + "b" * longest


def refused(text: str) -> str:
    cluster = FakeApi()
    cluster.trouble = lambda _method, _path: Answered(502, {}, text.encode())
    with pytest.raises(ApiError) as caught:
        cluster.cluster().request("GET", "/api")
    return caught.value.message


def warned(text: str) -> str:
    cluster = FakeApi()
    cluster.trouble = lambda _method, _path: reply({})._replace(headers={"Warning": f'299 - "{text}"'})
    talking = cluster.cluster()
    talking.request("GET", "/api")
    return str(result_of(lambda: {"warnings": [*talking.warnings]}))


def crashed(text: str) -> str:
    made = FakeApi(workload(), replica_set(), pod(**CRASHED))
    made.texts["/api/v1/namespaces/ns/pods/p/log"] = f"Error: {text}"
    return str(result_of(lambda: wait(made)))


def homeless(text: str) -> str:
    saying = {**HOMELESS, "conditions": [{**HOMELESS["conditions"][0], "message": text}]}
    return str(result_of(lambda: wait(FakeApi(workload(), replica_set(), pod(**saying)))))


def not_sent(text: str) -> str:
    with pytest.raises(NotSentError) as caught:
        _taken("https://host/v1/traces", 500, text.encode())
    return str(caught.value)


def recorded(text: str) -> str:
    return str(excerpt(f"ResourceSpans #0 id1\n{text}\n", "traces", "id1"))


@pytest.mark.parametrize("shown", [refused, warned, crashed, homeless, not_sent, recorded])
@pytest.mark.parametrize("longest", [LONGEST, LINE_LENGTH])
def test_secrets_are_masked_before_a_text_is_cut(shown: Callable[[str], str], longest: int) -> None:
    for text in cut_secret(longest):
        assert "hunter2" not in shown(text)
