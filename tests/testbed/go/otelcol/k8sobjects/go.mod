module o11y.example/testbed/k8sobjects

go 1.25.0

require (
	github.com/open-telemetry/opentelemetry-collector-contrib/extension/k8sleaderelector v0.149.0
	github.com/open-telemetry/opentelemetry-collector-contrib/receiver/k8seventsreceiver v0.111.0
	github.com/open-telemetry/opentelemetry-collector-contrib/receiver/k8sobjectsreceiver v0.111.0
	go.opentelemetry.io/collector/component v1.65.0
	go.opentelemetry.io/collector/consumer v1.65.0
	go.opentelemetry.io/collector/receiver v1.65.0
	go.uber.org/zap v1.28.0
)
