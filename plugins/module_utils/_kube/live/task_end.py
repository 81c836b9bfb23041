# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Do the work of a module, and end its task with a result or a failure that shows no secret of the options. Private.

Each module that asks a cluster gives its work to `run` as a function, which returns the result or raises Problem.
"""

from __future__ import annotations

import secrets as random
import sys
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..._otelcol.config.config_secrets import find_secrets
from ..._otelcol.config.masking import conceal_secrets, make_salted_replacer
from ..._otelcol.config.object_secrets import find_secrets_in_objects
from ..._otelcol.errors import MASK, Problem, escape_tree, make_printable
from ..bundle import list_secret_values, redact_manifest
from ..option_secrets import build_secret_remover
from .api_errors import explain_outage
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
    # Ansible shows the options of a task with -vvv, and when the task fails.
    invocation = {"invocation": {"module_args": _redact_options(module.params, bool(clear_text_secrets))}}
    remove_secrets = build_secret_remover(module.no_log_values)
    try:
        result = task()
    except Problem as problem:
        facts = _emit_warnings(module, problem.facts)
        module.fail_json(**remove_secrets(facts | invocation | {"msg": conceal_secrets(str(problem))}))
    except LostError as error:
        module.fail_json(**remove_secrets({"msg": conceal_secrets(str(explain_outage(error))), **invocation}))
    else:
        module.exit_json(**remove_secrets({**_emit_warnings(module, result), **invocation}))
    finally:
        # The client removes its files of keys when Python ends; a worker of Ansible ends without that.
        if client := sys.modules.get("kubernetes.config.kube_config"):
            client._cleanup_temp_files()


def _redact_options(params: Mapping[str, Any], has_clear_text_secrets: bool) -> dict[str, Any]:
    """Return the options as a result shows them: without values of Secrets, of headers, and of secrets in manifests."""
    shown_options = dict(params)
    if params.get("manifests"):
        hide_value = make_salted_replacer(random.token_hex(8))
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
    """Return a manifest without its values if it is a Secret, or if any manifest of the task has a secret in it."""
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


def _emit_warnings(module: AnsibleModule, result: dict[str, Any]) -> dict[str, Any]:
    """Warn as the result asks. Ansible hides no_log values in results, and not in warnings."""
    remove_secrets = build_secret_remover(module.no_log_values)
    for warning in dict.fromkeys(result.pop("warnings", [])):
        module.warn(conceal_secrets(make_printable(remove_secrets(warning))))
    return {name: value if name in RAW_RESULTS else escape_tree(value) for name, value in result.items()}


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
