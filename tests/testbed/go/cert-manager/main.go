// Command cert-manager is the controller, the webhook and the cainjector of cert-manager, by the name that it is started
// under. Their own commands are modules that are not published, so this one puts the published packages together. It
// issues from self-signed and CA issuers; ACME, Vault and Venafi are left out. Flags are upstream's; the ones that it
// does not know are accepted without effect.
package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"github.com/go-logr/logr"
	"github.com/spf13/pflag"
	"k8s.io/klog/v2"
	ctrl "sigs.k8s.io/controller-runtime"
)

var components = map[string]func(context.Context, *options) error{
	"controller": runController,
	"webhook":    runWebhook,
	"cainjector": runInjector,
}

// options are the flags of all three.
type options struct {
	clusterResourceNamespace string
	leaderElectionNamespace  string
	enableOwnerRef           bool
	metricsAddress           string
	securePort               int32
	secretName               string
	secretNamespace          string
	dnsNames                 []string
	verbosity                int
}

func parse(arguments []string) (*options, error) {
	o := &options{}
	flags := pflag.NewFlagSet("cert-manager", pflag.ContinueOnError)
	flags.ParseErrorsWhitelist.UnknownFlags = true
	flags.StringVar(&o.clusterResourceNamespace, "cluster-resource-namespace", "kube-system", "")
	flags.StringVar(&o.leaderElectionNamespace, "leader-election-namespace", "kube-system", "")
	flags.BoolVar(&o.enableOwnerRef, "enable-certificate-owner-ref", false, "")
	flags.StringVar(&o.metricsAddress, "metrics-listen-address", ":9402", "")
	flags.Int32Var(&o.securePort, "secure-port", 6443, "")
	flags.StringVar(&o.secretName, "dynamic-serving-ca-secret-name", "", "")
	flags.StringVar(&o.secretNamespace, "dynamic-serving-ca-secret-namespace", "", "")
	flags.StringSliceVar(&o.dnsNames, "dynamic-serving-dns-names", nil, "")
	flags.IntVar(&o.verbosity, "v", 0, "")
	return o, flags.Parse(arguments)
}

// serve answers on an address until the context ends; "0" stands for no server.
func serve(ctx context.Context, address string, make func(net.Listener) *http.Server) error {
	if address == "0" {
		return nil
	}
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	server := make(listener)
	go func() {
		<-ctx.Done()
		_ = server.Close()
	}()
	go func() {
		if err := server.Serve(listener); err != http.ErrServerClosed {
			fail(err)
		}
	}()
	return nil
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

func main() {
	name := filepath.Base(os.Args[0])
	run, known := components[name]
	if !known {
		fail(fmt.Errorf("no component is called %q", name))
	}
	o, err := parse(os.Args[1:])
	if err != nil {
		fail(err)
	}
	var level klog.Level
	_ = level.Set(fmt.Sprint(o.verbosity))
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	log := klog.Background()
	ctrl.SetLogger(log)
	if err := run(logr.NewContext(ctx, log), o); err != nil {
		fail(err)
	}
}
