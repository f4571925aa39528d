package main

import (
	"context"
	"crypto/rand"
	"encoding/base32"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"
)

// ---- etcd ----

const (
	etcdValueLen = 300
	etcdConnsMax = 99 // gRPC connections are shared beyond it, as etcd's own benchmark advises
)

type etcdWriter struct {
	client *clientv3.Client
	value  string
}

func openEtcd(clients int, endpoints []string) ([]writer, error) {
	value := make([]byte, etcdValueLen)
	rand.Read(value)
	conns := make([]*clientv3.Client, min(clients, etcdConnsMax))
	for i := range conns {
		endpoint := endpoints[i%len(endpoints)]
		client, err := clientv3.New(clientv3.Config{Endpoints: []string{endpoint}, DialTimeout: 5 * time.Second, Logger: zap.NewNop()})
		if err != nil {
			return nil, err
		}
		conns[i] = client
	}
	writers := make([]writer, clients)
	for i := range writers {
		writers[i] = &etcdWriter{conns[i%len(conns)], string(value)}
	}
	return writers, nil
}

func (w *etcdWriter) write(ctx context.Context) error {
	var key [16]byte
	rand.Read(key[:])
	_, err := w.client.Put(ctx, hex.EncodeToString(key[:]), w.value)
	return err
}

// ---- pins ----

// One connection each: HTTP/1.1 has one request on its way in a connection.
type pinsWriter struct {
	http *http.Client
	base string
}

func openPins(clients int, endpoints []string) ([]writer, error) {
	transport := &http.Transport{MaxIdleConnsPerHost: clients, DisableCompression: true}
	client := &http.Client{Transport: transport}
	writers := make([]writer, clients)
	for i := range writers {
		writers[i] = &pinsWriter{client, "http://" + endpoints[i%len(endpoints)] + "/pins/"}
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

func (w *pinsWriter) write(ctx context.Context) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, w.base+newCID(), nil)
	if err != nil {
		return err
	}
	answer, err := w.http.Do(request)
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
