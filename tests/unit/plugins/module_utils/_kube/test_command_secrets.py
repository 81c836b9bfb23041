# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What of a command of a kubeconfig no message shows."""

from __future__ import annotations

from ansible_collections.o11y.opentelemetry.plugins.module_utils._kube.command_secrets import (
    describe_command,
    list_command_secrets,
)

from tests.support.cases import cases


@cases(
    "args, secret",
    (["-p", "secret-1"], "secret-1"),
    (["-psecret-1"], "secret-1"),
    (["-psecret=1"], "secret=1"),
    (["-p=secret-1"], "secret-1"),
    (["-token=secret-1"], "secret-1"),
    (["-u", "bob:secret-1"], "secret-1"),
    (["-ubob:secret:1"], "secret:1"),
    (["-u", "bob:1:secret"], "secret"),
    (["-H", "Authorization: Bearer secret-1"], "secret-1"),
    (["--header", "Authorization: Bearer secret-1"], "secret-1"),
    (["--user", "bob:secret-1"], "secret-1"),
    (["--user=bob:secret-1"], "secret-1"),
)
def test_values_of_options_are_secrets(args: list[str], secret: str) -> None:
    assert secret in list_command_secrets(["tool", *args], {}, {})


def test_short_values_and_values_of_other_options_are_words() -> None:
    assert (
        list_command_secrets(["tool", "-o", "json", "--region", "us-east-1", "-v"], {"PATH": "/usr/bin"}, {}) == set()
    )


def test_a_secret_variable_has_the_spelling_of_what_is_printed() -> None:
    spellings = list_command_secrets(["tool"], {"MY_PASSWORD": "geheim\udcfc\n"}, {})
    assert spellings == {"geheim\ufffd\n", "geheim\ufffd", "geheim\\ufffd\\n", "geheim\\ufffd"}


@cases(
    "args, shown",
    (["aws", "eks", "get-token", "--region", "us-east-1"], "aws eks get-token"),
    (["tool", "login", "zk4Qw9x1L", "more"], "tool login"),
    (["tool", 1], "tool"),
    (["/bin/tool"], "/bin/tool"),
)
def test_a_command_is_shown_up_to_its_subcommands(args: list[object], shown: str) -> None:
    assert describe_command(args) == shown
