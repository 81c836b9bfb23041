// Package k8sobjects gives the newest receiver for Kubernetes objects that is published as a module, which is of
// 0.111 and knows itself as k8sobjects, the name by which 0.158 knows it, so that configs run unchanged.
package k8sobjects

import (
	"context"

	older "github.com/open-telemetry/opentelemetry-collector-contrib/receiver/k8sobjectsreceiver"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/receiver"
)

// NewFactory returns the receiver under its name of today.
func NewFactory() receiver.Factory {
	factory := older.NewFactory()
	create := func(ctx context.Context, set receiver.Settings, cfg component.Config, next consumer.Logs) (receiver.Logs, error) {
		set.ID = component.NewIDWithName(factory.Type(), set.ID.Name())
		return factory.CreateLogs(ctx, set, cfg, next)
	}
	return receiver.NewFactory(component.MustNewType("k8s_objects"), factory.CreateDefaultConfig,
		receiver.WithLogs(create, factory.LogsStability()))
}
