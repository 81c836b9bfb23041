# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Templates and conditions that one process of Ansible has compiled, for all that are forked later.

Ansible forks for each task of each host, and what a fork compiles ends with it. So a run compiles the same texts again
and again, as the next run does. The compiled code depends on the text, the delimiters and the escapes of backslashes.
Before ansible-core 2.19, whose templates are others, and where one of the private names below is missing, each process
compiles as ever.
"""

from __future__ import annotations

from contextvars import ContextVar
from importlib import import_module
from pathlib import Path
from typing import Any

_NEEDED_NAMES = (
    "AnsibleEnvironment",
    "TemplateExpression",
    "_TEMPLATE_OVERRIDE_FIELD_NAMES",
    "_TemplateCompileContext",
)
_EXPRESSION_PATH: ContextVar[Path | None] = ContextVar("_EXPRESSION_PATH", default=None)


def use(code_folder: Any) -> None:
    """Let Ansible's templates and conditions keep their code in a folder (code_folder.py)."""
    try:
        bits: Any = import_module("ansible._internal._templating._jinja_bits")
    except ImportError:
        return
    if not all(hasattr(bits, name) for name in _NEEDED_NAMES):
        return
    environment_class = bits.AnsibleEnvironment
    compile_usually, compile_expression_usually = environment_class.compile, environment_class.compile_expression

    def find_file(environment: Any, kind: str, text: str) -> Path:
        context = bits._TemplateCompileContext.current(optional=True)
        settings = [getattr(environment, name) for name in bits._TEMPLATE_OVERRIDE_FIELD_NAMES]
        file: Path = code_folder.find_file(
            repr((kind, str(text), bool(context and context.escape_backslashes), settings))
        )
        return file

    def compile_source(
        self: Any, source: Any, name: Any = None, filename: Any = None, *more: Any, **options: Any
    ) -> Any:
        is_text = isinstance(source, str) and not (name or filename or more or options)
        path = find_file(self, "template", source) if is_text else _EXPRESSION_PATH.get()
        code = code_folder.read(path) if path else None
        if not code:
            code = compile_usually(self, source, name, filename, *more, **options)
            if path:
                code_folder.write(path, code)
        return code

    def compile_expression(self: Any, source: str, undefined_to_none: bool = True) -> Any:
        path = find_file(self, "expression", source)
        if code := code_folder.read(path):
            template = self.template_class.from_code(self, code, self.make_globals(None), None)
            return bits.TemplateExpression(template, undefined_to_none)
        token = _EXPRESSION_PATH.set(path)
        try:
            return compile_expression_usually(self, source, undefined_to_none)
        finally:
            _EXPRESSION_PATH.reset(token)

    environment_class.compile, environment_class.compile_expression = compile_source, compile_expression
