// Package elected lets a receiver of 0.111 run only while its Collector holds the lease of extension
// k8s_leader_elector, as the receivers of the Collector have done by themselves since 0.126.
package elected

import (
	"context"
	"fmt"

	"github.com/open-telemetry/opentelemetry-collector-contrib/extension/k8sleaderelector"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/receiver"
	"go.uber.org/zap"
)

// Create makes the receiver anew: one that was shut down does not start again.
type Create func() (receiver.Logs, error)

// Receiver runs what it creates, always or while its Collector is elected.
type Receiver struct {
	create  Create
	elector *component.ID
	logger  *zap.Logger
	running receiver.Logs
}

// New returns a receiver. Without an elector it always runs.
func New(create Create, elector *component.ID, logger *zap.Logger) *Receiver {
	return &Receiver{create: create, elector: elector, logger: logger}
}

// Start implements component.Component.
func (r *Receiver) Start(ctx context.Context, host component.Host) error {
	if r.elector == nil {
		return r.begin(ctx, host)
	}
	extension, ok := host.GetExtensions()[*r.elector].(k8sleaderelector.LeaderElection)
	if !ok {
		return fmt.Errorf("extension %q elects no leader", r.elector)
	}
	extension.SetCallBackFuncs(
		func(ctx context.Context) {
			if err := r.begin(ctx, host); err != nil {
				r.logger.Error("Cannot start as the elected leader", zap.Error(err))
			}
		},
		func() {
			if err := r.Shutdown(context.Background()); err != nil {
				r.logger.Error("Cannot stop after the lease was lost", zap.Error(err))
			}
		},
	)
	return nil
}

func (r *Receiver) begin(ctx context.Context, host component.Host) error {
	made, err := r.create()
	if err != nil {
		return err
	}
	r.running = made
	return made.Start(ctx, host)
}

// Shutdown implements component.Component.
func (r *Receiver) Shutdown(ctx context.Context) error {
	if r.running == nil {
		return nil
	}
	ended := r.running
	r.running = nil
	return ended.Shutdown(ctx)
}
