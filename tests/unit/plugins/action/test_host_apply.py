# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The controller copies a program to a host that asks for it, and to no other."""

from __future__ import annotations

import hashlib
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ansible.errors import AnsibleActionFail
from ansible_collections.o11y.opentelemetry.plugins.action.host_apply import ActionModule

CONTENT = b"an archive"
SUM = hashlib.sha256(CONTENT).hexdigest()
DONE = {"changed": True, "msg": "agent: unit changed by start"}
AWAITED = {"changed": False, "awaited_program": "amd64", "msg": "agent awaits its program"}
SHELL = SimpleNamespace(tmpdir="/tmp/of-the-connection", join_path=lambda *parts: "/".join(parts))


class Recorded(ActionModule):  # type: ignore[misc]
    """The action of a host that answers with these results, and what it was given."""

    def __init__(self, archive: Path, answers: list[dict[str, Any]]) -> None:
        row = {"sha256": SUM, "file": str(archive)}
        self._task = SimpleNamespace(
            args={"bundle": {"name": "agent", "program": {"architectures": {"amd64": row}}}}, async_val=0, diff=False
        )
        self._connection = SimpleNamespace(_shell=SHELL)
        self.answers, self.given, self.copied = answers, [], []

    def _execute_module(self, **call: Any) -> dict[str, Any]:
        self.given.append(call["module_args"]["bundle"]["program"]["architectures"]["amd64"])
        return self.answers.pop(0)

    def _transfer_file(self, here: str, there: str) -> None:
        self.copied.append((here, there))

    def _fixup_perms2(self, _paths: Any) -> None: ...


@pytest.fixture
def archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("ansible.plugins.action.ActionBase.run", lambda *_any: {})
    path = tmp_path / "otelcol.tar.gz"
    path.write_bytes(CONTENT)
    return path


def test_a_host_that_has_the_program_gets_no_copy(archive: Path) -> None:
    action = Recorded(archive, [DONE])
    assert (action.run(), action.copied) == (DONE, [])


def test_a_host_that_asks_gets_the_program_and_the_task_goes_on(archive: Path) -> None:
    action = Recorded(archive, [dict(AWAITED), DONE])
    assert action.run() == DONE
    there = f"{SHELL.tmpdir}/otelcol.tar.gz"
    assert action.copied == [(str(archive), there)]
    assert action.given == [{"sha256": SUM, "file": str(archive)}, {"sha256": SUM, "path": there}]
    assert action._task.args["bundle"]["program"]["architectures"]["amd64"] == {"sha256": SUM, "file": str(archive)}


@pytest.mark.parametrize(
    ("state", "words"), [("present", "Remove it: `ansible-playbook"), ("absent", "old of web1 stays")]
)
def test_a_collector_that_the_inventory_does_not_list_is_a_warning(archive: Path, state: str, words: str) -> None:
    action = Recorded(archive, [{**DONE, "unlisted": ["old"], "warnings": ["one"]}])
    action._task.args["state"] = state
    one, two = action.run(task_vars={"inventory_hostname": "web1"})["warnings"]
    assert (one, words in two) == ("one", True)


def test_a_program_that_is_not_the_asked_one_is_not_copied(archive: Path) -> None:
    archive.write_bytes(b"another archive")
    action = Recorded(archive, [dict(AWAITED)])
    with pytest.raises(AnsibleActionFail, match=f"it has the sum .*, and {SUM} was asked"):
        action.run()
    archive.unlink()
    with pytest.raises(AnsibleActionFail, match="the controller cannot read it: No such file"):
        Recorded(archive, [dict(AWAITED)]).run()
    assert action.copied == []
