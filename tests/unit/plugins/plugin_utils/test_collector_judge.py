# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What collectors count after a sync is judged by what was kept of them before."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Problem
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils import _collector_judge

from .test_wave_gate import SECRET
from .test_wave_gate_clusters import read

UNSEEN = {"name": "obs/agent", "why": "forbidden"}


def member(good: int, bad: int, host: str = "eu", **more: Any) -> dict[str, Any]:
    return {"host": host, "read": {**read(good, bad), **more}}


def synced(good: int, bad: int, host: str = "eu", **more: Any) -> dict[str, Any]:
    """Return what is read of a member that runs another release than before."""
    found = member(good, bad, host, **more)
    rows = [{**row, "release": "def"} for row in found["read"]["collectors"]]
    return {"host": host, "read": {**found["read"], "collectors": rows}}


def keep(folder: Path, *members: dict[str, Any], check: bool = False) -> dict[str, Any]:
    return _collector_judge.keep_figures({"path": str(folder), "members": members}, check=check)


def judge(folder: Path, *members: dict[str, Any], without_data: str = "fail") -> dict[str, Any]:
    given = {"path": str(folder), "members": members, "without_data": without_data}
    return _collector_judge.judge_collectors(given, check=False)


def cases(folder: Path) -> dict[str, bool]:
    """Return for each test case of the JUnit file whether it failed."""
    found = ElementTree.parse(folder / "judge.xml").iter("testcase")
    return {str(case.get("name")): case.find("failure") is not None for case in found}


def test_collectors_that_do_as_well_as_before_pass(tmp_path: Path) -> None:
    keep(tmp_path, member(50, 0), member(50, 0, "us"))
    done = judge(tmp_path, synced(50, 0), synced(50, 0, "us"))
    assert done["verdict"] == "passed"
    assert done["markdown"] == (tmp_path / "judge.md").read_text(encoding="utf-8")
    assert done["markdown"].startswith("# The collectors do as well with the change as before\n")
    assert "- obs/agent on eu, us: compared with the readings before the change" in done["markdown"]
    assert cases(tmp_path) == {"obs/agent on eu, us": False}


@pytest.mark.parametrize("without_data", ["fail", "pass"])
def test_collectors_that_do_worse_fail(tmp_path: Path, without_data: str) -> None:
    keep(tmp_path, member(50, 0))
    with pytest.raises(Problem, match=r"obs/agent on eu: \[exports_fail\]"):
        judge(tmp_path, synced(0, 50), without_data=without_data)
    assert "# The collectors do worse with the change" in (tmp_path / "judge.md").read_text(encoding="utf-8")
    assert cases(tmp_path) == {"obs/agent on eu": True}


@pytest.mark.parametrize(
    ("after", "why"),
    [
        (member(50, 0, collectors=[], unread="forbidden"), "eu was not read: forbidden"),
        (member(50, 0, collectors=[]), "eu runs no collector of the inventory"),
        (member(50, 0, collectors=[], taken=["obs/agent"]), "obs/agent on eu was changed by another run"),
        (member(50, 0, collectors=[], unseen=[UNSEEN]), "obs/agent on eu was not read: forbidden"),
    ],
)
def test_what_was_not_judged_by_data_is_no_success(tmp_path: Path, after: dict[str, Any], why: str) -> None:
    keep(tmp_path, member(50, 0))
    with pytest.raises(Problem) as told:
        judge(tmp_path, after)
    assert why in str(told.value)
    assert all(cases(tmp_path).values())
    with pytest.raises(Problem, match="no collector was read after the sync"):
        judge(tmp_path, after, without_data="pass")


@pytest.mark.parametrize(
    "silent",
    [
        member(50, 0, "us", collectors=[], unread="forbidden"),
        member(50, 0, "us", collectors=[]),
        member(50, 0, "us", collectors=[], taken=["obs/agent"]),
        member(50, 0, "us", collectors=[], unseen=[UNSEEN]),
    ],
)
def test_some_among_others_may_be_without_data(tmp_path: Path, silent: dict[str, Any]) -> None:
    keep(tmp_path, member(50, 0), member(50, 0, "us"))
    with pytest.raises(Problem):
        judge(tmp_path, synced(50, 0), silent)
    assert judge(tmp_path, synced(50, 0), silent, without_data="pass")["verdict"] == "no data"


@pytest.mark.parametrize("without_data", ["fail", "pass"])
def test_without_kept_figures_nothing_is_compared_which_is_no_success(tmp_path: Path, without_data: str) -> None:
    with pytest.raises(Problem, match="no figures were kept before the sync"):
        judge(tmp_path, synced(50, 0), without_data=without_data)
    with pytest.raises(Problem, match="no figures were kept before the sync"):
        judge(tmp_path, member(50, 0, collectors=[], unread="forbidden"), without_data=without_data)
    with pytest.raises(Problem, match="there is no collector"):
        judge(tmp_path, without_data=without_data)


@pytest.mark.parametrize("without_data", ["fail", "pass"])
@pytest.mark.parametrize(
    "after",
    [(member(50, 0, unread="forbidden", collectors=[]), synced(50, 0, "us")), (synced(50, 0, "us"),)],
    ids=["unread beside a new one", "another name"],
)
def test_collectors_of_which_no_figures_were_kept_are_no_success(
    tmp_path: Path, after: tuple[dict[str, Any], ...], without_data: str
) -> None:
    keep(tmp_path, member(50, 0))
    kept = tmp_path / "eu.json"
    members = [*after] if len(after) > 1 else [*after, member(50, 0, collectors=[])]
    assert kept.is_file()
    with pytest.raises(Problem, match="no figures were kept of the collectors that were read after the sync"):
        judge(tmp_path, *members, without_data=without_data)


def test_what_cannot_be_read_is_not_kept(tmp_path: Path) -> None:
    with pytest.raises(Problem, match="eu was not read: forbidden"):
        keep(tmp_path, member(50, 0, unread="forbidden"))
    assert list(tmp_path.iterdir()) == []


def test_a_collector_that_cannot_be_seen_is_missing_beside_others(tmp_path: Path) -> None:
    keep(tmp_path, member(50, 0))
    with pytest.raises(Problem, match="obs/gateway on eu was not read: forbidden"):
        judge(tmp_path, synced(50, 0, unseen=[{**UNSEEN, "name": "obs/gateway"}]))


def test_one_that_cannot_be_read_keeps_no_other_and_loses_its_earlier_figures(tmp_path: Path) -> None:
    keep(tmp_path, member(50, 0), member(50, 0, "us"))
    with pytest.raises(Problem, match="eu was not read: forbidden"):
        keep(tmp_path, member(50, 0, unread="forbidden"), member(50, 0, "asia"))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["asia.json", "us.json"]


@pytest.mark.parametrize("without_data", ["fail", "pass"])
def test_collectors_that_nothing_has_changed_are_no_success(tmp_path: Path, without_data: str) -> None:
    keep(tmp_path, member(50, 0), member(50, 0, "us"))
    with pytest.raises(Problem, match="all collectors run what they ran when the figures were kept"):
        judge(tmp_path, member(50, 0), member(50, 0, "us"), without_data=without_data)
    assert cases(tmp_path)["all collectors run what they ran when the figures were kept"] is True
    assert judge(tmp_path, synced(50, 0), member(50, 0, "us"))["verdict"] == "passed", "one of them was changed"


def test_a_host_that_failed_before_is_in_the_verdict(tmp_path: Path) -> None:
    keep(tmp_path, member(50, 0), member(50, 0, "us"))
    hostvars = {"eu": {_collector_judge.READING_VARIABLE: synced(50, 0)["read"]}, "us": {}}
    found = _collector_judge.list_members({"hostvars": hostvars, "ansible_play_hosts_all": ["eu", "us"]})
    with pytest.raises(Problem, match="us was not read: it failed before, see its message above"):
        judge(tmp_path, *found)
    assert any(cases(tmp_path).values())


def test_the_page_says_when_the_figures_were_kept(tmp_path: Path) -> None:
    keep(tmp_path, member(50, 0))
    page = judge(tmp_path, synced(50, 0))["markdown"]
    assert re.search(r"## Figures of before\n\n- eu: \d{4}-\d\d-\d\dT", page)


def test_figures_have_no_secret_and_check_mode_keeps_none(tmp_path: Path) -> None:
    assert keep(tmp_path, member(50, 0), check=True)["written"] == [str(tmp_path / "eu.json")]
    assert list(tmp_path.iterdir()) == []
    assert keep(tmp_path, member(50, 0))["changed"]
    assert SECRET not in (tmp_path / "eu.json").read_text(encoding="utf-8")


def odd_files() -> list[str]:
    """Return kept figures with one thing of another form each."""
    texts: list[str] = []
    for place, odd in (
        (("config",), [1]),
        (("polls", 0, "at"), float("inf")),
        (("polls", 0, "at"), "now"),
        (("polls", 0, "pods", 0, "counts", 0, 3), "many"),
        (("polls", 0, "pods", 0, "counts", 0, 3), None),
        (("polls", 0, "pods", 0, "restarts"), float("inf")),
        (("polls", 0, "pods"), [1]),
    ):
        row: Any = json.loads(json.dumps(member(50, 0)["read"]["collectors"][0]))
        around = row
        for key in place[:-1]:
            around = around[key]
        around[place[-1]] = odd
        texts.append(json.dumps({"kept": "now", "collectors": [row]}))
    return texts


@pytest.mark.parametrize(
    "text", ["{", "[]", "1", '{"collectors": [1]}', '{"collectors": [{}]}', "[" * 100_000, *odd_files()]
)
def test_a_file_of_something_else_is_an_error_with_its_name(tmp_path: Path, text: str) -> None:
    (tmp_path / "eu.json").write_text(text, encoding="utf-8")
    with pytest.raises(Problem, match=r"eu\.json is no file of kept figures"):
        judge(tmp_path, synced(50, 0))


def test_a_folder_in_place_of_a_file_is_an_error_with_its_name(tmp_path: Path) -> None:
    (tmp_path / "eu.json").mkdir()
    for work in (keep, judge):
        with pytest.raises(Problem, match=r"eu\.json"):
            work(tmp_path, synced(50, 0))
    with pytest.raises(Problem, match=r"cannot remove .*eu\.json"):
        keep(tmp_path, member(50, 0, unread="forbidden"))


@pytest.mark.parametrize("host", ["..", "a/b", "."])
def test_a_host_cannot_lead_out_of_the_folder(tmp_path: Path, host: str) -> None:
    with pytest.raises(Problem, match="has a name that no file can have"):
        keep(tmp_path / "inner", member(50, 0, host))
    assert not list(tmp_path.glob("**/*.json"))
