package main

import (
	"context"

	"github.com/go-logr/logr"

	config "github.com/cert-manager/cert-manager/internal/apis/config/webhook"
	"github.com/cert-manager/cert-manager/internal/apis/config/webhook/scheme"
	"github.com/cert-manager/cert-manager/internal/webhook"
	"github.com/cert-manager/cert-manager/pkg/apis/config/webhook/v1alpha1"
)

func runWebhook(ctx context.Context, o *options) error {
	types, _, err := scheme.NewSchemeAndCodecs()
	if err != nil {
		return err
	}
	defaults := &v1alpha1.WebhookConfiguration{}
	types.Default(defaults)
	configuration := &config.WebhookConfiguration{}
	if err := types.Convert(defaults, configuration, nil); err != nil {
		return err
	}
	configuration.SecurePort = o.securePort
	configuration.MetricsListenAddress = o.metricsAddress
	dynamic := &configuration.TLSConfig.Dynamic
	dynamic.SecretName, dynamic.SecretNamespace, dynamic.DNSNames = o.secretName, o.secretNamespace, o.dnsNames
	server, err := webhook.NewCertManagerWebhookServer(logr.FromContextOrDiscard(ctx), *configuration)
	if err != nil {
		return err
	}
	return server.Run(ctx)
}
