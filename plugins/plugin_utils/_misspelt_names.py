# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which variable of this collection a name misspells. Private.

Ansible ignores a variable that no role reads, so a slip changes nothing and nobody sees it. `_inventory.py` refuses
such a name by `find_meant_name`: `otel_colector_namespace` and `otel_collector_namespce` both mean
`otel_collector_namespace`. A variable of this collection is the name of a role and that of an option, or it is one of
playbooks, such as `otel_expected_cluster`. A slip is one letter in one of the parts. Two letters would make slips of
variables of users, such as `other_collectors`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache

from . import _role_options

# What playbooks of this collection read beside the options of roles.
PLAYBOOK_VARIABLES = frozenset(
    {
        "otel_collectors",
        "otel_instrumentations",
        "otel_hosts",
        "otel_expected_cluster",
        "otel_lock_file",
        "otel_lock_exclude",
        "otel_compare_running",
        "otel_rights_account",
        "otel_rights_name",
        "otel_rights_path",
        "otel_report_path",
        "otel_rights_user",
        "otel_waves",
        "otel_wave",
        "otel_wave_until",
        "otel_wave_approved",
        "otel_judge_path",
        "otel_judge_before",
        "otel_judge_seconds",
        "otel_judge_wait_seconds",
        "otel_judge_without_data",
        "otel_gitops_path",
        "otel_gitops_changes_path",
        "otel_report_read",
        "otel_report_title",
        "otel_report_time",
        "otel_report_window_seconds",
        "otel_alert_path",
        "otel_alert_goes_back",
        "otel_alert_change_seconds",
        "otel_mirror_path",
        "otel_mirror_registry",
        "otel_mirror_registries_conf",
        "otel_mirror_authfile",
        "otel_mirror_source_tls_verify",
        "otel_mirror_tls_verify",
        "otel_mirror_from",
        "otel_mirror_scope",
        "otel_mirror_images",
        "otel_mirror_exclude",
        "otel_mirror_architectures",
        "capture_files",
        "capture_only",
        "capture_path",
        "diagnose_checks",
        "diagnose_collectors",
        "diagnose_fail_on",
        "diagnose_log_seconds",
        "diagnose_metrics_port",
        "diagnose_only",
        "diagnose_window_seconds",
        "forecast_after",
        "forecast_before",
        "forecast_before_binary",
        "forecast_binary",
        "forecast_capture",
        "forecast_collector",
        "forecast_collectors",
        "forecast_currency",
        "forecast_distribution",
        "forecast_html_path",
        "forecast_isolation",
        "forecast_limits",
        "forecast_markdown_path",
        "forecast_output_path",
        "forecast_prices",
        "forecast_rates",
        "forecast_receivers",
        "forecast_tenant_attribute",
        "forecast_version",
        "forecast_without_capture",
        "pipeline_test_binary",
        "pipeline_test_cluster",
        "pipeline_test_compare",
        "pipeline_test_coverage",
        "pipeline_test_distribution",
        "pipeline_test_invariants",
        "pipeline_test_isolation",
        "pipeline_test_output_path",
        "pipeline_test_paths",
        "pipeline_test_pod_dest",
        "pipeline_test_pod_images",
        "pipeline_test_pod_namespace",
        "pipeline_test_pod_pull_secrets",
        "pipeline_test_pod_reader_image",
        "pipeline_test_pod_run_as_user",
        "pipeline_test_propose_path",
        "pipeline_test_trace",
        "pipeline_test_update_golden",
        "pipeline_test_version",
        "pipeline_validate_catalogue",
        "pipeline_validate_distribution",
        "pipeline_validate_distribution_manifest",
        "pipeline_validate_distribution_schema",
        "pipeline_validate_fail_on",
        "pipeline_validate_format",
        "pipeline_validate_merge",
        "pipeline_validate_output_path",
        "pipeline_validate_overlay_policy",
        "pipeline_validate_paths",
        "pipeline_validate_profile",
        "pipeline_validate_rule_paths",
        "pipeline_validate_severities",
        "pipeline_validate_suppressions",
        "pipeline_validate_version",
        "preflight_cluster",
        "preflight_compare",
        "preflight_fail_on",
        "savings_binary",
        "savings_capture",
        "savings_collector",
        "savings_config",
        "savings_distribution",
        "savings_isolation",
        "savings_keep",
        "savings_least_percent",
        "savings_markdown_path",
        "savings_measure",
        "savings_output_path",
        "savings_receivers",
        "savings_tenant_attribute",
        "savings_version",
    }
)
# What the names of variables of playbooks begin with. A slip in it is not looked for.
_PLAYBOOK_PREFIXES = (
    "otel",
    "capture",
    "diagnose",
    "forecast",
    "pipeline_test",
    "pipeline_validate",
    "preflight",
    "savings",
)
# Shorter options are not compared: `_node` is one letter from `_mode`.
_LONGEST_UNCOMPARED = 5
# The first letter of an option and the underscore before it: another one makes another word.
_COMMON_BEGINNING_LENGTH = 2
_MOST_WORDS_OF_ROLE = 3


@cache
def find_meant_name(name: str) -> str:
    """Return the variable of this collection that a name misspells; empty for its own names and for all others."""
    known_names = _list_known_names()
    may_be_slip = name.isidentifier() and name.count("_") <= _count_most_underscores()
    if name in known_names or not may_be_slip:
        return ""
    for candidate in _find_candidates(name):
        if candidate in known_names:
            return candidate
    return ""


@cache
def _list_known_names() -> frozenset[str]:
    """Return the variables of this collection: those of playbooks, and the options of roles."""
    return PLAYBOOK_VARIABLES.union(*(_role_options.read_all_role_options(role) for role in _role_options.list_roles()))


@cache
def _count_most_underscores() -> int:
    """Return how many underscores a misspelt variable of this collection has at most: a slip may add one."""
    return max(name.count("_") for name in _list_known_names()) + 1


def _find_candidates(name: str) -> Iterator[str]:
    """Yield the known names that a name may misspell, in the part of the option or in the part of the role."""
    for prefix in _PLAYBOOK_PREFIXES:
        if name.startswith(prefix):
            yield from _find_behind_prefix(name, prefix, sorted(PLAYBOOK_VARIABLES))
    for role in _role_options.list_roles():
        if name.startswith(role):
            yield from _find_behind_prefix(name, role, _list_known_names())
        elif name[0] == role[0]:
            yield from _find_by_role(name, role)


def _find_behind_prefix(name: str, prefix: str, known_names: Iterable[str]) -> Iterator[str]:
    """Yield the known names with a prefix, such as the name of a role, whose rest the rest of a name misspells."""
    word = name.removeprefix(prefix)
    for known_name in known_names:
        if known_name.startswith(prefix) and _is_slip(word, known_name.removeprefix(prefix)):
            yield known_name


def _is_slip(word: str, option_name: str) -> bool:
    """Whether a word misspells an option. Both begin with an underscore. A plural is another word, not a slip."""
    is_plural = option_name.rstrip("s") == word.rstrip("s")
    is_short = len(option_name) <= _LONGEST_UNCOMPARED
    if is_plural or is_short or option_name[:_COMMON_BEGINNING_LENGTH] != word[:_COMMON_BEGINNING_LENGTH]:
        return False
    return _is_one_edit(option_name, word)


def _find_by_role(name: str, role: str) -> Iterator[str]:
    """Yield the names with this role in place of the first words of a name, if they are the role but for a slip.

    The list of a role, such as `otel_collectors`, has no option behind the name of the role.
    """
    name_parts = name.split("_")
    for part_count in range(1, min(len(name_parts), _MOST_WORDS_OF_ROLE + 1)):
        if _is_one_edit("_".join(name_parts[:part_count]), role):
            yield f"{role}_{'_'.join(name_parts[part_count:])}"
    plural = f"{role}s"
    if _is_one_edit(name, plural):
        yield plural


def _is_one_edit(shorter: str, longer: str) -> bool:
    """Whether one text becomes another by one letter that is added, removed or replaced, or swapped with the next.

    For example, `mode` becomes `mod`, `made` or `moed`.
    """
    if len(shorter) > len(longer):
        shorter, longer = longer, shorter
    difference_index = _find_first_difference(shorter, longer)
    shorter_rest, longer_rest = shorter[difference_index:], longer[difference_index:]
    is_added = shorter_rest == longer_rest[1:]
    is_replaced = len(shorter) == len(longer) and shorter_rest[1:] == longer_rest[1:]
    is_swapped = shorter_rest[:2] == longer_rest[1::-1] and shorter_rest[2:] == longer_rest[2:]
    return is_added or is_replaced or is_swapped


def _find_first_difference(first_text: str, second_text: str) -> int:
    """Return the index of the first letter in which two texts differ; the length of the shorter one if none does."""
    for index, (first_letter, second_letter) in enumerate(zip(first_text, second_text, strict=False)):
        if first_letter != second_letter:
            return index
    return min(len(first_text), len(second_text))
