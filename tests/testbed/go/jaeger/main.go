// Command jaeger is the storage in memory and the query API (version 3) of Jaeger, behind receivers of OTLP.
//
// Jaeger's own command is a collector with all of its storages; not all of the modules that it wants are published
// everywhere. What is here listens where Jaeger does: 4317 (OTLP, gRPC), 4318 (OTLP, HTTP) and 16686 (queries).
package main

import (
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os/signal"
	"strings"
	"syscall"

	"github.com/gorilla/mux"
	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"
	"go.opentelemetry.io/otel/trace/noop"
	"go.uber.org/zap"
	"google.golang.org/grpc"
	_ "google.golang.org/grpc/encoding/gzip"

	"github.com/jaegertracing/jaeger/cmd/query/app/apiv3"
	"github.com/jaegertracing/jaeger/cmd/query/app/querysvc/v2/querysvc"
	configuration "github.com/jaegertracing/jaeger/internal/storage/v1/memory"
	"github.com/jaegertracing/jaeger/internal/storage/v2/memory"
)

const maxTraces = 100000

// receiver takes OTLP, whichever way it comes.
type receiver struct {
	ptraceotlp.UnimplementedGRPCServer
	store *memory.Store
}

func (r *receiver) Export(ctx context.Context, request ptraceotlp.ExportRequest) (ptraceotlp.ExportResponse, error) {
	return ptraceotlp.NewExportResponse(), r.store.WriteTraces(ctx, request.Traces())
}

// ServeHTTP is OTLP over HTTP: protobuf or JSON, with or without gzip.
func (r *receiver) ServeHTTP(answer http.ResponseWriter, asked *http.Request) {
	body := io.Reader(asked.Body)
	if asked.Header.Get("Content-Encoding") == "gzip" {
		unpacked, err := gzip.NewReader(asked.Body)
		if err != nil {
			http.Error(answer, err.Error(), http.StatusBadRequest)
			return
		}
		body = unpacked
	}
	content, err := io.ReadAll(body)
	if err != nil {
		http.Error(answer, err.Error(), http.StatusBadRequest)
		return
	}
	request := ptraceotlp.NewExportRequest()
	contentType, read, write := "application/x-protobuf", request.UnmarshalProto, ptraceotlp.ExportResponse.MarshalProto
	if strings.HasPrefix(asked.Header.Get("Content-Type"), "application/json") {
		contentType, read, write = "application/json", request.UnmarshalJSON, ptraceotlp.ExportResponse.MarshalJSON
	}
	if err := read(content); err != nil {
		http.Error(answer, err.Error(), http.StatusBadRequest)
		return
	}
	response, err := r.Export(asked.Context(), request)
	if err != nil {
		http.Error(answer, err.Error(), http.StatusInternalServerError)
		return
	}
	written, err := write(response)
	if err != nil {
		http.Error(answer, err.Error(), http.StatusInternalServerError)
		return
	}
	answer.Header().Set("Content-Type", contentType)
	_, _ = answer.Write(written)
}

// serve listens and hands each of the listeners to its server; the first error ends the program.
func serve(servers map[string]func(net.Listener) error) {
	for address, run := range servers {
		listener, err := net.Listen("tcp", address)
		if err != nil {
			log.Fatal(err)
		}
		go func() { log.Fatal(run(listener)) }()
	}
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	store, err := memory.NewStore(configuration.Configuration{MaxTraces: maxTraces})
	if err != nil {
		log.Fatal(err)
	}
	logger, err := zap.NewProduction()
	if err != nil {
		log.Fatal(err)
	}
	queries := mux.NewRouter()
	gateway := apiv3.HTTPGateway{
		QueryService: querysvc.NewQueryService(store, store, querysvc.QueryServiceOptions{}),
		Logger:       logger,
		Tracer:       noop.NewTracerProvider(),
	}
	gateway.RegisterRoutes(queries)
	queries.HandleFunc("/", func(answer http.ResponseWriter, _ *http.Request) { fmt.Fprintln(answer, "ok") })
	otlp := mux.NewRouter()
	otlp.Handle("/v1/traces", &receiver{store: store}).Methods(http.MethodPost)
	server := grpc.NewServer()
	ptraceotlp.RegisterGRPCServer(server, &receiver{store: store})
	serve(map[string]func(net.Listener) error{
		":4317":  server.Serve,
		":4318":  func(listener net.Listener) error { return http.Serve(listener, otlp) },
		":16686": func(listener net.Listener) error { return http.Serve(listener, queries) },
	})
	<-ctx.Done()
}
