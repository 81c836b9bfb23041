// Copyright (c) The o11y.opentelemetry maintainers
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"os"

	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/confmap/provider/envprovider"
	"go.opentelemetry.io/collector/confmap/provider/fileprovider"
	"go.opentelemetry.io/collector/confmap/provider/httpprovider"
	"go.opentelemetry.io/collector/confmap/provider/httpsprovider"
	"go.opentelemetry.io/collector/confmap/provider/yamlprovider"
	"go.opentelemetry.io/collector/otelcol"
)

// `otelcol-contrib validate-each` does what `validate --config FILE` does, for each file that it reads the name of, and
// writes what that prints as a line of JSON. To start a Collector takes much longer than to validate a config.
func init() {
	if len(os.Args) != 2 || os.Args[1] != "validate-each" {
		return
	}
	names, answers := bufio.NewScanner(os.Stdin), json.NewEncoder(os.Stdout)
	for names.Scan() {
		if err := answers.Encode(validate(names.Text())); err != nil {
			os.Exit(1)
		}
	}
	os.Exit(0)
}

// validate returns what is printed about a config that is refused; nothing, if it is accepted.
func validate(file string) (printed string) {
	defer func() {
		if panicked := recover(); panicked != nil {
			printed = fmt.Sprint("panic: ", panicked)
		}
	}()
	providers := []confmap.ProviderFactory{
		envprovider.NewFactory(),
		fileprovider.NewFactory(),
		yamlprovider.NewFactory(),
		httpprovider.NewFactory(),
		httpsprovider.NewFactory(),
	}
	command := otelcol.NewCommand(otelcol.CollectorSettings{
		Factories: components,
		ConfigProviderSettings: otelcol.ConfigProviderSettings{
			ResolverSettings: confmap.ResolverSettings{ProviderFactories: providers},
		},
	})
	var output bytes.Buffer
	command.SetOut(&output)
	command.SetErr(&output)
	command.SetArgs([]string{"validate", "--config", file})
	if command.Execute() == nil {
		return ""
	}
	return output.String()
}
