// cmstack is Chaos Mesh's controller manager with one thing replaced: where the
// released program calls a chaos-daemon on the pod's node, this one calls a
// stand-in on loopback that changes nothing, writes each call as a JSON line to
// $DAEMON_CALLS, and refuses the methods named (one a line) in $DAEMON_REFUSES.
// All else (selectors, records, finalizers, schedules, workflows, webhooks) is
// the released code. It takes the released program's environment variables, and
// stops when its standard input ends, so that it never outlives who started it.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	stdlog "log"
	"net"
	"os"
	"strings"
	"sync"
	"time"

	"go.uber.org/fx"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/dynamicpb"
	"google.golang.org/protobuf/types/known/emptypb"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	ctrlmetrics "sigs.k8s.io/controller-runtime/pkg/metrics"

	"github.com/chaos-mesh/chaos-mesh/api/v1alpha1"
	"github.com/chaos-mesh/chaos-mesh/cmd/chaos-controller-manager/provider"
	"github.com/chaos-mesh/chaos-mesh/controllers"
	"github.com/chaos-mesh/chaos-mesh/controllers/config"
	"github.com/chaos-mesh/chaos-mesh/controllers/types"
	"github.com/chaos-mesh/chaos-mesh/controllers/utils/chaosdaemon"
	_ "github.com/chaos-mesh/chaos-mesh/pkg/chaosdaemon/pb" // what the daemon is asked
	"github.com/chaos-mesh/chaos-mesh/pkg/log"
	"github.com/chaos-mesh/chaos-mesh/pkg/metrics"
	"github.com/chaos-mesh/chaos-mesh/pkg/selector"
)

type params struct {
	fx.In
	Mgr      ctrl.Manager
	Metrics  *metrics.ChaosControllerManagerMetricsCollector
	Objs     []types.Object        `group:"objs"`
	Webhooks []types.WebhookObject `group:"webhookObjs"`
}

func run(p params) error {
	for _, o := range p.Objs {
		if err := ctrl.NewWebhookManagedBy(p.Mgr).For(o.Object).WithValidator(o.Object).WithDefaulter(o.Object).Complete(); err != nil {
			return err
		}
	}
	for _, o := range p.Webhooks {
		if err := ctrl.NewWebhookManagedBy(p.Mgr).For(o.Object).WithValidator(o.Object).WithDefaulter(o.Object).Complete(); err != nil {
			return err
		}
	}
	if err := ctrl.NewWebhookManagedBy(p.Mgr).For(&v1alpha1.Schedule{}).WithValidator(&v1alpha1.Schedule{}).WithDefaulter(&v1alpha1.Schedule{}).Complete(); err != nil {
		return err
	}
	if err := ctrl.NewWebhookManagedBy(p.Mgr).For(&v1alpha1.Workflow{}).WithValidator(&v1alpha1.Workflow{}).WithDefaulter(&v1alpha1.Workflow{}).Complete(); err != nil {
		return err
	}
	return p.Mgr.Start(ctrl.SetupSignalHandler())
}

// everyNode answers that the daemon of whichever node lies on loopback.
type everyNode struct{ client.Reader }

func (n everyNode) List(ctx context.Context, list client.ObjectList, opts ...client.ListOption) error {
	slices, ok := list.(*discoveryv1.EndpointSliceList)
	if !ok {
		return n.Reader.List(ctx, list, opts...)
	}
	var nodes corev1.NodeList
	if err := n.Reader.List(ctx, &nodes); err != nil {
		return err
	}
	var s discoveryv1.EndpointSlice
	s.Name = "chaos-daemon-stand-in"
	for i := range nodes.Items {
		s.Endpoints = append(s.Endpoints, discoveryv1.Endpoint{Addresses: []string{"127.0.0.1"}, NodeName: &nodes.Items[i].Name})
	}
	slices.Items = []discoveryv1.EndpointSlice{s}
	return nil
}

// standIn answers every unary method: success, where the answer has a field for it.
func standIn() grpc.StreamHandler {
	calls := os.Stdout
	if name := os.Getenv("DAEMON_CALLS"); name != "" {
		f, err := os.OpenFile(name, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
		if err != nil {
			stdlog.Fatal(err)
		}
		calls = f
	}
	var one sync.Mutex
	return func(_ any, stream grpc.ServerStream) error {
		full, _ := grpc.MethodFromServerStream(stream)
		method, err := find(full)
		if err != nil {
			return status.Error(codes.Unimplemented, err.Error())
		}
		name := string(method.Name())
		raw := &emptypb.Empty{} // keeps what it does not know
		if err := stream.RecvMsg(raw); err != nil {
			return err
		}
		refused, _ := os.ReadFile(os.Getenv("DAEMON_REFUSES"))
		no := strings.Contains("\n"+string(refused)+"\n", "\n"+name+"\n")
		call := map[string]any{"at": time.Now().UTC().Format(time.RFC3339Nano), "method": name, "refused": no, "request": asJSON(method.Input(), raw.ProtoReflect().GetUnknown())}
		if md, ok := metadata.FromIncomingContext(stream.Context()); ok {
			for k, v := range md {
				if strings.Contains(k, "namespacedname") {
					call["for"] = strings.Join(v, ",")
				}
			}
		}
		line, _ := json.Marshal(call)
		one.Lock()
		fmt.Fprintf(calls, "%s\n", line)
		one.Unlock()
		if no {
			return status.Error(codes.Internal, "the stand-in was told to refuse "+name)
		}
		answer := dynamicpb.NewMessage(method.Output())
		if f := method.Output().Fields().ByName("statusCode"); f != nil {
			answer.Set(f, protoreflect.ValueOfInt32(200))
		}
		// Chaos Mesh's name server, which is asked on the same port, says it so.
		if f := method.Output().Fields().ByName("result"); f != nil && f.Kind() == protoreflect.BoolKind {
			answer.Set(f, protoreflect.ValueOfBool(true))
		}
		return stream.SendMsg(answer)
	}
}

// find looks a method up in the descriptors that the daemon's client registered.
func find(full string) (protoreflect.MethodDescriptor, error) {
	name := strings.ReplaceAll(strings.TrimPrefix(full, "/"), "/", ".")
	d, err := protoregistry.GlobalFiles.FindDescriptorByName(protoreflect.FullName(name))
	if err != nil {
		return nil, err
	}
	if m, ok := d.(protoreflect.MethodDescriptor); ok {
		return m, nil
	}
	return nil, fmt.Errorf("%s is no method", full)
}

func asJSON(kind protoreflect.MessageDescriptor, raw []byte) json.RawMessage {
	msg := dynamicpb.NewMessage(kind)
	if proto.Unmarshal(raw, msg) != nil {
		return nil
	}
	out, _ := protojson.Marshal(msg)
	return out
}

func main() {
	logger, err := log.NewDefaultZapLogger()
	if err != nil {
		stdlog.Fatal(err)
	}
	log.ReplaceGlobals(logger)
	ctrl.SetLogger(logger)
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(0)
	}()
	l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", config.ControllerCfg.ChaosDaemonPort))
	if err != nil {
		stdlog.Fatal(err)
	}
	go func() { stdlog.Fatal(grpc.NewServer(grpc.UnknownServiceHandler(standIn())).Serve(l)) }()
	app := fx.New(
		fx.NopLogger,
		fx.Supply(ctrlmetrics.Registry),
		fx.Supply(logger),
		fx.Provide(metrics.NewChaosControllerManagerMetricsCollector),
		fx.Options(provider.Module, controllers.Module, selector.Module, types.ChaosObjects, types.WebhookObjects),
		fx.Decorate(func(b *chaosdaemon.ChaosDaemonClientBuilder) *chaosdaemon.ChaosDaemonClientBuilder {
			return &chaosdaemon.ChaosDaemonClientBuilder{Reader: everyNode{b.Reader}}
		}),
		fx.Invoke(run), // stays until SIGTERM
	)
	if err := app.Err(); err != nil {
		stdlog.Fatal(err)
	}
}
