# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Do the work of a module, and end its task with a result or a failure that shows no secret of the options. Private.

Each module that asks a cluster gives its work to `run` as a function, which returns the result or raises Problem. For
example, the password `hunter22` of the connection, in a warning of the work:

    "cannot log in with hunter22"  →  "cannot log in with ********"

What a task shows passes these steps, in this order. A *known* secret is one of the options, by `protect_secrets`.

| output | steps |
|---|---|
| options, seen with -vvv | secrets in manifests are replaced; values of headers are masked; known secrets are removed |
| warnings | known secrets are removed; lines are cut and escaped; what looks like a secret is masked |
| message of a failure | what looks like a secret is masked; known secrets are removed |
| result, and the facts of a Problem | control characters are escaped; known secrets are removed |

Ansible shows warnings as they are, so each is finished by itself. Known secrets are removed first: in a text that is
escaped or cut, a secret may not be found any more. All else leaves together through `make_showable`, which removes the
known secrets last, from the options and the message too.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping
from secrets import token_hex
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..._otelcol.config.config_secrets import find_secrets
from ..._otelcol.config.masking import conceal_secrets, make_salted_replacer
from ..._otelcol.config.object_secrets import find_secrets_in_objects
from ..._otelcol.errors import MASK, Problem, escape_tree, make_printable
from ..bundle import list_secret_values, redact_manifest
from ..option_secrets import build_secret_remover
from .api_errors import as_problem
from .hidden import hide_option_secrets
from .libraries import parse_foreign_yaml
from .outage import LostError

# The secrets of the connection options; a whole kubeconfig would take words like 'default' out of every message.
SECRET_OPTIONS = ("api_key", "password")
# Options that have headers, whose values may be logins of a name that nobody knows.
OPTIONS_WITH_HEADERS = ("backend", "backends")
# Objects and configs of a cluster that later tasks read: their text stays as it is, and no task shows it.
RAW_RESULTS = ("resources", "facts")


def run(module: AnsibleModule, task: Callable[[], dict[str, Any]], secrets: Iterable[str] = ()) -> None:
    """Do the work and exit with its result or failure. Neither shows a secret of the options."""
    clear_text_secrets = protect_secrets(module, secrets)
    shown_options = _redact_options(module.params, bool(clear_text_secrets))
    remove_secrets = build_secret_remover(module.no_log_values)

    def make_showable(output: dict[str, Any]) -> dict[str, Any]:
        """Return an output of the task without known secrets, with the options, which Ansible shows with -vvv."""
        showable_output: dict[str, Any] = remove_secrets({**output, "invocation": {"module_args": shown_options}})
        return showable_output

    try:
        result = task()
    except (Problem, LostError) as error:
        problem = as_problem(error)
        _warn(module, problem.facts)
        message = conceal_secrets(str(problem))
        module.fail_json(**make_showable({**_escape_result(problem.facts), "msg": message}))
    else:
        _warn(module, result)
        module.exit_json(**make_showable(_escape_result(result)))
    finally:
        # The client removes its files of keys when Python ends; a worker of Ansible ends without that.
        if client := sys.modules.get("kubernetes.config.kube_config"):
            client._cleanup_temp_files()


def protect_secrets(module: AnsibleModule, secrets: Iterable[str]) -> set[str]:
    """Add the secrets of all options to Ansible's list, and return those in clear text in manifests."""
    params = module.params
    manifests = params.get("manifests") or []
    hidden_values = set(secrets)
    hidden_values |= {str(params[name]) for name in SECRET_OPTIONS if params.get(name)}
    hidden_values |= {str(value) for value in (params.get("proxy_headers") or {}).values() if value}
    hidden_values.update(find_secrets({"proxy": params.get("proxy")}))
    hidden_values.update(list_secret_values(manifests))
    clear_text_secrets = set(find_secrets_in_objects(manifests, parse_foreign_yaml))
    # A kubeconfig inside of the connections of roles is one all the same, and changes hold configs.
    trees = [params.get(name) for name in ("kubeconfig", "roles", "change", "changes")]
    hide_option_secrets(
        module, {*hidden_values, *clear_text_secrets, *find_secrets_in_objects(trees)}, [*trees, manifests]
    )
    return clear_text_secrets


def _redact_options(params: Mapping[str, Any], has_clear_text_secrets: bool) -> dict[str, Any]:
    """Return the options as a result shows them: without values of Secrets, of headers, and of secrets in manifests."""
    shown_options = dict(params)
    if params.get("manifests"):
        hide_value = make_salted_replacer(token_hex(8))
        shown_options["manifests"] = [
            _redact_if_secret(manifest, hide_value, has_clear_text_secrets) for manifest in params["manifests"]
        ]
    for name in OPTIONS_WITH_HEADERS:
        if name in shown_options:
            shown_options[name] = _mask_headers(shown_options[name])
    masked_options: dict[str, Any] = _mask_headers(shown_options)
    return masked_options


def _redact_if_secret(
    manifest: dict[str, Any], hide_value: Callable[[str], str], has_clear_text_secrets: bool
) -> dict[str, Any]:
    """Return a manifest without its values if it is a Secret, or if any manifest of the task has a secret in it.

    `has_clear_text_secrets` says the latter: without such a secret, other manifests need not be searched once more.
    """
    if has_clear_text_secrets or manifest.get("kind") == "Secret":
        return redact_manifest(manifest, hide_value, parse_foreign_yaml)
    return manifest


def _mask_headers(option: Any) -> Any:
    """Return an option with the names of its headers, and without their values."""
    if isinstance(option, list):
        return [_mask_headers(element) for element in option]
    if not isinstance(option, dict):
        return option
    headers = option.get("headers")
    if not isinstance(headers, dict):
        return option
    return {**option, "headers": dict.fromkeys(headers, MASK)}


def _warn(module: AnsibleModule, result: Mapping[str, Any]) -> None:
    """Warn as the field `warnings` of a result asks. Ansible hides no_log values in results, and not in warnings."""
    remove_secrets = build_secret_remover(module.no_log_values)
    for warning in dict.fromkeys(result.get("warnings", [])):
        module.warn(conceal_secrets(make_printable(remove_secrets(warning))))


def _escape_result(result: Mapping[str, Any]) -> dict[str, Any]:
    """Return a result without its warnings, and with control characters escaped in all fields but RAW_RESULTS."""
    escaped_result: dict[str, Any] = {}
    for name, value in result.items():
        if name != "warnings":
            escaped_result[name] = value if name in RAW_RESULTS else escape_tree(value)
    return escaped_result
