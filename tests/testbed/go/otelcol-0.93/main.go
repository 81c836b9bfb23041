// Program otelcol-contrib is the part of OpenTelemetry Collector Contrib 0.93.0 that agents and gateways need.
//
// A newer Collector cannot stand in for it: it rejects settings that 0.93.0 needs.
package main

import (
	"log"

	"github.com/open-telemetry/opentelemetry-collector-contrib/extension/healthcheckextension"
	"github.com/open-telemetry/opentelemetry-collector-contrib/receiver/jaegerreceiver"
	"github.com/open-telemetry/opentelemetry-collector-contrib/receiver/zipkinreceiver"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/exporter"
	"go.opentelemetry.io/collector/exporter/debugexporter"
	"go.opentelemetry.io/collector/exporter/otlpexporter"
	"go.opentelemetry.io/collector/extension"
	"go.opentelemetry.io/collector/otelcol"
	"go.opentelemetry.io/collector/processor"
	"go.opentelemetry.io/collector/processor/batchprocessor"
	"go.opentelemetry.io/collector/processor/memorylimiterprocessor"
	"go.opentelemetry.io/collector/receiver"
	"go.opentelemetry.io/collector/receiver/otlpreceiver"
)

func components() (found otelcol.Factories, err error) {
	found.Receivers, err = receiver.MakeFactoryMap(
		otlpreceiver.NewFactory(), jaegerreceiver.NewFactory(), zipkinreceiver.NewFactory())
	if err != nil {
		return found, err
	}
	found.Processors, err = processor.MakeFactoryMap(
		batchprocessor.NewFactory(), memorylimiterprocessor.NewFactory())
	if err != nil {
		return found, err
	}
	found.Exporters, err = exporter.MakeFactoryMap(debugexporter.NewFactory(), otlpexporter.NewFactory())
	if err != nil {
		return found, err
	}
	found.Extensions, err = extension.MakeFactoryMap(healthcheckextension.NewFactory())
	return found, err
}

func main() {
	info := component.BuildInfo{Command: "otelcol-contrib", Description: "Part of Contrib", Version: "0.93.0"}
	if err := otelcol.NewCommand(otelcol.CollectorSettings{BuildInfo: info, Factories: components}).Execute(); err != nil {
		log.Fatal(err)
	}
}
