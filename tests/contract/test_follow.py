# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How the tables follow releases: answers of a later release join those before, and refused modules are named."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.catalogue.catalogue import Catalogue

from tests.support.checkout import import_tools_from_checkout

with import_tools_from_checkout():
    from tools.catalogue import fields, release_files
    from tools.follow import __main__ as follow
    from tools.follow import collector, proxy, report

OLD = {"endpoint": "s", "timeout": "dsi", "tls": {"insecure": "b"}}
RENAMED = {"endpoint": "s", "timeout": "s", "tls": {"insecure": "b", "ca_file": "s"}, "keepalive": {"enabled": "b"}}
LAX = {**OLD, "...": "", "tls": {"insecure": "b", "...": ""}}
CORE = "go.opentelemetry.io/collector/exporter/otlpexporter"


def joined(*answers: tuple[str, Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the rows of one exporter, asked at these versions."""
    told = [{"version": version, "fields": {"exporters/acme": settings}} for version, settings in answers]
    return fields.join_answers({}, told)["exporters/acme"]


def known_at(version: str, *answers: tuple[str, Mapping[str, Any]]) -> Any:
    """Return the settings at a version, with the doubt about them, as the rules get them."""
    catalogue = Catalogue([], [], field_rows=joined(*answers))
    row = catalogue.find_nearest_fields("exporters", "acme", version)
    exact = catalogue.find_fields("exporters", "acme", version)
    assert row is not None and exact is not None
    return exact["fields"], row["doubt"]


def test_equal_answers_hold_for_all_releases_between_them() -> None:
    assert [row["exact"] for row in joined(("0.158.0", OLD), ("0.165.0", OLD))] == ["0.158.0..0.166.0"]


def test_another_answer_begins_a_row() -> None:
    rows = joined(("0.158.0", OLD), ("0.159.0", RENAMED))
    assert [(row["exact"], row["fields"], row.get("more")) for row in rows] == [
        ("0.158.0..0.159.0", OLD, None),
        ("0.159.0..0.160.0", RENAMED, None),
    ]


@pytest.mark.parametrize(
    ("version", "timeout", "ca_file"),
    [("0.158.3", "dsi", None), ("0.161.0", "?", "s"), ("0.165.0", "s", "s"), ("0.170.0", "s", "s")],
)
def test_a_release_between_two_answers_may_have_what_either_has(version: str, timeout: str, ca_file: str) -> None:
    settings, _doubt = known_at(version, ("0.158.0", OLD), ("0.165.0", RENAMED))
    assert settings["timeout"] == timeout
    assert settings["tls"].get("ca_file") == ca_file


@pytest.mark.parametrize(
    ("version", "lax"), [("0.158.0", None), ("0.160.0", "ignored"), ("0.163.0", "ignored"), ("0.165.0", None)]
)
def test_a_release_that_ignores_unknown_keys_is_marked(version: str, lax: str | None) -> None:
    settings, _doubt = known_at(version, ("0.158.0", OLD), ("0.160.0", LAX), ("0.162.0", LAX), ("0.165.0", OLD))
    assert (settings.get("..."), settings["tls"].get("...")) == (lax, lax)


def test_a_place_that_was_always_open_is_not_marked() -> None:
    settings, _doubt = known_at("0.160.0", ("0.158.0", LAX), ("0.160.0", LAX))
    assert settings["..."] == ""


def test_a_newer_release_than_all_answers_is_judged_by_the_last_one() -> None:
    _settings, doubt = known_at("0.170.0", ("0.158.0", OLD), ("0.165.0", RENAMED))
    assert doubt == "by the settings of 0.165.0, the nearest known version"


def test_a_second_answer_for_a_release_replaces_the_first() -> None:
    [row] = joined(("0.158.0", OLD), ("0.158.0", RENAMED))
    assert row["fields"] == RENAMED


def test_releases_that_the_tables_lack() -> None:
    rows = [{"section": "service", "type": "telemetry", "exact": f"{since}..{end}"} for since, end in SPANS]
    assert follow.list_missing_releases(rows, ["v0.159.0", "v0.160.0", "v0.160.1", "v0.161.0"]) == [
        "v0.160.0",
        "v0.161.0",
    ]
    assert "The tables lack v0.160.0 of the Collector" in follow.describe_state(rows, ["v0.160.0"])
    assert "before 0.160.0 are known" in follow.describe_state(rows, [])


SPANS = (("0.155.0", "0.159.0"), ("0.159.0", "0.160.0"))


def test_a_proxy_that_does_not_answer_is_no_failure(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(proxy, "list_releases", lambda _module: _refuse("no such host"))
    assert follow.main([]) == 0
    assert capsys.readouterr().out == "The releases of the Collector could not be read: no such host\n"
    assert follow.main(["--update"]) == 2


def test_announcements_that_cannot_be_read_are_a_failure(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(proxy, "download_modules", lambda _modules: iter([{"Error": "not found"}]))
    assert follow.main(["--announced", "v0.999.0"]) == 2
    assert capsys.readouterr().out == "error: What v0.999.0 deprecates and plans could not be read: not found\n"


def _refuse(why: str) -> list[str]:
    raise proxy.RefusedModule(why)


def test_the_report_names_what_is_new_gone_and_refused() -> None:
    before, after = joined(("0.158.0", OLD)), joined(("0.158.0", OLD), ("0.159.0", RENAMED))
    asked = collector.Collector(Path("/"), "v0.159.0", {CORE: "exporters"}, {f"{CORE}/gone": "refused"})
    told = report.describe_release(asked, before, after, ["- exporters/acme: signals"])
    assert "new: keepalive, tls.ca_file; another shape: timeout" in told
    for old, new, says in ((OLD, LAX, "takes"), (LAX, OLD, "refuses")):
        before, after = joined(("0.158.0", old)), joined(("0.158.0", old), ("0.159.0", new))
        assert f"- exporters/acme: {says} unknown keys now: all of it, tls" in report.describe_release(
            asked, before, after, []
        )
    assert "1 components were asked. 1 are refused, and keep their rows: gone." in told


def test_signals_that_differ_are_named() -> None:
    rows = [{"section": "exporters", "type": "acme", "stability": {"0.110.0": {"traces": "beta"}}}]
    assert list(report.list_other_signals(rows, {"exporters/acme": {"traces": "beta"}})) == []
    [line] = report.list_other_signals(rows, {"exporters/acme": {"traces": "stable"}})
    assert "exporters/acme: signals are {'traces': 'stable'}" in line


def test_renames_that_the_tables_lack_are_named() -> None:
    rows = [{"section": "exporters", "type": "acme", "was": "acmeexporter"}]
    assert list(report.list_other_names(rows, {"exporters/acmeexporter": "acme"})) == []
    [line] = report.list_other_names(rows, {"receivers/acmereceiver": "acme"})
    assert line.startswith("- receivers/acmereceiver is called acme")


REFUSAL = "reading https://proxy.example/@v/a.zip: 403 Forbidden"


class Go:
    """Answers as `go` does for a Collector of which a module of another project, and one of its own, are refused."""

    def __init__(self, selected: str = "") -> None:
        self.commands: list[str] = []
        self.selected = selected

    def __call__(self, *words: str, folder: Path = Path("/"), **_check: bool) -> subprocess.CompletedProcess[str]:
        self.commands.append(" ".join(words))
        listed = self.commands[-1].startswith("list -e -deps")
        required = self.commands[-3] if listed else ""
        errors = [
            f"""{{"ImportPath": "{package}", "Error": {{"ImportStack": ["main", "{CORE}{end}"],
            "Err": "{module}@v1.2.1-0.2026: {REFUSAL}"}}}}"""
            for end, package, module in (("", "acme.example/x", "acme.example"), ("/b", "b/c", f"{CORE}/c"))
            if f"{CORE}{end}@" in required and f"-replace={module}=" not in required
        ]
        if words[:2] == ("mod", "init"):
            (folder / "go.mod").write_text(f"require (\n\t{self.selected}\n)\n", encoding="utf-8")
        return subprocess.CompletedProcess(words, 0, "\n".join(errors), "")


def answering(monkeypatch: pytest.MonkeyPatch, go: Go) -> Go:
    """Let `go` answer for release v0.159.0."""
    monkeypatch.setattr(collector, "run_go", go)
    monkeypatch.setattr(proxy, "find_stable_version", lambda _version: "v1.65.0")
    return go


def test_a_stable_module_of_contrib_has_a_version_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    go = answering(monkeypatch, Go(f"{CORE} v0.159.0"))
    needs = {"v1.0.0": "v1.64.0", "v1.1.0": "v1.65.0", "v1.1.1": "v1.65.0", "v1.2.0": "v1.66.0"}
    module = "contrib/processor/acmeprocessor"
    path = f"{release_files.GO_MODULES['contrib/']}processor/acmeprocessor"

    def downloaded(asked: Any) -> Any:
        for one in asked:
            version = one.partition("@")[2]
            (tmp_path / version).write_text(
                f"require (\n\tgo.opentelemetry.io/collector/component {needs.get(version)}\n)\n"
            )
            more = {"GoMod": str(tmp_path / version)} if version in needs else {"Error": "not found"}
            yield {"Path": path, "Version": version, **more}

    monkeypatch.setattr(proxy, "download_modules", downloaded)
    monkeypatch.setattr(proxy, "list_releases", lambda _module: ["v0.158.0", *needs])
    asked = collector.prepare_collector(tmp_path / "built", "v0.159.0", [("processors", module)])
    assert (asked.version_by_stable_module, asked.refusal_by_module) == ({path: "v1.1.0"}, {})
    asked.build_program()
    assert f"-require={path}@v1.1.0" in " ".join(go.commands)
    assert f"gomod: {path} v1.1.0" in " ".join((asked.folder / "manifest.yaml").read_text().split())
    monkeypatch.setattr(proxy, "find_stable_version", lambda _version: "v1.99.0")
    assert list(collector.prepare_collector(tmp_path, "v0.159.0", [("processors", module)]).refusal_by_module) == [path]


@pytest.mark.parametrize("later", ["go.opentelemetry.io/collector/confmap v1.66.0", f"{CORE} v0.160.1 // indirect"])
def test_an_answer_is_of_one_release(later: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answering(monkeypatch, Go(later))
    with pytest.raises(proxy.RefusedModule, match="requires modules of a later release: "):
        collector.Collector(tmp_path, "v0.159.0", {CORE: "exporters"}).build_program()


def test_a_refused_module_of_others_is_replaced_and_one_of_the_collector_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    go = answering(monkeypatch, Go(f"{CORE} v0.159.0"))
    monkeypatch.setattr(proxy, "list_releases", lambda _module: ["v1.1.0", "v1.2.0", "v1.3.0"])
    asked = collector.Collector(tmp_path, "v0.159.0", {CORE: "exporters", f"{CORE}/b": "exporters"})
    asked.build_program()
    assert asked.release_by_module == {"acme.example": "v1.2.0"}
    assert list(asked.section_by_module) == [CORE]
    assert list(asked.refusal_by_module) == [f"{CORE}/b"]
    assert go.commands[-1].startswith("build ")
    again = collector.Collector(tmp_path, "v0.159.0", {CORE: "exporters", f"{CORE}/b": "exporters"})
    monkeypatch.setattr(collector, "run_go", _refuse)
    again.build_program()
    assert (again.section_by_module, again.refusal_by_module, again.release_by_module) == (
        asked.section_by_module,
        asked.refusal_by_module,
        asked.release_by_module,
    )
