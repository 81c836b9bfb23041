//go:build !v1_20

package main

import (
	"time"

	"github.com/cert-manager/cert-manager/pkg/controller"
)

// limitBackoff sets the longest wait after a failure; without one there would be no wait at all.
func limitBackoff(o *controller.CertificateOptions) {
	o.CertificateRequestMaximumBackoffDuration = 32 * time.Hour
}
