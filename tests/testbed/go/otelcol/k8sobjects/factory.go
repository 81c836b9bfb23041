// Package k8sobjects gives the newest receiver for Kubernetes objects that is published as a module, which is of
// 0.111 and knows itself as k8sobjects, the name by which 0.158 knows it and with its election of a leader, so that
// configs run unchanged.
package k8sobjects

import (
	"context"

	older "github.com/open-telemetry/opentelemetry-collector-contrib/receiver/k8sobjectsreceiver"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/receiver"
	"o11y.example/testbed/k8sobjects/elected"
)

type config struct {
	older.Config `mapstructure:",squash"`
	Elector      *component.ID `mapstructure:"k8s_leader_elector"`
}

// NewFactory returns the receiver under its name of today.
func NewFactory() receiver.Factory {
	factory := older.NewFactory()
	defaults := func() component.Config {
		return &config{Config: *factory.CreateDefaultConfig().(*older.Config)}
	}
	create := func(ctx context.Context, set receiver.Settings, cfg component.Config, next consumer.Logs) (receiver.Logs, error) {
		given := cfg.(*config)
		set.ID = component.NewIDWithName(factory.Type(), set.ID.Name())
		start := func() (receiver.Logs, error) { return factory.CreateLogs(ctx, set, &given.Config, next) }
		return elected.New(start, given.Elector, set.Logger), nil
	}
	return receiver.NewFactory(component.MustNewType("k8s_objects"), defaults,
		receiver.WithLogs(create, factory.LogsStability()))
}
