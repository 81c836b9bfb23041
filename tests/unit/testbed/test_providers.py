# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which provider is chosen, and when a cluster of the user is one."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from tests.support.cases import cases
from tests.testbed import providers
from tests.testbed.cluster import Cluster, Record
from tests.testbed.errors import Reason, UnavailableError
from tests.testbed.home import Home
from tests.testbed.providers import PROVIDERS, choose_provider, find_foreign_kubeconfig


def _table(**lacking: Reason | None) -> dict[str, providers.Provider]:
    """The real providers, with what each lacks given by the test."""
    table = dict(PROVIDERS)
    for name, reason in lacking.items():
        table[name] = replace(table[name], lacks=partial(_lacks, reason))
    return table


def _lacks(reason: Reason | None, _home: Home, _environment: Mapping[str, str]) -> Reason | None:
    return reason


NO = Reason("it is not there", "get it")


@cases("external, kind, chosen", (None, None, "external"), (NO, None, "kind"), (NO, NO, "embedded"))
def test_the_first_that_lacks_nothing_is_chosen(
    home: Home, external: Reason | None, kind: Reason | None, chosen: str
) -> None:
    assert (
        choose_provider(Cluster(home, "o11y"), {}, _table(external=external, kind=kind, embedded=None)).name == chosen
    )


def test_a_cluster_stays_with_its_provider(home: Home) -> None:
    cluster = Cluster(home, "o11y")
    cluster.write_record(Record("embedded", 3))
    assert choose_provider(cluster, {}, _table(external=NO, kind=None, embedded=None)).name == "embedded"


def test_without_any_every_reason_and_remedy_is_told(home: Home) -> None:
    table = _table(external=Reason("why 1", "do 1"), kind=Reason("why 2", "do 2"), embedded=Reason("why 3", "do 3"))
    with pytest.raises(UnavailableError) as caught:
        choose_provider(Cluster(home, "o11y"), {}, table)
    assert caught.value.exit_code == 3
    for number, name in enumerate(["external", "kind", "embedded"], 1):
        assert f"{name}: why {number}" in str(caught.value)
        assert f"{name}: do {number}" in str(caught.value)


def test_our_own_kubeconfig_is_not_somebody_elses(home: Home, tmp_path: Path) -> None:
    ours, theirs = str(home.clusters / "tb" / "kubeconfig"), str(tmp_path / "config")
    assert find_foreign_kubeconfig(home, {}) is None
    for given, foreign in (("", None), (ours, None), (theirs, theirs), (f"{ours}:{theirs}", f"{ours}:{theirs}")):
        assert find_foreign_kubeconfig(home, {"KUBECONFIG": given}) == foreign


@pytest.mark.parametrize(("provider", "needed"), [("embedded", "root"), ("kind", "kind")])
def test_a_provider_says_what_it_needs(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, provider: str, needed: str
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(sys, "platform", "linux")
    reason = PROVIDERS[provider].lacks(home, {"PATH": str(tmp_path)})
    assert reason is not None
    assert needed in reason.why


ASKED = {"O11Y_TESTBED_PROVIDER": "external", "O11Y_TESTBED_CONTEXT": "prod"}


@cases(
    "asked, why",
    (ASKED, None),
    ({}, "O11Y_TESTBED_PROVIDER does not ask for it"),
    ({"O11Y_TESTBED_CONTEXT": "prod"}, "O11Y_TESTBED_PROVIDER does not ask for it"),
    ({**ASKED, "O11Y_TESTBED_PROVIDER": "kind"}, "O11Y_TESTBED_PROVIDER does not ask for it"),
    ({**ASKED, "O11Y_TESTBED_CONTEXT": "dev"}, "its context is prod, and O11Y_TESTBED_CONTEXT is dev"),
    ({"O11Y_TESTBED_PROVIDER": "external"}, "its context is prod, and O11Y_TESTBED_CONTEXT is not set"),
)
def test_a_cluster_of_the_user_is_used_only_if_asked_for_by_name(
    home: Home, theirs: str, asked: dict[str, str], why: str | None
) -> None:
    reason = PROVIDERS["external"].lacks(home, {"KUBECONFIG": theirs, **asked})
    assert (reason is None) == (why is None)
    if reason and why:
        assert why in reason.why
        assert "O11Y_TESTBED_PROVIDER=external O11Y_TESTBED_CONTEXT=prod" in reason.do


def test_neither_our_cluster_nor_a_kubeconfig_without_a_context_is_the_users(
    home: Home, theirs: str, tmp_path: Path
) -> None:
    external = PROVIDERS["external"]
    assert external.lacks(home, {"KUBECONFIG": str(home.clusters / "tb" / "kubeconfig"), **ASKED}) is not None
    (tmp_path / "programs" / "kubectl").write_text("#!/bin/sh\necho 'error: current-context is not set'; exit 1\n")
    reason = external.lacks(home, {"KUBECONFIG": theirs, **ASKED, "O11Y_TESTBED_CONTEXT": ""})
    assert reason is not None
    assert "current-context is not set" in reason.why


def test_tests_keep_the_context_that_was_checked(home: Home, theirs: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"KUBECONFIG": theirs, **ASKED}.items():
        monkeypatch.setenv(name, value)
    external, cluster = PROVIDERS["external"], Cluster(home, "o11y")
    external.up(cluster)
    assert external.missing(cluster) is None
    variables = external.variables(cluster)
    copy = Path(variables["KUBECONFIG"])
    assert variables["O11Y_TESTBED_NODE_IPS"] == "10.0.0.1"
    assert copy.is_relative_to(home.root)
    assert (copy.read_text(), stat.S_IMODE(copy.stat().st_mode)) == ("{a copy of: prod}\n", 0o600)
    log = Path(theirs).with_name("kubectl.log").read_text().splitlines()
    assert [line for line in log if " get " in line and str(copy) not in line] == []
    # A shell with the variables of `env` is still on the user's cluster.
    monkeypatch.setenv("KUBECONFIG", str(copy))
    assert external.lacks(home, os.environ) is None
    assert external.variables(cluster) == variables
    external.down(cluster)
    assert not copy.exists()
