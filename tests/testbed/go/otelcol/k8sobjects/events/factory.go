// Package events gives the newest receiver for Kubernetes events that is published as a module, which is of 0.111,
// with the election of a leader that 0.158 has.
package events

import (
	"context"

	older "github.com/open-telemetry/opentelemetry-collector-contrib/receiver/k8seventsreceiver"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/receiver"
	"o11y.example/testbed/k8sobjects/elected"
)

type config struct {
	older.Config `mapstructure:",squash"`
	Elector      *component.ID `mapstructure:"k8s_leader_elector"`
}

// NewFactory returns the receiver.
func NewFactory() receiver.Factory {
	factory := older.NewFactory()
	defaults := func() component.Config {
		return &config{Config: *factory.CreateDefaultConfig().(*older.Config)}
	}
	create := func(ctx context.Context, set receiver.Settings, cfg component.Config, next consumer.Logs) (receiver.Logs, error) {
		given := cfg.(*config)
		start := func() (receiver.Logs, error) { return factory.CreateLogs(ctx, set, &given.Config, next) }
		return elected.New(start, given.Elector, set.Logger), nil
	}
	return receiver.NewFactory(factory.Type(), defaults, receiver.WithLogs(create, factory.LogsStability()))
}
