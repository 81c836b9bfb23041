# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A command of the kubeconfig that makes no token says why, without its output and without secrets."""

from __future__ import annotations

import json
import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._kube.live import connect
from ansible_collections.o11y.opentelemetry.plugins.module_utils._kube.live.exec_plugin import COMMAND_FIX, CommandWatch
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Problem

from tests.unit.plugins.module_utils.live_helpers import answered

VERSION = "client.authentication.k8s.io/v1"
PRINTED = "printed-and-never-shown-1"


def credential(**status: str) -> str:
    return json.dumps({"apiVersion": VERSION, "kind": "ExecCredential", "status": status})


def connected(folder: Path, script: str, *args: str, user: dict[str, Any] | None = None, **exec_: Any) -> Any:
    """Return a connection whose tokens a script makes."""
    plugin = folder / "plugin"
    plugin.write_text(f"#!/bin/sh\n{script}\n")
    plugin.chmod(0o755)
    command = {"apiVersion": VERSION, "command": str(plugin), "args": list(args), **exec_}
    kubeconfig = {
        "current-context": "a",
        "contexts": [{"name": "a", "context": {"cluster": "a", "user": "a"}}],
        "clusters": [{"name": "a", "cluster": {"server": "https://a"}}],
        "users": [{"name": "a", "user": {"exec": command, **(user or {})}}],
    }
    module: Any = SimpleNamespace(params={"kubeconfig": kubeconfig}, no_log_values=set(), tmpdir=str(folder))
    return connect.connect(module)._transport


def authorized(*args: Any, **kwargs: Any) -> Any:
    """Return the headers of a connection."""
    return connected(*args, **kwargs)._authorize()


def failed(*args: Any, **kwargs: Any) -> Problem:
    with pytest.raises(Problem) as raised:
        authorized(*args, **kwargs)
    assert PRINTED not in str(raised.value)
    return raised.value


def test_a_command_that_fails_is_named_with_its_exit_code_and_the_end_of_what_it_says(tmp_path: Path) -> None:
    lines = "\n".join(f"echo line {number} >&2" for number in range(9))
    problem = failed(tmp_path, f"echo {PRINTED}\n{lines}\nexit 255", "eks", "get-token")
    said = "line 4 line 5 line 6 line 7 line 8"
    assert problem.asked == "Connect to the cluster"
    assert problem.wrong == f"the command of the kubeconfig that makes its tokens ended with exit code 255: {said}"
    assert (problem.where, problem.fix) == (f"{tmp_path}/plugin eks get-token", COMMAND_FIX)


def test_no_secret_of_the_command_or_its_environment_is_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OF_THE_RUN_PASSWORD", "hunter2-of-the-run")
    given = [{"name": "AWS_SECRET_ACCESS_KEY", "value": "key-of-the-file"}, {"name": "AWS_PROFILE", "value": "prod"}]
    script = 'echo "$AWS_SECRET_ACCESS_KEY $AWS_PROFILE $OF_THE_RUN_PASSWORD $2 AKIAABCDEFGHIJKLMNOP" >&2\nexit 1'
    text = str(failed(tmp_path, script, "--token", "token-of-the-argument", env=given))
    assert "exit code 1: ******** prod ******** ******** ********" in text
    assert not [one for one in ("key-of-the-file", "hunter2", "token-of-the", "AKIA") if one in text]


@pytest.mark.parametrize(
    ("printed", "wrong"),
    [
        (PRINTED, "printed no ExecCredential"),
        (credential(tokens=PRINTED), "printed no token"),
        (credential(token=PRINTED).replace("k8s.io/v1", PRINTED), "printed no ExecCredential"),
    ],
)
def test_what_a_command_prints_is_never_shown(tmp_path: Path, printed: str, wrong: str) -> None:
    problem = failed(tmp_path, f"echo '{printed}'")
    assert problem.wrong == f"the command of the kubeconfig that makes its tokens {wrong}"


def test_a_command_that_does_not_exist_is_named(tmp_path: Path) -> None:
    problem = failed(tmp_path, "", command="/nonexistent/aws")
    assert problem.wrong.startswith("the command of the kubeconfig that makes its tokens does not start: ")
    assert (problem.where, "No such file" in problem.wrong) == ("/nonexistent/aws", True)


def test_a_token_beside_a_command_that_fails_is_used(tmp_path: Path) -> None:
    assert authorized(tmp_path, "exit 1", user={"token": "other"})["authorization"] == "Bearer other"


def test_a_token_of_a_command_is_used(tmp_path: Path) -> None:
    assert authorized(tmp_path, f"echo '{credential(token='made')}'")["authorization"] == "Bearer made"


def test_a_command_gets_the_cluster_if_the_kubeconfig_says_so(tmp_path: Path) -> None:
    script = f"echo \"$KUBERNETES_EXEC_INFO\" > '{tmp_path}/info'\necho '{credential(token='made')}'"
    authorized(tmp_path, script, provideClusterInfo=True)
    info = json.loads((tmp_path / "info").read_text())
    assert info == {
        "apiVersion": VERSION,
        "kind": "ExecCredential",
        "spec": {"interactive": False, "cluster": {"server": "https://a"}},
    }


class Pool:
    def __init__(self, *statuses: int) -> None:
        self.statuses, self.tokens = list(statuses), []  # type: ignore[var-annotated]

    def request(self, *_args: Any, headers: Any, **_kwargs: Any) -> Any:
        self.tokens.append(headers["authorization"])
        return answered(self.statuses.pop(0), b"{}")


def test_a_command_that_fails_later_says_so_when_its_earlier_token_is_refused(tmp_path: Path) -> None:
    script = f"test -e '{tmp_path}/broken' && echo expired login >&2 && exit 7"
    script += f"\necho '{credential(token='made', expirationTimestamp='1970-01-02T00:00:00Z')}'"
    transport, pool = connected(tmp_path, script), Pool(401, 200, 401, 401)
    transport._pool = pool
    ask = lambda: transport("GET", "/version", {}, None).status  # noqa: E731
    assert ask() == 401, "its own words are the API server's"
    (tmp_path / "broken").touch()
    assert ask() == 200, "a token is renewed before it ends"
    with pytest.raises(Problem, match="ended with exit code 7: expired login"):
        ask()
    (tmp_path / "broken").unlink()
    assert ask() == 401
    assert pool.tokens == ["Bearer made"] * 4


def counting(folder: Path, seconds: float) -> str:
    """Return a script that counts its runs in a file, and makes a token that lives for some seconds."""
    ends = (datetime.now(UTC) + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")
    return f"echo run >> '{folder}/runs'\necho '{credential(token='made', expirationTimestamp=ends)}'"


def runs(folder: Path) -> int:
    return (folder / "runs").read_text().count("run")


def test_a_command_runs_once_for_each_token_and_not_for_each_request(tmp_path: Path) -> None:
    transport = connected(tmp_path, counting(tmp_path, 20))
    transport._pool = Pool(*[200] * 50)
    with ThreadPoolExecutor(8) as threads:
        answers = threads.map(lambda _: transport("GET", "/version", {}, None).status, range(50))
    assert (set(answers), runs(tmp_path)) == ({200}, 1)


def test_a_command_runs_again_before_its_token_ends_and_after_the_server_refused_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    transport = connected(tmp_path, counting(tmp_path, 20))
    transport._pool = Pool(200, 200, 401, 200)
    ask = lambda: transport("GET", "/version", {}, None).status  # noqa: E731
    ask()
    assert runs(tmp_path) == 1
    now = time.time
    with monkeypatch.context() as later:
        later.setattr(time, "time", lambda: now() + 19)
        ask()
    assert runs(tmp_path) == 2, "its token has a second left"
    assert (ask(), runs(tmp_path)) == (401, 2)
    assert (ask(), runs(tmp_path)) == (200, 3)


def test_a_client_that_starts_commands_in_another_way_is_used_as_it_is() -> None:
    client = SimpleNamespace()
    assert (CommandWatch(client).problem, vars(client)) == (None, {})


@pytest.mark.parametrize("secret", ["hunter2xyz\n", "first-line\nsecond-line\n", 'pass"word-1'])
@pytest.mark.parametrize("shown", ["text.strip()", "text.split()[-1]", "json.dumps(text)"])
def test_no_form_of_a_secret_is_shown(tmp_path: Path, secret: str, shown: str) -> None:
    program = f"import json, os, sys; text = os.environ['MY_TOKEN']; sys.exit({shown})"
    problem = failed(tmp_path, f'exec {sys.executable} -c "{program}"', env=[{"name": "MY_TOKEN", "value": secret}])
    said = problem.wrong.partition("exit code 1: ")[2]
    assert "****" in said
    assert not [one for one in ("hunter2", "first", "second", "pass", "word-1") if one in said]


def test_options_of_the_command_are_not_shown(tmp_path: Path) -> None:
    args = ("login", "-u", "bob:hunter2hunter2", "-p", "hunter3hunter3", "--flag", "hunter4hunter4")
    problem = failed(tmp_path, 'echo "$@" >&2; exit 1', *args, "-c", "login of nobody")
    assert problem.where == f"{tmp_path}/plugin login"
    assert not [one for one in ("bob", "hunter2", "hunter3") if one in problem.wrong]
    said = failed(tmp_path, "echo nobody is there >&2; exit 1", "-c", "login of nobody").wrong
    assert said.endswith("exit code 1: nobody is there"), "words of a script are words of a message"


def test_short_values_of_variables_are_words_of_a_message(tmp_path: Path) -> None:
    problem = failed(tmp_path, "echo a key is a text >&2; exit 1", env=[{"name": "SOME_KEY", "value": "a"}])
    assert problem.wrong.endswith("exit code 1: a key is a text")


def test_each_connection_has_the_failure_of_its_own_command(tmp_path: Path) -> None:
    def made(name: str) -> Any:
        folder = tmp_path / name
        folder.mkdir()
        script = f"test -e '{folder}/broken' && exit 7"
        script += f"\necho '{credential(token=name, expirationTimestamp='1970-01-02T00:00:00Z')}'"
        return connected(folder, script)

    one, other = made("one"), made("other")
    for transport in (one, other):
        transport._pool = Pool(401, 401)
    (tmp_path / "one" / "broken").touch()
    with pytest.raises(Problem, match="exit code 7"):
        one("GET", "/version", {}, None)
    assert other("GET", "/version", {}, None).status == 401
    (tmp_path / "one" / "broken").unlink()
    assert one("GET", "/version", {}, None).status == 401


@pytest.mark.parametrize(
    ("script", "more", "wrong"),
    [
        (r"printf '\377'", {}, "printed what is no UTF-8"),
        (r"printf 'geb\374hrt\n' >&2; exit 3", {}, "ended with exit code 3: geb\ufffdhrt"),
        ("true", {"args": [1]}, "has an argument or a variable that is no text"),
        (f"echo '{credential(clientCertificateData='made')}'", {}, "printed no token"),
        ("echo '{}'".format(credential().replace("{}", "null")), {}, "printed no token"),
    ],
)
def test_what_else_makes_no_token(tmp_path: Path, script: str, more: dict[str, Any], wrong: str) -> None:
    assert failed(tmp_path, script, **more).wrong.endswith(wrong)


def test_the_oldest_client_gives_its_commands_no_cluster() -> None:
    class OldProvider:
        def __init__(self, _exec_config: Any, cwd: str | None) -> None:
            self.api_version, self.env, self.cwd = VERSION, {"PATH": "/bin:/usr/bin"}, cwd
            self.args = ["sh", "-c", f"echo '{credential(token='made')}'"]

    client = SimpleNamespace(ExecProvider=OldProvider)
    with CommandWatch(client).watch_command():
        assert client.ExecProvider(SimpleNamespace(value={}), None).run() == {"token": "made"}


def test_words_of_another_encoding_beside_a_token_do_no_harm(tmp_path: Path) -> None:
    made = authorized(tmp_path, f"printf 'geb\\374hrt\\n' >&2\necho '{credential(token='made')}'")
    assert made["authorization"] == "Bearer made"


def test_a_secret_of_another_encoding_hides_no_reason_and_is_not_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(os.environb, b"OF_THE_RUN_PASSWORD", b"geheim-\374ber-1")
    problem = failed(tmp_path, 'echo "denied for $OF_THE_RUN_PASSWORD" >&2; exit 4')
    assert problem.wrong.endswith("exit code 4: denied for ********")


# Makes a token of what the command is asked.
ECHO = f"""
import json, os
status = {{"token": os.environ["KUBERNETES_EXEC_INFO"]}}
print(json.dumps({{"apiVersion": "{VERSION}", "kind": "ExecCredential", "status": status}}))
"""


class ProviderWithCluster:
    """A command as the client has it, with a cluster of a kubeconfig."""

    def __init__(self, _exec_config: Any, cluster: dict[str, Any]) -> None:
        self.api_version, self.env, self.cwd = VERSION, {"PATH": "/bin:/usr/bin"}, None
        self.args, self.cluster = [sys.executable, "-c", ECHO], SimpleNamespace(value=cluster)


def asked_cluster(extensions: Any) -> Any:
    """Return the cluster that a command gets, out of a kubeconfig with these extensions."""
    cluster = {"server": "https://a", "extensions": extensions}
    client = SimpleNamespace(ExecProvider=ProviderWithCluster)
    with CommandWatch(client).watch_command():
        status = client.ExecProvider(SimpleNamespace(value={}), cluster).run()
    return json.loads(status["token"])["spec"]["cluster"]


EXTENSION = "client.authentication.k8s.io/exec"


@pytest.mark.parametrize(
    ("extensions", "config"),
    [
        ([{"name": "other"}, {"name": EXTENSION, "extension": {"audience": "a"}}], {"audience": "a"}),
        ([{"extension": {}}, "text", None, {"name": EXTENSION}], None),
        ([{"name": EXTENSION, "extension": {"since": date(2026, 1, 2)}}], {"since": "2026-01-02"}),
        (5, None),
    ],
)
def test_a_command_gets_its_extension_of_the_cluster(extensions: Any, config: Any) -> None:
    assert asked_cluster(extensions).get("config") == config


def test_an_extension_that_is_no_json_is_told() -> None:
    with pytest.raises(Exception, match="gets a cluster whose extensions are no JSON"):
        asked_cluster([{"name": EXTENSION, "extension": {date(2026, 1, 2): 1}}])


@pytest.mark.parametrize(
    "args", [["-pzk4Qw9x1L"], ["-p=zk4Qw9x1L"], ["-u", "bob:12:zk4Qw9x1L"], ["-ubob:zk4Qw9x1L"], ["-token=zk4Qw9x1L"]]
)
def test_a_secret_behind_a_short_option_is_not_shown(tmp_path: Path, args: list[str]) -> None:
    problem = failed(tmp_path, "echo denied for 12:zk4Qw9x1L and zk4Qw9x1L >&2; exit 1", "login", *args)
    assert "zk4Qw9x1L" not in str(problem)
    assert problem.where == f"{tmp_path}/plugin login"


def test_only_words_of_small_letters_stand_behind_the_name_of_the_command(tmp_path: Path) -> None:
    problem = failed(tmp_path, "exit 1", "eks", "get-token", "zk4Qw9x1L", "more")
    assert problem.where == f"{tmp_path}/plugin eks get-token"
