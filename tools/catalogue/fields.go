// Copyright (c) The o11y.opentelemetry maintainers
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// `otelcol-contrib fields` prints, as JSON, which keys and shapes of values the components of a build take: it walks the
// types of their configs, and asks the Collector's own decoder at every place. See fields.py beside it.
package main

import (
	"encoding"
	"encoding/json"
	"os"
	"reflect"
	"strings"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/confmap"
)

type object = map[string]any

// A place in the config of a component: how to put a value there, and how to decode the whole.
type place struct {
	fresh func() component.Config
	wrap  func(any) any
	stack []reflect.Type
}

func (p place) below(wrap func(any) any, t reflect.Type) place {
	return place{p.fresh, func(v any) any { return p.wrap(wrap(v)) }, append(append([]reflect.Type{}, p.stack...), t)}
}

func (p place) decode(value any) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = nil
		}
	}()
	raw, _ := p.wrap(value).(object)
	config := p.fresh()
	return confmap.NewFromStringMap(raw).Unmarshal(&config)
}

var samples = map[string][]any{
	"s": {"x", "1", "1s", "true", "otlp", "1MiB", "basic", "http://x:1"},
	"i": {7, 0},
	"f": {1.5},
	"b": {true, false},
	"l": {[]any{}},
	"m": {object{}},
}

// What the decoder says of a value of the wrong shape, as against a wrong value.
var mistyped = []string{"expected type", "unconvertible type", "expected a map", "must be an array or slice", "cannot unmarshal", "invalid type", "unsupported type", "must be a "}

func refusesShape(err error) bool {
	for _, text := range mistyped {
		if err != nil && strings.Contains(err.Error(), text) {
			return true
		}
	}
	return false
}

// Letters of the shapes that are taken here.
func (p place) shapes() string {
	taken := ""
	for _, letter := range []string{"s", "i", "f", "b", "l", "m"} {
		for _, value := range samples[letter] {
			if !refusesShape(p.decode(value)) {
				taken += letter
				break
			}
		}
	}
	if len(taken) == len(samples) {
		return "?"
	}
	return taken
}

var (
	textType  = reflect.TypeFor[encoding.TextUnmarshaler]()
	confType  = reflect.TypeFor[confmap.Unmarshaler]()
	delayType = reflect.TypeFor[time.Duration]()
)

func custom(t reflect.Type) bool { return reflect.PointerTo(t).Implements(confType) }

// The type in an optional one: configoptional.Optional[T] has Get() *T.
func optional(t reflect.Type) (reflect.Type, bool) {
	if !strings.HasPrefix(t.Name(), "Optional[") {
		return nil, false
	}
	get, found := reflect.PointerTo(t).MethodByName("Get")
	if !found {
		return nil, false
	}
	return get.Type.Out(0).Elem(), true
}

func (p place) node(t reflect.Type) any {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if inner, found := optional(t); found {
		return p.node(inner)
	}
	for _, seen := range p.stack {
		if seen == t {
			return "?"
		}
	}
	if t == delayType {
		return "d" + p.shapes()
	}
	if reflect.PointerTo(t).Implements(textType) {
		return p.shapes()
	}
	switch t.Kind() {
	case reflect.Struct:
		return p.structure(t)
	case reflect.Map:
		if shapes := p.shapes(); shapes != "m" {
			return shapes
		}
		key := "k"
		return object{"*": p.below(func(v any) any { return object{key: v} }, t).node(t.Elem())}
	case reflect.Slice, reflect.Array:
		shapes := p.shapes()
		if strings.Contains(shapes, "m") || !strings.Contains(shapes, "l") {
			return shapes
		}
		inner := p.below(func(v any) any { return []any{v} }, t).node(t.Elem())
		return []any{shapes, inner}
	case reflect.Interface:
		return "?"
	}
	return p.shapes()
}

func (p place) structure(t reflect.Type) any {
	if shapes := p.shapes(); len(p.stack) > 0 && shapes != "m" {
		return shapes
	}
	result := object{}
	open := p.fields(t, t, result)
	err := p.decode(object{"no_such_key": object{}})
	strict := err != nil && strings.Contains(err.Error(), "invalid keys")
	if _, known := result["enabled"]; strict && !known {
		if err := p.decode(object{"enabled": true}); err == nil || !strings.Contains(err.Error(), "invalid keys") {
			result["enabled"] = "b"
		}
	}
	if len(p.stack) > 0 && custom(t) && !strict {
		return "?" // reads its keys by itself
	}
	if open || !strict {
		result["..."] = ""
	}
	return result
}

func (p place) fields(root, t reflect.Type, result object) (open bool) {
	for i := range t.NumField() {
		field := t.Field(i)
		name, options, _ := strings.Cut(field.Tag.Get("mapstructure"), ",")
		inner := field.Type
		for inner.Kind() == reflect.Pointer {
			inner = inner.Elem()
		}
		switch {
		case name == "-" || (!field.IsExported() && !strings.Contains(options, "squash")):
		case strings.Contains(options, "remain"):
			open = true
		case strings.Contains(options, "squash"):
			if opt, found := optional(inner); found {
				inner = opt
			}
			if inner.Kind() != reflect.Struct {
				open = true
				continue
			}
			open = p.fields(root, inner, result) || open
		default:
			if name == "" {
				name = field.Name
			}
			key := name
			below := p.below(func(v any) any { return object{key: v} }, root)
			if err := below.decode(nil); err != nil && strings.Contains(err.Error(), "invalid keys") {
				continue
			}
			result[key] = below.node(field.Type)
		}
	}
	return open
}

func describe(fresh func() component.Config) any {
	p := place{fresh, func(v any) any { return v }, nil}
	return p.node(reflect.TypeOf(fresh()))
}

func collect[F component.Factory](section string, factories map[component.Type]F, settings, stability, aliases object) {
	for kind, factory := range factories {
		name := section + "/" + kind.String()
		if factory.Type() != kind {
			aliases[name] = factory.Type().String()
			continue
		}
		settings[name] = describe(factory.CreateDefaultConfig)
		stability[name] = levels(reflect.ValueOf(factory))
	}
}

// How stable a component is for each signal, or pair of signals, that it has: `TracesStability`, `LogsToMetricsStability`.
func levels(factory reflect.Value) object {
	found := object{}
	for i := range factory.NumMethod() {
		name, has := strings.CutSuffix(factory.Type().Method(i).Name, "Stability")
		if !has {
			continue
		}
		level := factory.Method(i).Call(nil)[0].Interface().(component.StabilityLevel)
		if level != component.StabilityLevelUndefined {
			signal := strings.ToLower(strings.Replace(name, "To", ">", 1))
			found[signal] = strings.ToLower(level.String())
		}
	}
	return found
}

func init() {
	if len(os.Args) != 2 || os.Args[1] != "fields" {
		return
	}
	factories, err := components()
	if err != nil {
		panic(err)
	}
	settings, stability, aliases := object{"service/telemetry": describe(func() component.Config { return factories.Telemetry.CreateDefaultConfig() })}, object{}, object{}
	collect("receivers", factories.Receivers, settings, stability, aliases)
	collect("processors", factories.Processors, settings, stability, aliases)
	collect("exporters", factories.Exporters, settings, stability, aliases)
	collect("connectors", factories.Connectors, settings, stability, aliases)
	collect("extensions", factories.Extensions, settings, stability, aliases)
	encoder := json.NewEncoder(os.Stdout)
	encoder.SetIndent("", " ")
	if err := encoder.Encode(object{"fields": settings, "stability": stability, "aliases": aliases}); err != nil {
		panic(err)
	}
	os.Exit(0)
}
