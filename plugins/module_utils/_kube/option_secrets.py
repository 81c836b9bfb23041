# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The secrets among the options of a module, and results without them. Private.

`live/hidden.py` says why Ansible itself cannot hide all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from .._otelcol.config.masking import mask_tree
from .._otelcol.config.object_secrets import find_secrets_in_objects
from .._otelcol.config.paths import iter_leaves
from .._otelcol.errors import MASK
from .bundle import list_secret_values

# Shorter ones are words that occur by chance, so hiding them garbles text and hides nothing.
SHORTEST_SECRET = 6
# What AnsibleModule writes in place of a text that is all secret, up to ansible-core 2.21.
ALL_SECRET = "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER"
# Keys whose values are names that every output has.
_NAMING_KEYS = ("apiVersion", "kind", "name", "namespace")


def list_option_secrets(options: Mapping[str, Any], parse: Callable[[str], Any]) -> set[str]:
    """Return the secrets of a module's options: values of Secrets, and what is one by its name, header or shape.

    A secret that is also a key or a name in the same options is left out: who hides it everywhere hides these names.
    `parse` reads the YAML of configs, and returns None for other text.
    """
    manifests = options.get("manifests")
    objects = []
    if isinstance(manifests, list):
        objects = [manifest for manifest in manifests if isinstance(manifest, dict)]
    secrets = {*find_secrets_in_objects(options, parse), *list_secret_values(objects)}
    return select_hideable(secrets).difference(_list_keys_and_names(options))


def _list_keys_and_names(tree: Any) -> Iterator[str]:
    """Yield the keys of a tree, and the kinds and names of its objects."""
    for path, value in iter_leaves(tree):
        for key in path:
            if isinstance(key, str):
                yield key
        if path and path[-1] in _NAMING_KEYS:
            yield str(value)


def select_hideable(secrets: Iterable[str]) -> set[str]:
    """Return secrets that are long enough; errors show a token without the line end that it was given with."""
    all_secrets = set(secrets)
    without_line_end = {secret.strip() for secret in all_secrets}
    return {secret for secret in all_secrets | without_line_end if len(secret) >= SHORTEST_SECRET}


def build_secret_remover(secrets: Iterable[str]) -> Callable[[Any], Any]:
    """Return the function that hides secrets in a result, as AnsibleModule does by itself up to ansible-core 2.21."""
    known_secrets = {str(secret) for secret in secrets} - {""}
    # A secret may be a part of another one, which would not be found any more without that part.
    longest_first = sorted(known_secrets, key=len, reverse=True)

    def mask(text: str) -> str:
        if text in known_secrets:
            return ALL_SECRET
        for secret in longest_first:
            text = text.replace(secret, MASK)
        return text

    def remove_secrets(tree: Any) -> Any:
        return mask_tree(tree, mask) if known_secrets else tree

    return remove_secrets
