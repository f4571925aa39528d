package main

import (
	"bufio"
	"context"
	"crypto/rand"
	"encoding/base32"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"
)

// ---- etcd ----

const etcdValueLen = 300

type etcdWriter struct {
	client *clientv3.Client
	value  string
}

// Clients beyond `conns` share connections, which gRPC can.
func openEtcd(clients, conns int, endpoints []string) ([]writer, error) {
	value := make([]byte, etcdValueLen)
	rand.Read(value)
	shared := make([]*clientv3.Client, min(clients, conns))
	for i := range shared {
		endpoint := endpoints[i%len(endpoints)]
		client, err := clientv3.New(clientv3.Config{Endpoints: []string{endpoint}, DialTimeout: 5 * time.Second, Logger: zap.NewNop()})
		if err != nil {
			return nil, err
		}
		shared[i] = client
	}
	writers := make([]writer, clients)
	for i := range writers {
		writers[i] = &etcdWriter{shared[i%len(shared)], string(value)}
	}
	return writers, nil
}

func (w *etcdWriter) write(ctx context.Context) (string, error) {
	var raw [16]byte
	rand.Read(raw[:])
	key := hex.EncodeToString(raw[:])
	_, err := w.client.Put(ctx, key, w.value)
	return key, err
}

func listEtcd(ctx context.Context, endpoint string) (map[string]bool, error) {
	client, err := clientv3.New(clientv3.Config{Endpoints: []string{endpoint}, DialTimeout: 5 * time.Second, Logger: zap.NewNop()})
	if err != nil {
		return nil, err
	}
	defer client.Close()
	answer, err := client.Get(ctx, "", clientv3.WithPrefix(), clientv3.WithKeysOnly())
	if err != nil {
		return nil, err
	}
	has := make(map[string]bool, len(answer.Kvs))
	for _, kv := range answer.Kvs {
		has[string(kv.Key)] = true
	}
	return has, nil
}

// ---- pins ----

// HTTP/1.1 with one connection a client, kept alive. Not net/http's client: its two goroutines a connection
// cost more than the peer does, on the cores that the peers need.
type pinsWriter struct {
	endpoint string
	conn     net.Conn // nil: to be opened
	answers  *bufio.Reader
}

func openPins(clients int, endpoints []string) ([]writer, error) {
	writers := make([]writer, clients)
	for i := range writers {
		writers[i] = &pinsWriter{endpoint: endpoints[i%len(endpoints)]}
	}
	return writers, nil
}

var base32Lower = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// CIDv1, raw, sha2-256 of nothing in particular.
func newCID() string {
	raw := [36]byte{0x01, 0x55, 0x12, 32}
	rand.Read(raw[4:])
	return "b" + base32Lower.EncodeToString(raw[:])
}

func (w *pinsWriter) write(ctx context.Context) (string, error) {
	cid := newCID()
	err := w.ask(ctx, cid)
	if err != nil && w.conn != nil {
		w.conn.Close()
		w.conn = nil
	}
	return cid, err
}

func listPins(ctx context.Context, endpoint string) (map[string]bool, error) {
	question, err := http.NewRequestWithContext(ctx, "GET", "http://"+endpoint+"/allocations?consistent=true", nil)
	if err != nil {
		return nil, err
	}
	answer, err := http.DefaultClient.Do(question)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s", answer.Status)
	}
	has := make(map[string]bool)
	for lines := json.NewDecoder(answer.Body); ; {
		var pin struct{ Cid string }
		if err := lines.Decode(&pin); err == io.EOF {
			break
		} else if err != nil {
			return nil, err
		}
		has[pin.Cid] = true
	}
	if text := answer.Trailer.Get("X-Stream-Error"); text != "" {
		return nil, fmt.Errorf("the list is not whole: %s", text)
	}
	return has, nil
}

func (w *pinsWriter) ask(ctx context.Context, cid string) error {
	if w.conn == nil {
		var dialer net.Dialer
		conn, err := dialer.DialContext(ctx, "tcp", w.endpoint)
		if err != nil {
			return err
		}
		w.conn, w.answers = conn, bufio.NewReader(conn)
	}
	if deadline, ok := ctx.Deadline(); ok {
		w.conn.SetDeadline(deadline)
	}
	question := "POST /pins/" + cid + " HTTP/1.1\r\nHost: " + w.endpoint + "\r\nContent-Length: 0\r\n\r\n"
	if _, err := io.WriteString(w.conn, question); err != nil {
		return err
	}
	answer, err := http.ReadResponse(w.answers, nil)
	if err != nil {
		return err
	}
	body, err := io.ReadAll(answer.Body)
	answer.Body.Close()
	if err == nil && answer.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", answer.Status, strings.TrimSpace(string(body)))
	}
	return err
}
