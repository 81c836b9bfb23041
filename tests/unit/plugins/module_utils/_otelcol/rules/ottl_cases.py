# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Cases of the rules on OTTL: statements of transform, conditions of filter, tail_sampling, count and routing."""

from __future__ import annotations

from collections.abc import Iterator

from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.rules.subject import Subject

from tests.contract.mutants.edits import Mutator, built, plus

CASES = """
ottl-syntax:
  given: {build: contrib 0.158.0}
  single quotes: {processors.transform.log_statements: [{context: log, statements: ["set(attributes['a'], 1)"]}],
    finds: "processors.transform.log_statements[0].statements[0]: `'` has no meaning here"}
  an assignment: {processors.filter.trace_conditions: ['span.attributes["a"] = "b"'],
    finds: "processors.filter.trace_conditions[0]: should stand here, not `=` Write `==`."}
  an escape that Go does not know: {processors.filter.logs.log_record: ['IsMatch(body, "\\d+")'],
    finds: "processors.filter.logs.log_record[0]: `\\\\d` is no escape in a text Write `\\\\\\\\d` for a backslash."}
  an open bracket: {processors.transform.trace_statements: ['set(span.attributes["a"], "b"'],
    finds: "processors.transform.trace_statements[0]: `,` or `)` should stand here, not the end"}
  a converter in lower case: {processors.transform.trace_statements: ['set(span.name, concat(["a"], "b"))'],
    finds: "processors.transform.trace_statements[0]: Write `Concat(…)`."}
  texts between groups: {processors.transform.log_statements: ["set(log.body, 1)", {context: log, statements: []}],
    finds: "processors.transform.log_statements: mixed"}
  a condition of a metric: {connectors.count.spans.errors.conditions: ["status.code == "],
    finds: "connectors.count.spans.errors.conditions[0]: a value should stand here, not the end"}
  a condition on requests: {connectors.routing: {table: [{context: request, condition: 'request["a"] = "b"'}]},
    finds: 'connectors.routing.table[0].condition: it has no `==` or `!=` Write `request["NAME"] == "VALUE"`.'}
  a correct one on requests: {connectors.routing: {table: [{context: request, condition: 'request["a"] != "b"'}]}}
  correct ones:
    processors.transform.trace_statements: ['set(span.attributes["a"], 1 + -2) where not (span.name == "b" or true)']
    processors.filter.metrics.metric: ['type == METRIC_DATA_TYPE_SUM and IsMatch(name, "^a\\\\.(b|c)$$")']
  a variable: {processors.filter.traces.span: ["${env:CONDITION}"]}
  another component: {processors.attributes.trace_statements: ["="]}
  groups before texts: {processors.transform.log_statements: [{context: log, statements: []}, "set(log.body, 1)"]}
  no list: {processors.transform: {trace_statements: "set(", metric_statements: {a: 1}}}
  no text: {processors.transform.log_statements: [1],
    finds: "processors.transform.log_statements[0]: a statement is text, not a number Put the whole text"}
  no text but a list: {processors.filter.log_conditions: [[2]],
    finds: "processors.filter.log_conditions[0]: a condition is text, not a list"}
  no text in a group: {processors.transform.log_statements: [{context: log, statements: [{'set(log.body, "a': b}]}],
    finds: "processors.transform.log_statements[0].statements[0]: a statement is text, not a mapping"}
  a condition that is null: {processors.filter.traces.span: [null],
    finds: "processors.filter.traces.span[0]: a condition is text, not null"}
  conditions as one text: {processors.filter.traces.span: 'name == "a",name ==',
    finds: "processors.filter.traces.span: a value should stand here"}
  conditions of a group as one text: {processors.filter.trace_conditions: [{context: span, conditions: 'span.name =='}],
    finds: "processors.filter.trace_conditions[0].conditions: a value should stand here"}
  correct conditions as one text: {processors.filter.trace_conditions: [{context: span,
    conditions: 'span.name == "a",span.name == "b"'}]}
  a condition that comes from outside: {processors.filter.traces.span: "${env:A},x"}
ottl-name:
  given: {build: contrib 0.158.0}
  a misspelt editor: {processors.transform.trace_statements: ['sett(span.attributes["a"], 1)'],
    finds: "processors.transform.trace_statements[0]: function 'sett' does not exist; did you mean 'set'?"}
  a function that left: {processors.transform.trace_statements: ['set(span.name, Base64Decode("YQ=="))'],
    build: contrib 0.161.0, finds: "processors.transform.trace_statements[0]: 'Base64Decode' is gone since 0.161.0"}
  a function before it left: {processors.transform.trace_statements: ['set(span.name, Base64Decode("YQ=="))']}
  a function that a later version brings: {processors.transform.trace_statements: ['clear(span.attributes)'],
    finds: "processors.transform.trace_statements[0]: 'clear' exists since 0.160.0"}
  a misspelt converter: {processors.filter.logs.log_record: ['IsMatches(body, "a")'],
    finds: "processors.filter.logs.log_record[0]: did you mean 'IsMatch'?"}
  a function of metrics on data points:
    processors.transform.metric_statements: [{context: datapoint, statements: [convert_sum_to_gauge()]}]
    finds: "processors.transform.metric_statements[0].statements[0]: does not exist in context datapoint here"
  a function of a later version: {processors.transform.log_statements: ["set(log.body, IsEmpty(log.body))"],
    build: contrib 0.156.0, finds: "processors.transform.log_statements[0]: exists since 0.157.0"}
  a misspelt path: {processors.filter.traces.span: ["status.kode == 1"],
    finds: "processors.filter.traces.span[0]: context span has no path 'status.kode'; did you mean 'status.code'?"}
  a key after a dot: {processors.filter.traces.span: ['attributes.http.method == "GET"'],
    finds: 'processors.filter.traces.span[0]: Write `attributes["http.method"]`.'}
  keys of a path that has none: {processors.filter.traces.span: ['name["a"] == "b"'],
    finds: "processors.filter.traces.span[0]: 'name' has no keys"}
  a path without a context: {processors.transform.log_statements: ['set(attributes["a"], 1)'],
    finds: "processors.transform.log_statements[0]: so the context is unknown Write `log.attributes`."}
  a context of another signal: {processors.transform.log_statements: ['set(span.attributes["a"], 1)'],
    finds: "processors.transform.log_statements[0]: no context 'span' here Paths start with one of log, scope"}
  a given context of another signal: {processors.transform.log_statements: [{context: span, statements: []}],
    finds: "processors.transform.log_statements[0].context: no context 'span' here"}
  the cache of another context: {processors.transform.log_statements: ['set(log.body, resource.cache["a"])'],
    finds: "processors.transform.log_statements[0]: only its own cache"}
  a misspelt enum: {processors.filter.traces.span: ["kind == SPAN_KIND_SERVR"],
    finds: "processors.filter.traces.span[0]: did you mean 'SPAN_KIND_SERVER'?"}
  a route: {connectors.routing: {table: [{context: log, condition: "bodi == 1"}]}, logs: otlp > routing,
    logs/2: routing > debug, finds: "connectors.routing.table[0].condition: did you mean 'body'?"}
  a route that infers its context: {connectors.routing: {table: [{condition: 'attributes["a"] == 1'}]}}
  correct ones:
    processors.transform:
      metric_statements:
        - {context: DataPoint, statements: ['set(attributes["a"], resource.attributes["b"]) where metric.name == "c"'],
           conditions: ['flags == FLAG_NONE']}
        - {statements: ['copy_metric("a") where metric.name == "b"'], conditions: ['resource.attributes["a"] != nil']}
      log_statements: ["set(resource.schema_url, SEVERITY_NUMBER_INFO)", "set(log.cache, otelcol.client.metadata)"]
  a version of which nothing is known: {processors.transform.log_statements: ["set(log.body, Brand(log.body))"],
    build: contrib 0.170.0, finds: "processors.transform.log_statements[0]: nearest known version"}
ottl-argument:
  given: {build: contrib 0.158.0}
  too few: {processors.transform.log_statements: ["set(log.body)"],
    finds: "processors.transform.log_statements[0]: 'set' takes 2 arguments, not 1 Write `set(target, value)`."}
  an unknown name: {processors.transform.log_statements: ["set(log.body, valu=1)"],
    finds: "processors.transform.log_statements[0]: 'set' has no argument 'valu'; did you mean 'value'?"}
  a name before none: {processors.transform.log_statements: ["set(target=log.body, 1)"],
    finds: "processors.transform.log_statements[0]: without a name follows one with a name"}
  a literal as target: {processors.transform.log_statements: ['set("body", log.body)'],
    finds: "processors.transform.log_statements[0]: 'target' of 'set' is a path, not text"}
  text for a list: {processors.transform.log_statements: ['keep_keys(log.attributes, "a")'],
    finds: "processors.transform.log_statements[0]: 'keys' of 'keep_keys' is a list Write `[…]`."}
  a lookahead: {processors.filter.logs.log_record: ['IsMatch(body, "(?!a)b")'],
    finds: "processors.filter.logs.log_record[0]: Go has no lookahead"}
  an unknown mode: {processors.transform.log_statements: ['replace_all_patterns(log.attributes, "keys", "a", "b")'],
    finds: "processors.transform.log_statements[0]: 'keys' is unknown here; did you mean 'key'? Use one of key, value."}
  a wrong format of a time: {processors.transform.log_statements: ['set(log.time, Time(log.body, "%Q"))'],
    finds: "processors.transform.log_statements[0]: `%Q` is no directive of a time"}
  an unknown grok pattern:
    processors.transform.log_statements: ['set(log.body, ExtractGrokPatterns(log.body, "%{TIMESTAMP_ISO:t}"))']
    finds: "processors.transform.log_statements[0]: no grok pattern 'TIMESTAMP_ISO'; did you mean 'TIMESTAMP_ISO8601'?"
  a grok pattern without a group:
    processors.transform.log_statements: ['set(log.body, ExtractGrokPatterns(log.body, "%{IP}", true))']
    finds: "processors.transform.log_statements[0]: names no group Write `%{PATTERN:NAME}`."
  an address for a network: {processors.filter.logs.log_record: ['IsInCIDR(body, ["10.0.0.0"])'],
    finds: "processors.filter.logs.log_record[0]: '10.0.0.0' is not a network: it has no `/` and length"}
  an unknown Unicode class: {processors.filter.logs.log_record: ['IsMatch(body, "\\\\p{Latn}")'],
    finds: "processors.filter.logs.log_record[0]: no Unicode class 'Latn'; did you mean 'Latin'?"}
  equal delimiters: {processors.transform.log_statements: ['set(log.body, ParseKeyValue(log.body, "=", "="))'],
    finds: "processors.transform.log_statements[0]: are the same Choose another one."}
  a short id: {processors.transform.trace_statements: ['set(span.trace_id, TraceID(0x0102))'],
    finds: "processors.transform.trace_statements[0]: 16 bytes Write `0x` and 32 hexadecimal digits."}
  a lambda: {processors.transform.log_statements: ["set(log.body, Any(log.body, (x) => x == 1))"],
    finds: "processors.transform.log_statements[0]: feature gate ottl.functions.enableLambda"}
  correct ones:
    processors.transform.log_statements:
      - set(log.body, ExtractGrokPatterns(log.body, "%{IP:a} %{MY:b.c:int} %{IP:d}", true, ["MY=%{INT}"]))
      - set(log.body, IsInCIDR(log.body, ["10.0.0.0/8", "::/0", log.attributes["net"]]))
      - replace_pattern(log.body, "a{2}", "$$1", replacement_format="%s")
      - set(log.attributes["a"], Substring(log.body, 0, 5)) where Len(log.body) > 5
      - 'merge_maps(log.attributes, ParseJSON(log.body), "upsert")'
  an encoding: {processors.transform.log_statements: ['set(log.body, Decode(log.body, "base46"))'],
    finds: "processors.transform.log_statements[0]: 'base46' is not an encoding of text; did you mean 'base64'? Write a
    name such as `utf-8` or `base64`."}
  a known encoding: {processors.transform.log_statements: ['set(log.body, Decode(log.body, "base64"))']}
  a base in capitals: {processors.transform.log_statements: ['set(log.body, Decode(log.body, "BASE64"))'],
    finds: "processors.transform.log_statements[0]: 'BASE64' is not an encoding of text"}
  a time zone: {processors.transform.log_statements: ['set(log.time, Time(log.body, "%Y", "Europe/Zurch"))'],
    finds: "processors.transform.log_statements[0]: is not a time zone; did you mean 'Europe/Zurich'?"}
  digits in a format: {processors.transform.log_statements: ['set(log.body, FormatTime(Now(), "%Y 5"))'],
    finds: "processors.transform.log_statements[0]: the format of a time may have no digits"}
  a path of XPath with an open bracket:
    processors.transform.log_statements: ['set(log.body, GetXML(log.body, "/a["))']
    finds: "processors.transform.log_statements[0]: this is not a path of XPath: a `[` has no `]`"
  a path of XPath with an open quote:
    processors.transform.log_statements: ['set(log.body, RemoveXML(log.body, "/a[@b=''c]"))']
    finds: "processors.transform.log_statements[0]: a quote is not closed Write a path such as `/a/b[@c='d']`."
  a path of XPath that ends with a slash:
    processors.transform.log_statements: ['set(log.body, InsertXML(log.body, "/a/", "<b/>"))']
    finds: "processors.transform.log_statements[0]: nothing follows the last slash"
  no path of XPath: {processors.transform.log_statements: ['set(log.body, GetXML(log.body, ""))'],
    finds: "processors.transform.log_statements[0]: this is not a path of XPath: it is blank"}
  correct literals:
    processors.transform.log_statements:
      - set(log.body, Decode(log.body, "base64-url"))
      - set(log.body, Decode(log.body, "Windows-1252"))
      - set(log.body, Decode(log.body, log.attributes["encoding"]))
      - set(log.time, Time(log.body, "%Y", "Europe/Zurich"))
      - set(log.body, GetXML(log.body, "/a]"))
      - set(log.body, GetXML(log.body, "//a[@b='[']/c"))
      - set(log.body, ConvertTextToElementsXML(log.body, "", "x"))
sampling-condition:
  given: {build: contrib 0.158.0}
  a misspelt path:
    processors.tail_sampling.policies: [{name: a, type: ottl_condition, ottl_condition: {span: ["nam == 1"]}}]
    finds: "processors.tail_sampling.policies[0].ottl_condition.span[0]: context span has no path 'nam'"
  a correct one:
    processors.tail_sampling.policies: [{name: a, type: ottl_condition, ottl_condition: {span: ['name == "a"']}}]
"""


def _filters(*conditions: str) -> Mutator:
    """Return a mutator that adds a filter with each condition."""

    def mutate(subject: Subject) -> Iterator[Subject]:
        for condition in conditions:
            around = built("contrib", "0.158.0")
            yield plus(subject, "processors", "filter", {"traces": {"span": [condition]}}, **around)
            group = {"context": "span", "statements": [f"set(attributes, {{}}) where {condition}"]}
            yield plus(subject, "processors", "transform", {"trace_statements": [group]}, **around)

    return mutate


def _policies(subject: Subject) -> Iterator[Subject]:
    for condition in ("name", "nam == 1", "IsMatch(name)", "Foo() == 1", "kind == KIND", "name == 'a'"):
        policy = {"name": "a", "type": "ottl_condition", "ottl_condition": {"span": [condition]}}
        yield plus(subject, "processors", "tail_sampling", {"policies": [policy]}, **built("contrib", "0.158.0"))


MUTATORS = {
    "ottl-syntax": _filters(
        "name = 1", "name == 'a'", "name", "name == 1 and", "(name == 1", "!IsRootSpan()", "1e5 == 1"
    ),
    "ottl-name": _filters("nam == 1", "Nam() == 1", "kind == SERVER", "metric.name == 1", "attributes.a == 1"),
    "ottl-argument": _filters(
        "IsMatch(name)",
        'IsMatch(name, "(")',
        "IsMatch(name, 1)",
        "IsRootSpan(1)",
        "Year(1) == 1",
        'IsInCIDR(name, ["1/2"])',
        'ExtractGrokPatterns(name, "%{NO}") == nil',
    ),
    "sampling-condition": _policies,
}
