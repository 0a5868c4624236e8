// Compares the claim sub of the bearer token with the URI SAN of the live peer, on the bare proxy-wasm ABI. It verifies no signature: it
// shows what decoding and comparing cost in Go, and is no protection.
package main

import (
	"encoding/base64"
	"encoding/json"
	"strings"
	"unsafe"
)

const (
	requestHeaders = 0
	proceed        = 0
	pause          = 1
)

//go:wasmimport env proxy_get_header_map_value
func getHeaderMapValue(mapType uint32, key *byte, keySize uint32, value *uint32, size *uint32) uint32

//go:wasmimport env proxy_get_property
func getProperty(path *byte, pathSize uint32, value *uint32, size *uint32) uint32

//go:wasmimport env proxy_send_local_response
func sendLocalResponse(status uint32, details *byte, detailsSize uint32, body *byte, bodySize uint32,
	headers *byte, headersSize uint32, grpcStatus int32) uint32

// What the host has put into memory during this callback: the garbage collector must not take it before it is read.
var received [][]byte

//go:wasmexport proxy_abi_version_0_2_1
func abiVersion() {}

//go:wasmexport proxy_on_memory_allocate
func allocate(size uint32) *byte {
	bytes := make([]byte, max(size, 1))
	received = append(received, bytes)
	return &bytes[0]
}

//go:wasmexport proxy_on_context_create
func createContext(id, parent uint32) {}

//go:wasmexport proxy_on_request_headers
func onRequestHeaders(id, count, endOfStream uint32) uint32 {
	defer func() { received = received[:0] }()
	peer := property("connection\x00uri_san_peer_certificate")
	if subject := subjectOf(header("authorization")); subject != "" && subject == peer {
		return proceed
	}
	sendLocalResponse(403, nil, 0, nil, 0, nil, 0, -1)
	return pause
}

//go:wasmexport proxy_on_delete
func onDelete(id uint32) {}

func subjectOf(authorization string) string {
	token, isBearer := strings.CutPrefix(authorization, "Bearer ")
	parts := strings.Split(token, ".")
	if !isBearer || len(parts) != 3 {
		return ""
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return ""
	}
	var claims struct {
		Subject string `json:"sub"`
	}
	if json.Unmarshal(payload, &claims) != nil {
		return ""
	}
	return claims.Subject
}

func header(name string) string {
	var value, size uint32
	if getHeaderMapValue(requestHeaders, unsafe.StringData(name), uint32(len(name)), &value, &size) != 0 {
		return ""
	}
	return textAt(value, size)
}

func property(path string) string {
	var value, size uint32
	if getProperty(unsafe.StringData(path), uint32(len(path)), &value, &size) != 0 {
		return ""
	}
	return textAt(value, size)
}

// The host speaks of addresses in 32 bits; pointers of Go have 64.
func textAt(address, size uint32) string {
	return unsafe.String((*byte)(unsafe.Pointer(uintptr(address))), size)
}

func main() {}
