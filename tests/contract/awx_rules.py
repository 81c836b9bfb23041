# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What AWX accepts and does: facts of ours, each with the file of ansible/awx or awx-plugins where it stands."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

# awx_plugins/credentials/injectors.py: what a job finds in its environment, by type of credential.
INJECTED = {
    "OpenShift or Kubernetes API Bearer Token": (
        "K8S_AUTH_HOST",
        "K8S_AUTH_API_KEY",
        "K8S_AUTH_VERIFY_SSL",
        "K8S_AUTH_SSL_CA_CERT",
    ),
    "Amazon Web Services": ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SECURITY_TOKEN", "AWS_SESSION_TOKEN"),
    # awx_plugins/credentials/plugins.py: user, key and become reach the command line, not the environment.
    "Machine": (),
}
# What a credential of type Machine takes, in the same file.
OF_MACHINE = {
    "username",
    "password",
    "ssh_key_data",
    "ssh_public_key_data",
    "ssh_key_unlock",
    "become_method",
    "become_username",
    "become_password",
}
# awx/main/utils/ansible.py: a file of a project is a playbook when it has such a line.
PLAYBOOK = re.compile(r"^\s*?-?\s*?(?:hosts|include|import_playbook):\s*?.*?$")
# awx/api/views, JobTemplateSurveySpec: the types of questions, and of their defaults.
QUESTIONS: dict[str, type | tuple[type, ...]] = {
    "text": str,
    "textarea": str,
    "password": str,
    "multiplechoice": str,
    "multiselect": str,
    "integer": int,
    "float": (float, int),
}

# Ours: playbooks that are no job (a mirror is filled where there is internet, for places without; a lock is written
# into the inventory and reviewed there; the roles of the account are for an administrator), and questions that differ
# from their input with a reason.
WITHOUT_A_TEMPLATE = {"lock", "mirror", "rights"}
# A collector needs recipes; the input's default is none, for inventories that give a list of collectors.
ASKED_WITH_ANOTHER_DEFAULT = {"otel_collector_recipes"}
# Lists of names, which Ansible splits at commas.
LISTS_AS_TEXT = {"otel_collector_recipes"}


class _Loader(yaml.SafeLoader):
    """Knows Ansible's mark for text that is no template."""


_Loader.add_constructor("!unsafe", lambda loader, node: loader.construct_scalar(node))


def read(path: Path) -> Any:
    """Return the data of a file of variables or tasks."""
    return yaml.load(path.read_text(encoding="utf-8"), Loader=_Loader)


def survey_errors(survey: dict[str, Any]) -> list[str]:
    """Return what AWX refuses of a survey."""
    errors = [f"no {key}" for key in ("name", "description") if not isinstance(survey.get(key), str)]
    questions = survey.get("spec") or []
    variables = [question.get("variable") for question in questions]
    errors += ["no questions"] * (not questions) + ["a variable twice"] * (len(set(variables)) < len(variables))
    return errors + [f"{question.get('variable')}: {error}" for question in questions for error in _errors(question)]


def _errors(question: dict[str, Any]) -> Iterator[str]:
    for key, wanted in {"type": str, "question_name": str, "variable": str, "required": bool}.items():
        if not isinstance(question.get(key), wanted):
            yield f"no {key}"
    kind, default = question.get("type", ""), question.get("default", "")
    if default != "" and not isinstance(default, QUESTIONS.get(kind, ())):
        yield f"the default is no {kind}"
    if any(not isinstance(question.get(key, 0), int) for key in ("min", "max")):
        yield "min or max is no integer"
    if kind == "multiplechoice" and default not in question.get("choices", []):
        yield "the default is none of the choices"
