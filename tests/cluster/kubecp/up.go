package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strconv"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/clientcmd/api"
)

// upCommand starts the whole control plane under one directory and stops it
// when it is itself told to stop.
func upCommand() *cobra.Command {
	var dir, audit string
	var withControllers, withScheduler, owned, remove bool
	var nodes int
	c := &cobra.Command{Use: "up", SilenceUsage: true, RunE: func(*cobra.Command, []string) error {
		runtime.LockOSThread() // Pdeathsig watches the thread that started a part
		dir, err := filepath.Abs(dir)
		if err != nil {
			return err
		}
		ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
		defer stop()
		if owned {
			go func() {
				_, _ = io.Copy(io.Discard, os.Stdin)
				stop()
			}()
		}
		u := &upper{dir: dir, failed: make(chan error, 8)}
		if remove {
			defer u.remove()
		}
		defer u.down()
		return u.run(ctx, withControllers, withScheduler, nodes, audit)
	}}
	c.Flags().StringVar(&dir, "dir", "cluster", "where keys, data, logs and kubeconfigs go")
	c.Flags().BoolVar(&withControllers, "controllers", false, "run kube-controller-manager too")
	c.Flags().BoolVar(&withScheduler, "scheduler", false, "run kube-scheduler too (without it the fake node binds pods)")
	c.Flags().IntVar(&nodes, "nodes", 0, "how many fake nodes")
	c.Flags().BoolVar(&owned, "while-stdin", false, "stop when standard input ends, so that nothing outlives who started this")
	c.Flags().BoolVar(&remove, "remove", false, "remove DIR after stopping")
	c.Flags().StringVar(&audit, "audit-policy", "", "an audit policy file; the log goes to DIR/audit.log")
	return c
}

type upper struct {
	dir    string
	procs  []*exec.Cmd
	failed chan error
}

func (u *upper) path(name string) string { return filepath.Join(u.dir, name) }

func (u *upper) run(ctx context.Context, withControllers, withScheduler bool, nodes int, audit string) error {
	start := time.Now()
	if err := os.MkdirAll(u.dir, 0o700); err != nil {
		return err
	}
	_ = os.Remove(u.path("ready"))
	ports := freePorts(5)
	etcd := "http://127.0.0.1:" + ports[0]
	server := "https://127.0.0.1:" + ports[2]
	ca, err := newAuthority(u.path("ca.crt"))
	if err != nil {
		return err
	}
	if err := ca.issue(u.path("server"), pkix.Name{CommonName: "kube-apiserver"}, "localhost", "kubernetes.default.svc"); err != nil {
		return err
	}
	for name, subject := range map[string]pkix.Name{
		"admin":       {CommonName: "admin", Organization: []string{"system:masters"}},
		"controllers": {CommonName: "system:kube-controller-manager"},
		"scheduler":   {CommonName: "system:kube-scheduler"},
	} {
		if err := ca.issue(u.path(name), subject); err != nil {
			return err
		}
		if err := u.kubeconfig(name, server); err != nil {
			return err
		}
	}
	if err := u.start("etcd", "--data-dir", u.path("etcd"), "--client-url", etcd, "--peer-url", "http://127.0.0.1:"+ports[1]); err != nil {
		return err
	}
	args := []string{
		"--etcd-servers=" + etcd,
		"--bind-address=127.0.0.1", "--advertise-address=127.0.0.1", "--secure-port=" + ports[2],
		"--endpoint-reconciler-type=none", "--service-cluster-ip-range=10.0.0.0/24",
		"--tls-cert-file=" + u.path("server.crt"), "--tls-private-key-file=" + u.path("server.key"),
		"--client-ca-file=" + u.path("ca.crt"), "--authorization-mode=RBAC",
		"--service-account-issuer=https://kubernetes.default.svc",
		"--service-account-key-file=" + u.path("server.key"), "--service-account-signing-key-file=" + u.path("server.key"),
		"--allow-privileged=true", "--profiling=false",
	}
	if !withControllers {
		// nobody makes the default service accounts that this plugin demands
		args = append(args, "--disable-admission-plugins=ServiceAccount")
	}
	if audit != "" {
		args = append(args, "--audit-policy-file="+audit, "--audit-log-path="+u.path("audit.log"))
	}
	if err := u.start("kube-apiserver", args...); err != nil {
		return err
	}
	if err := u.waitFor(ctx, server+"/readyz", ca); err != nil {
		return err
	}
	if withControllers {
		err := u.start("kube-controller-manager", "--kubeconfig="+u.path("controllers.kubeconfig"), "--leader-elect=false",
			"--use-service-account-credentials=true", "--kube-api-qps=500", "--kube-api-burst=1000", "--concurrent-serviceaccount-token-syncs=5",
			"--root-ca-file="+u.path("ca.crt"),
			"--service-account-private-key-file="+u.path("server.key"), "--secure-port="+ports[3], "--bind-address=127.0.0.1",
			"--node-monitor-grace-period=24h")
		if err != nil {
			return err
		}
	}
	if withScheduler {
		err := u.start("kube-scheduler", "--kubeconfig="+u.path("scheduler.kubeconfig"), "--leader-elect=false",
			"--secure-port="+ports[4], "--bind-address=127.0.0.1")
		if err != nil {
			return err
		}
	}
	if nodes > 0 {
		err := u.start("fakenode", "--kubeconfig="+u.path("admin.kubeconfig"), "--nodes="+strconv.Itoa(nodes), "--bind="+strconv.FormatBool(!withScheduler))
		if err != nil {
			return err
		}
	}
	if withControllers { // pods need it, and the controllers are seconds late with it on a busy machine
		if err := u.waitFor(ctx, server+"/api/v1/namespaces/default/serviceaccounts/default", ca); err != nil {
			return err
		}
	}
	if err := os.WriteFile(u.path("ready"), []byte(server+"\n"), 0o644); err != nil {
		return err
	}
	fmt.Printf("ready in %d ms: %s\n", time.Since(start).Milliseconds(), u.path("admin.kubeconfig"))
	select {
	case <-ctx.Done():
		return nil
	case err := <-u.failed:
		return err
	}
}

// start runs this same binary as one of its parts; the part dies with us.
func (u *upper) start(part string, args ...string) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	log, err := os.Create(u.path(part + ".log"))
	if err != nil {
		return err
	}
	defer log.Close()
	cmd := exec.Command(self, append([]string{part}, args...)...)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
	if err := cmd.Start(); err != nil {
		return err
	}
	u.procs = append(u.procs, cmd)
	go func() {
		err := cmd.Wait()
		u.failed <- fmt.Errorf("%s stopped (%v): see %s", part, err, log.Name())
	}()
	return nil
}

// down stops the parts, clients before servers. The data are thrown away with
// the directory, so nobody is asked to finish nicely.
func (u *upper) down() {
	_ = os.Remove(u.path("ready"))
	for i := len(u.procs) - 1; i >= 0; i-- {
		_ = u.procs[i].Process.Kill()
	}
}

// remove deletes the directory. A part that was killed a moment ago may still write into it.
func (u *upper) remove() {
	for range 20 {
		if os.RemoveAll(u.dir) == nil {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// waitFor asks for an address as admin until the answer is 200.
func (u *upper) waitFor(ctx context.Context, url string, ca *authority) error {
	cert, err := tls.LoadX509KeyPair(u.path("admin.crt"), u.path("admin.key"))
	if err != nil {
		return err
	}
	client := &http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: ca.pool(), Certificates: []tls.Certificate{cert}}}}
	for {
		resp, err := client.Get(url)
		if err == nil {
			resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return nil
			}
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case err := <-u.failed:
			return err
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func (u *upper) kubeconfig(name, server string) error {
	cfg := api.NewConfig()
	cfg.Clusters["test"] = &api.Cluster{Server: server, CertificateAuthority: u.path("ca.crt")}
	cfg.AuthInfos[name] = &api.AuthInfo{ClientCertificate: u.path(name + ".crt"), ClientKey: u.path(name + ".key")}
	cfg.Contexts["test"] = &api.Context{Cluster: "test", AuthInfo: name, Namespace: "default"}
	cfg.CurrentContext = "test"
	return clientcmd.WriteToFile(*cfg, u.path(name+".kubeconfig"))
}

// freePorts asks the kernel for ports and gives them back at once; a part that
// loses the race for one stops, and `up` says so.
func freePorts(n int) []string {
	var ports []string
	var held []net.Listener
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			panic(err)
		}
		held = append(held, l)
		ports = append(ports, strconv.Itoa(l.Addr().(*net.TCPAddr).Port))
	}
	for _, l := range held {
		l.Close()
	}
	return ports
}

// authority is the certificate authority of one cluster; its key is never written.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(path string) (*authority, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	t := template(pkix.Name{CommonName: "kubecp"})
	t.IsCA, t.BasicConstraintsValid, t.KeyUsage = true, true, x509.KeyUsageCertSign
	der, err := x509.CreateCertificate(rand.Reader, t, t, key.Public(), key)
	if err != nil {
		return nil, err
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, err
	}
	return &authority{cert, key}, writePEM(path, "CERTIFICATE", der)
}

func (a *authority) pool() *x509.CertPool {
	p := x509.NewCertPool()
	p.AddCert(a.cert)
	return p
}

// issue writes BASE.crt and BASE.key for a subject that is both client and,
// where it has names, server on loopback.
func (a *authority) issue(base string, subject pkix.Name, names ...string) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	t := template(subject)
	t.KeyUsage = x509.KeyUsageDigitalSignature
	t.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth}
	if len(names) > 0 {
		t.DNSNames, t.IPAddresses = names, []net.IP{net.IPv4(127, 0, 0, 1), net.IPv4(10, 0, 0, 1)}
	}
	der, err := x509.CreateCertificate(rand.Reader, t, a.cert, key.Public(), a.key)
	if err != nil {
		return err
	}
	if err := writePEM(base+".crt", "CERTIFICATE", der); err != nil {
		return err
	}
	secret, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return err
	}
	return writePEM(base+".key", "EC PRIVATE KEY", secret)
}

func template(subject pkix.Name) *x509.Certificate {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		panic(err)
	}
	return &x509.Certificate{SerialNumber: serial, Subject: subject, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour)}
}

func writePEM(path, kind string, der []byte) error {
	return os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600)
}
