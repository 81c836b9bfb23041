# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""awx/configure.yml with the real modules of awx.awx, against as much of AWX's API as they ask."""

from __future__ import annotations

import re

from tests.contract.role import ROOT
from tests.contract.test_awx import DATA, MODULES
from tests.support import plays
from tests.support.awx import GATEWAY, serve_awx
from tests.support.awx import ROOT as DIRECT

# Where AWX keeps what each list describes.
COLLECTIONS = {name: name.removeprefix("controller_") for name in MODULES} | {"controller_templates": "job_templates"}


def configure(host: str, *arguments: str, **gateway: str) -> str:
    playbook = str(ROOT / "awx" / "configure.yml")
    settings = {"CONTROLLER_HOST": host, "CONTROLLER_OAUTH_TOKEN": "token", **gateway}
    run = plays.run_playbook(playbook, "-e", "awx_organization=Ours", *arguments, **settings)
    assert run.returncode == 0, run.stdout + run.stderr
    return run.stdout


def changes_nothing(output: str) -> bool:
    return bool(re.search(r"changed=0 .*failed=0", output))


def test_everything_is_made_and_a_second_run_through_the_gateway_changes_nothing() -> None:
    with serve_awx() as (host, store):
        first = configure(host)
        for name, collection in COLLECTIONS.items():
            wanted = {item["name"].replace("{{ awx_organization }}", "Ours") for item in DATA[name]}
            assert wanted <= store.named(collection)
        surveys = [item for item in DATA["controller_templates"] if "survey_spec" in item]
        assert len(store.surveys) == len(surveys)
        made = len(store.writes)
        assert store.roots == {DIRECT}
        store.roots.clear()
        second = configure(host, CONTROLLER_OPTIONAL_API_URLPATTERN_PREFIX="/api/controller/")
        assert store.roots == {GATEWAY}
    assert not re.search(r"changed=0 ", first)
    assert changes_nothing(second), second
    assert store.writes[made:] == []
    (made,) = store.find_objects("credential_types", {"name": "OpenTelemetry kubeconfig"})
    assert made["injectors"]["env"] == {"K8S_AUTH_KUBECONFIG": "{{ tower.filename }}"}
    assert made["injectors"]["file"] == {"template": "{{ kubeconfig }}"}
