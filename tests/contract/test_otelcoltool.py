# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The command otelcoltool, built as a wheel, installed without Ansible, and used from outside of the checkout."""

from __future__ import annotations

import json
import os
import re
import subprocess
import tomllib
import xml.etree.ElementTree as ET
from collections.abc import Iterator

import pytest
import yaml

from tests.support.collectors import find_newest_build

from .installed_tool import Tool, installed
from .role import ROOT

CLEAN, FOUND, UNUSABLE = 0, 1, 2
GOOD = """\
receivers: {otlp: {protocols: {grpc: {endpoint: "localhost:4317"}}}}
exporters: {debug: {}}
service: {pipelines: {traces: {receivers: [otlp], exporters: [debug]}}}
"""
BAD = GOOD.replace("exporters: [debug]", "exporters: [debgu]")
SECRET = "hunter2-correct-horse"
TOLD_SECRET = BAD.replace("debug: {}", f"debug: {{}}, otlp_http: {{headers: {{authorization: Bearer {SECRET}}}}}")
CONFIG_MAP = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata:\n  relay.yaml: |\n" + re.sub(
    "^", "    ", BAD, flags=re.MULTILINE
)
RESOURCE = (
    "apiVersion: opentelemetry.io/v1beta1\nkind: OpenTelemetryCollector\nmetadata: {name: c}\nspec:\n  config:\n"
    + re.sub("^", "    ", BAD, flags=re.MULTILINE)
)


@pytest.fixture(scope="module")
def tool(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tool]:
    with installed(tmp_path_factory.mktemp("otelcoltool")) as made:
        yield made


def test_the_wheel_needs_pyyaml_alone_and_has_the_version_of_the_collection(tool: Tool) -> None:
    assert tool.packages() == {"otelcoltool", "pyyaml"}
    version = yaml.safe_load((ROOT / "galaxy.yml").read_text())["version"]
    assert tool.run("--version").stdout == f"otelcoltool {version}\n"


def test_a_run_of_its_own_process_says_what_a_fork_says(tool: Tool) -> None:
    """The other tests take forks of one process, which has imported the command."""
    tool.write("started.yaml", BAD)
    for words in (("--version",), ("validate", "started.yaml"), ("validate", "absent.yaml"), ("explain", "clear-txt")):
        started, forked = tool.start(*words), tool.run(*words)
        assert (started.returncode, started.stdout, started.stderr) == (
            forked.returncode,
            forked.stdout,
            forked.stderr,
        )


def test_every_file_of_the_wheel_is_one_of_the_collection_or_of_the_command(tool: Tool) -> None:
    (package,) = tool.environment.glob("lib/python3*/site-packages/otelcoltool")
    source = ROOT / "otelcoltool" / "src" / "otelcoltool"
    names = [path.relative_to(package) for path in package.rglob("*") if path.is_file() and path.suffix != ".pyc"]
    assert names
    assert [str(name) for name in names if (source / name).read_bytes() != (package / name).read_bytes()] == []
    for room in ("module_utils/_otelcol", "plugin_utils/_otelcol"):
        ours = {path.relative_to(ROOT / "plugins") for path in (ROOT / "plugins" / room).rglob("*.[pjy]*[nyl]")}
        assert {str(path) for path in ours} <= {str(name) for name in names}


@pytest.mark.parametrize(("text", "code"), [(GOOD, CLEAN), (BAD, FOUND), (CONFIG_MAP, FOUND), (RESOURCE, FOUND)])
def test_validate_reads_files_folders_and_the_standard_input(tool: Tool, text: str, code: int) -> None:
    file = tool.write(f"read/{len(text)}/c.yaml", text)
    for words, stdin in (([str(file)], ""), ([str(file.parent)], ""), (["-"], text)):
        done = tool.run("validate", *words, stdin=stdin)
        assert done.returncode == code, done
        assert ("undefined-reference" in done.stdout) == (code == FOUND), done
        assert "1 config checked for contrib" in done.stdout


def test_a_finding_of_the_standard_input_has_its_line(tool: Tool) -> None:
    assert "stdin:3:63 service.pipelines.traces.exporters[0]: error" in tool.run("validate", "-", stdin=BAD).stdout


def test_each_format_is_what_its_readers_take(tool: Tool) -> None:
    def report(name: str) -> str:
        return tool.run("validate", "--format", name, "-", stdin=BAD).stdout

    assert json.loads(report("json"))["counts"]["error"] == 1
    results = json.loads(report("sarif"))["runs"][0]["results"]
    assert "undefined-reference" in {result["ruleId"] for result in results}
    assert ET.fromstring(report("junit")).find(".//failure") is not None
    assert "::error file=stdin,line=3,col=63,title=undefined-reference::" in report("github")


def test_a_report_in_a_file_leaves_the_text_on_the_screen(tool: Tool) -> None:
    done = tool.run("validate", "-", "--format", "sarif", "--output-path", "report.sarif", stdin=BAD)
    assert "error [undefined-reference]" in done.stdout
    assert json.loads((tool.folder / "report.sarif").read_text())["version"] == "2.1.0"


def test_options_are_those_of_the_module(tool: Tool) -> None:
    def code(*words: str) -> int:
        return tool.run("validate", "-", *words, stdin=BAD).returncode

    assert code("--fail-on", "never") == CLEAN
    assert code("--severities", "undefined-reference=warning") == CLEAN
    assert code("--severities", "undefined-reference=warning", "--fail-on", "warning") == FOUND
    assert code("--suppressions", "rule=undefined-reference,reason=a test") == CLEAN
    assert code("--suppressions", "{rule: undefined-reference, path: 'exporters.*', reason: elsewhere}") == FOUND
    tool.write("options.yml", "severities: {undefined-reference: 'off'}\nfail_on: warning\n")
    assert code("--options", "options.yml") == CLEAN
    assert code("--options", "options.yml", "--severities", "clear-text=off") == FOUND
    assert "k8s 0.150.0" in tool.run("validate", "-", "--distribution=k8s", "--version=0.150.0", stdin=GOOD).stdout


OWN_RULE = """\
rules:
  - id: acme-debug
    severity: error
    path: exporters.*
    types: [debug]
    require: {.: {present: false}}
    message: "'{name}' is not for us"
    fix: Remove it.
    examples: {good: [exporters: {otlp: }], bad: [exporters: {debug: }]}
"""


def test_rules_of_users_are_judged_and_can_be_checked_alone(tool: Tool) -> None:
    tool.write("rules.yml", OWN_RULE)
    done = tool.run("validate", "-", "--rule-paths", "rules.yml", stdin=GOOD)
    assert done.returncode == FOUND
    assert "error [acme-debug] 'debug' is not for us. Remove it." in done.stdout
    alone = tool.run("validate", "--rule-paths", "rules.yml")
    assert alone.returncode == CLEAN
    assert alone.stdout.endswith("1 rule of your own is well-formed, and its 2 examples hold\n"), alone
    tool.write("rules.yml", OWN_RULE.replace("good: [exporters: {otlp", "good: [exporters: {debug"))
    broken = tool.run("validate", "--rule-paths", "rules.yml")
    assert broken.returncode == UNUSABLE
    assert "this example is good, and the rule finds a fault at 'exporters.debug'" in broken.stderr


OLD = """\
receivers: {otlp: {protocols: {grpc: {endpoint: "localhost:4317"}}}}
exporters:
  otlphttp: {endpoint: "https://a.example.com"}  # kept
service: {pipelines: {traces: {receivers: [otlp], exporters: [otlphttp]}}}
"""


def test_migrate_writes_files_and_keeps_comments(tool: Tool) -> None:
    file = tool.write("old/agent.yaml", OLD)
    looked = tool.run("migrate", "--check", "--diff", "old", "--version", "0.158.0")
    assert looked.returncode == FOUND and "+  otlp_http: {" in looked.stdout, looked
    assert file.read_text() == OLD
    done = tool.run("migrate", "old", "--version", "0.158.0")
    assert done.returncode == CLEAN and "old/agent.yaml:3 exporters.otlphttp: otlphttp → otlp_http." in done.stdout, (
        done
    )
    assert file.read_text() == OLD.replace("otlphttp", "otlp_http")
    assert tool.run("migrate", "--check", "old", "--version", "0.158.0").returncode == CLEAN


def test_migrate_is_a_filter_and_says_what_is_left_to_do(tool: Tool) -> None:
    done = tool.run("migrate", "-", "--version", "0.158.0", stdin=OLD.replace("[otlphttp]", "[otlphttp, absent]"))
    assert done.stdout == OLD.replace("[otlphttp]", "[otlp_http, absent]").replace("otlphttp", "otlp_http")
    assert done.returncode == FOUND and "stdin:4 service.pipelines.traces.exporters[1]: to do by hand" in done.stderr


def test_code_hosts_show_what_a_migration_changes_and_what_is_left_to_do(tool: Tool) -> None:
    tool.write("shown/agent.yaml", OLD.replace("[otlphttp]", "[otlphttp, absent]"))
    words = ("migrate", "--check", "shown", "--version", "0.158.0", "--format")
    looked = tool.run(*words, "github")
    assert looked.returncode == FOUND
    assert "::warning file=shown/agent.yaml,line=3,title=migration::exporters.otlphttp: otlphttp → otlp_http." in (
        looked.stdout
    )
    assert "::error file=shown/agent.yaml,line=4,title=manual-migration::" in looked.stdout
    refused = tool.run("migrate", "shown", "--version", "0.158.0", "--format", "github")
    assert refused.returncode == UNUSABLE and "Give --check too." in refused.stderr
    assert tool.run("migrate", "--check", "shown/agent.yaml", "--version", "0.100.0", "--format", "github").stdout
    (run,) = json.loads(tool.run(*words, "sarif").stdout)["runs"]
    assert {(result["ruleId"], result["level"]) for result in run["results"]} == {
        ("migration", "warning"),
        ("manual-migration", "error"),
    }


def test_rules_are_data_for_programs(tool: Tool) -> None:
    rows = json.loads(tool.run("explain", "--format", "json").stdout)
    assert [f"{row['id']} {row['severity']} {row['finds']}" for row in rows] == [
        " ".join(line.split()) for line in tool.run("explain").stdout.splitlines()
    ]
    shown = json.loads(tool.run("explain", "clear-text", "--format", "json").stdout)
    assert shown["id"] == "clear-text" and "```yaml" in shown["explanation"]


def test_explain_says_what_the_page_of_rules_says(tool: Tool) -> None:
    page = (ROOT / "docs" / "rules.md").read_text()
    listed = tool.run("explain").stdout.splitlines()
    assert len(listed) > 100
    for rule in ("clear-text", "undefined-reference", listed[0].split()[0]):
        shown = tool.run("explain", rule).stdout
        _name, _blank, *body = shown.strip().splitlines()
        assert "\n".join(body) in page and "```yaml" in shown and "\n##" not in shown
    assert "Text that is not YAML." in tool.run("explain", "invalid-yaml").stdout
    unknown = tool.run("explain", "clear-txt")
    assert unknown.returncode == UNUSABLE and "did you mean 'clear-text'?" in unknown.stderr


def test_the_hook_of_pre_commit_installs_the_command_alone_and_checks_the_files_that_it_is_given(tool: Tool) -> None:
    (hook,) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
    (folder,) = hook["additional_dependencies"]
    assert (ROOT / folder / "pyproject.toml").is_file()
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert "dependencies" not in {*project, *project["dynamic"]}, "pre-commit installs them for the hook"
    program, *words = hook["entry"].split()
    assert program == "otelcoltool" and hook["language"] == "python"
    tool.write("hook/good.yaml", GOOD)
    protocols = '{protocols: {grpc: {endpoint: "localhost:4317"}}}'
    tool.write("hook/bad.yaml", GOOD.replace(protocols, "{}").replace("otlp", "zipkin"))
    assert tool.run(*words, "hook/good.yaml").returncode == CLEAN
    refused = tool.run(*words, "--distribution=otlp", "hook/good.yaml", "hook/bad.yaml")
    assert refused.returncode == FOUND and "otlp 0.158.0 has no receiver 'zipkin'" in refused.stdout, refused


SUITE = """\
config: agent.yaml
tests:
  - {name: A span arrives, given: {to: otlp, spans: [{name: SENT}]}, expect: {debug: {spans: [{name: pay}]}}}
"""


def test_tests_of_configs_need_a_collector_and_say_so(tool: Tool) -> None:
    tool.write("suite/agent.yaml", GOOD)
    tool.write("suite/agent_test.yml", SUITE.replace("SENT", "pay"))
    done = tool.run("test", "suite")
    assert done.returncode == UNUSABLE
    assert "PATH has no program otelcol-contrib (at suite/agent_test.yml)" in done.stderr, done
    assert "on this machine" in done.stderr and "Traceback" not in done.stderr


def test_the_command_runs_tests_of_configs_with_a_real_collector(tool: Tool) -> None:
    program = find_newest_build()
    if program is None:
        pytest.skip("the testbed has built no Collector here: python -m tests.testbed up builds it")
    for sent, code in (("pay", CLEAN), ("other", FOUND)):
        tool.write("suite/agent.yaml", GOOD)
        tool.write("suite/agent_test.yml", SUITE.replace("SENT", sent))
        done = tool.run("test", "suite", "--binary", str(program), "--output-path", "report.xml")
        assert done.returncode == code, done
        assert ("1 of 1 tests passed" in done.stdout) == (code == CLEAN), done
        assert (ET.parse(tool.folder / "report.xml").find(".//failure") is None) == (code == CLEAN)


VALUES = "image: {repository: otel}\nservice: {port: 80}\n"


def test_the_hook_skips_files_whose_names_alone_match_and_names_them(tool: Tool) -> None:
    (hook,) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
    words = hook["entry"].split()[1:]
    for name, text in (("values-otel", VALUES), ("empty-otel", ""), ("template-otel", "a: {{ .Values.a }}\n")):
        tool.write(f"hook/{name}.yaml", text)
    alone = tool.run(*words, "hook/values-otel.yaml", "hook/empty-otel.yaml", "hook/template-otel.yaml")
    assert alone.returncode == CLEAN, alone
    assert "3 files skipped and not checked." in alone.stderr
    assert "hook/values-otel.yaml is no config of a Collector." in alone.stderr
    tool.write("hook/bad-otel.yaml", BAD)
    assert tool.run(*words, "hook/values-otel.yaml", "hook/bad-otel.yaml").returncode == FOUND
    tool.write("hook/broken-otel.yaml", BAD.replace("[otlp]", "[otlp"))
    assert tool.run(*words, "hook/broken-otel.yaml").returncode == FOUND
    assert tool.run("validate", "hook/values-otel.yaml").returncode == FOUND, "who names a file means it"


def test_files_and_the_standard_input_are_merged_in_the_order_in_which_they_are_given(tool: Tool) -> None:
    tool.write("merge/base.yaml", BAD)
    last = "service: {pipelines: {traces: {exporters: [debug]}}}\n"
    assert tool.run("validate", "merge/base.yaml", "-", "--merge", stdin=last).returncode == CLEAN
    assert tool.run("validate", "-", "merge/base.yaml", "--merge", stdin=last).returncode == FOUND


def test_a_second_opinion_that_nobody_can_give_is_told(tool: Tool) -> None:
    done = tool.run("validate", "-", "--binary", "auto", stdin=GOOD)
    assert done.returncode == CLEAN
    assert "no Collector validated 1 config: PATH has no program otelcol-contrib." in done.stderr
    assert "no Collector" not in tool.run("validate", "-", stdin=GOOD).stderr


@pytest.mark.parametrize("words", [("validate",), ("migrate", "--check")])
def test_what_a_command_does_not_read_in_a_folder_is_named(tool: Tool, words: tuple[str, ...]) -> None:
    tool.write("partly/good.yaml", GOOD)
    tool.write("elsewhere/bad.yaml", BAD)
    (tool.folder / "partly" / "latin.yaml").write_bytes("# é\na: 1\n".encode("latin-1"))
    link = tool.folder / "partly" / "linked"
    if not link.is_symlink():
        link.symlink_to(tool.folder / "elsewhere")
    done = tool.run(*words, "partly")
    assert done.returncode == CLEAN, done
    assert "cannot read partly/latin.yaml" in done.stderr
    assert "partly/linked is a link to a folder, and was not followed." in done.stderr


OUTPUTS = {
    ("validate", "kept/agent.yaml", "--output-path", "kept/agent.yaml"): "`output_path` is kept/agent.yaml",
    ("validate", "kept", "--output-path", "kept/linked.txt"): "`output_path` is kept/linked.txt, which was read",
    ("validate", "kept", "--rule-paths", "rules", "--output-path", "rules/r.yml"): "`output_path` is rules/r.yml",
    ("validate", "kept", "--options", "o.yml", "--output-path", "o.yml"): "`output_path` is o.yml, which was read",
    ("migrate", "kept", "--dest", "kept/values.yaml"): "`dest` is kept/values.yaml, which was read",
    ("test", "suite", "--output-path", "suite/agent_test.yml"): "`output_path` is suite/agent_test.yml, which was",
    ("test", "suite", "--output-path", "suite/agent.yaml"): "`output_path` is suite/agent.yaml, which was read",
}


@pytest.mark.parametrize("words", OUTPUTS, ids=" ".join)
def test_what_was_read_is_never_replaced_by_a_report(tool: Tool, words: tuple[str, ...]) -> None:
    texts = {"kept/agent.yaml": OLD, "kept/values.yaml": VALUES, "rules/r.yml": OWN_RULE, "o.yml": "profile: default\n"}
    texts |= {"suite/agent.yaml": GOOD, "suite/agent_test.yml": SUITE}
    files = {name: tool.write(name, text) for name, text in texts.items()}
    link = tool.folder / "kept" / "linked.txt"
    if not link.is_symlink():
        link.symlink_to("agent.yaml")
    done = tool.run(*words)
    assert done.returncode == UNUSABLE, done
    assert OUTPUTS[words] in done.stderr
    assert {name: file.read_text() for name, file in files.items()} == texts


def test_a_report_of_an_earlier_run_is_replaced(tool: Tool) -> None:
    tool.write("again/agent.yaml", GOOD)
    for _run in range(2):
        words = ("--format", "json", "--output-path", "again/report.json")
        assert tool.run("validate", "again", *words).returncode == CLEAN
    assert json.loads((tool.folder / "again" / "report.json").read_text())["checked"] == ["again/agent.yaml"]


def test_help_names_no_option_that_a_command_lacks(tool: Tool) -> None:
    for command in ("validate", "migrate", "test"):
        text = tool.run(command, "--help").stdout
        told = re.sub(r"-\n\s+", "-", text.partition("positional arguments:")[2])
        named = set(re.findall(r"--[a-z][a-z-]*", told))
        known = set(re.findall(r"^  (?:-\w, )?(--[a-z-]+)", text, re.MULTILINE))
        known |= {name.replace("--", "--no-", 1) for name in known}
        known |= {"--config"}  # the Collector's
        assert named - known == set(), command
        assert "running" not in text.partition("--compare")[2].partition("--propose")[0]


WRONG = {
    ("validate",): "there is nothing to read. Give files or folders, or `-`",
    ("validate", "absent.yaml"): "there is no YAML file at absent.yaml",
    ("validate", ""): "a path is empty",
    ("migrate", "absent.yaml"): "there is no YAML file at absent.yaml",
    ("test", "absent.yaml"): "there is no YAML file at absent.yaml",
    ("test", "empty", "absent_test.yml"): "there is no YAML file at absent_test.yml",
    ("validate", "pipe.yaml"): "pipe.yaml is a pipe. Send its text to the standard input, and give `-`.",
    ("validate", "-", "--absent"): "unrecognized arguments: --absent. `otelcoltool validate --help` lists",
    ("validate", "empty"): "there is no YAML file at empty",
    ("validate", "-", "--fail-on", "sometimes"): "invalid choice: 'sometimes'",
    ("validate", "-", "--distribution", "contribb"): "there is no distribution 'contribb'; did you mean 'contrib'?",
    ("validate", "-", "--version", "new"): "'new' is not a version of the Collector",
    ("validate", "-", "--severities", "x"): "'x' has no names with values (at --severities)",
    ("validate", "-", "--severities", "undefined-reference=loud"): "loud",
    ("validate", "-", "--suppressions", "{rule: x"): "--suppressions",
    ("validate", "-", "--suppressions", "path=x"): "is not a suppression",
    ("validate", "-", "--options", "list.yml"): "a file of options is a mapping (at list.yml)",
    ("validate", "-", "--options", "typo.yml"): "there is no option 'failon'; did you mean 'fail_on'? (at typo.yml)",
    ("validate", "-", "--options", "type.yml"): "'severities' must be a mapping (at the file of --options)",
    ("migrate", "-", "--dest", ""): "--dest is empty. Give a value, or leave it out.",
    ("validate", "-", "--output-path", "absent/report"): "cannot write absent/report",
    ("validate", "-", "--binary", "absent"): "the program absent does not exist",
    ("migrate", "-", "absent.yaml"): "the standard input and files were given",
    ("migrate", "-", "--compare", "{binry: absent}"): "'compare' has no 'binry'; did you mean 'binary'?",
    ("test", "empty", "--compare", "running=true"): "'compare' has no 'running' (at --compare). Give config, binary.",
    ("test", "empty"): "there is no YAML file at empty",
    ("test", "-"): "`test` reads no standard input",
    ("valdiate",): "invalid choice: 'valdiate'",
    (): "usage: otelcoltool",
}


@pytest.mark.parametrize("words", WRONG, ids=" ".join)
def test_wrong_use_says_what_is_wrong(tool: Tool, words: tuple[str, ...]) -> None:
    (tool.folder / "empty").mkdir(exist_ok=True)
    if not (tool.folder / "pipe.yaml").exists():
        os.mkfifo(tool.folder / "pipe.yaml")
    tool.write("list.yml", "[]\n")
    tool.write("typo.yml", "failon: error\n")
    tool.write("type.yml", "severities: [x]\n")
    done = tool.run(*words, stdin=GOOD)
    assert done.returncode == UNUSABLE, done
    assert WRONG[words] in done.stderr + done.stdout, done
    assert "Traceback" not in done.stderr
    if words:
        assert len(done.stderr.splitlines()) == 1 and done.stderr.startswith("otelcoltool: "), done


def test_a_path_that_is_given_twice_is_checked_once(tool: Tool) -> None:
    file = str(tool.write("twice/c.yaml", BAD))
    assert "1 config checked" in tool.run("validate", file, file).stdout


def test_a_name_that_is_no_text_is_shown_escaped(tool: Tool) -> None:
    name = os.fsdecode(b"name-\xff.yaml")
    assert "name-\\udcff.yaml" in tool.run("validate", name).stderr


@pytest.mark.parametrize("words", ["validate full.yaml", "explain"])
def test_a_full_disk_is_named_and_not_reported_as_a_fault_of_the_command(tool: Tool, words: str) -> None:
    tool.write("full.yaml", BAD)
    shell = ["sh", "-c", f"exec {tool.program} {words} > /dev/full"]
    done = subprocess.run(shell, cwd=tool.folder, env=tool.variables, capture_output=True, text=True, check=False)
    said = "otelcoltool: the output cannot be written: No space left on device. Make room, or write it elsewhere.\n"
    assert (done.returncode, done.stderr) == (UNUSABLE, said)


@pytest.mark.parametrize("words", ["validate closed.yaml", "explain"])
def test_a_closed_output_is_named_and_not_reported_as_a_fault_of_the_command(tool: Tool, words: str) -> None:
    tool.write("closed.yaml", BAD)
    shell = ["sh", "-c", f"exec {tool.program} {words} >&-"]
    done = subprocess.run(shell, cwd=tool.folder, env=tool.variables, capture_output=True, text=True, check=False)
    assert done.returncode == UNUSABLE
    assert done.stderr.startswith("otelcoltool: the output cannot be written: the standard output is closed.")


@pytest.mark.parametrize("text", [TOLD_SECRET, TOLD_SECRET.replace("otlp: {", "otlp: [")], ids=["config", "broken"])
def test_no_output_shows_a_secret_of_a_config(tool: Tool, text: str) -> None:
    for shape in ("text", "json", "sarif", "junit", "github"):
        done = tool.run("validate", "-", "--format", shape, stdin=text)
        assert done.returncode == FOUND, done
        assert SECRET not in done.stdout + done.stderr


@pytest.mark.parametrize(
    "text", [b"\x00\x01", b"\xff\xfe\xfa", b"a: \x81", b"", b"- a\n", b"$ANSIBLE_VAULT;1.1\n"], ids=repr
)
def test_input_that_is_no_config_gives_no_traceback(tool: Tool, text: bytes) -> None:
    done = tool.run("validate", "-", stdin=text)
    assert done.returncode in (FOUND, UNUSABLE), done
    assert "Traceback" not in done.stderr and "internal-error" not in done.stdout, done
