//go:build v1_20

package main

import "github.com/cert-manager/cert-manager/pkg/controller"

// limitBackoff has nothing to set: 1.20 knows the longest wait itself.
func limitBackoff(*controller.CertificateOptions) {}
