// The WebSocket part of the target contract, on gorilla/websocket as it comes.
package main

import (
	"crypto/tls"
	"encoding/binary"
	"encoding/json"
	"flag"
	"io"
	"log"
	"net/http"
	"strconv"
	"strings"

	"github.com/gorilla/websocket"
)

const maxMessage = 16 << 20 // octets; declared as max_message in target.toml

var upgrader = websocket.Upgrader{
	CheckOrigin:       func(*http.Request) bool { return true },
	EnableCompression: true,
	Subprotocols:      []string{"proof.v2", "proof.v1"},
}

func number(request *http.Request, name string, otherwise int) int {
	if value, err := strconv.Atoi(request.URL.Query().Get(name)); err == nil {
		return value
	}
	return otherwise
}

func handle(response http.ResponseWriter, request *http.Request) {
	socket, err := upgrader.Upgrade(response, request, nil)
	if err != nil {
		return // it has been answered
	}
	defer socket.Close()
	socket.SetReadLimit(maxMessage)
	switch request.URL.Path {
	case "/push":
		for k := 0; k < min(number(request, "count", 1), 100000); k++ {
			message := make([]byte, 8+min(number(request, "size", 8), maxMessage))
			binary.BigEndian.PutUint64(message, uint64(k))
			if socket.WriteMessage(websocket.BinaryMessage, message[:len(message)-8]) != nil {
				return
			}
		}
	case "/close":
		reason := websocket.FormatCloseMessage(number(request, "code", 1000), request.URL.Query().Get("reason"))
		socket.WriteMessage(websocket.CloseMessage, reason)
	}
	asked := request.URL.Path == "/headers"
	for {
		kind, message, err := socket.ReadMessage()
		if err != nil {
			return
		}
		if asked {
			asked = false
			fields := map[string]string{"host": request.Host} // net/http keeps it apart
			for name, values := range request.Header {
				fields[strings.ToLower(name)] = strings.Join(values, ", ")
			}
			message, _ = json.Marshal(fields)
		}
		if socket.WriteMessage(kind, message) != nil {
			return
		}
	}
}

func min(a, b int) int {
	if a < b {
		return a
	}
	return b
}

func main() {
	port := flag.String("port", "", "")
	certificate := flag.String("certificate", "", "")
	key := flag.String("key", "", "")
	flag.Parse()
	server := http.Server{
		Addr:         "127.0.0.1:" + *port,
		Handler:      http.HandlerFunc(handle),
		ErrorLog:     log.New(io.Discard, "", 0),
		TLSNextProto: map[string]func(*http.Server, *tls.Conn, http.Handler){}, // no HTTP/2
	}
	if *certificate != "" {
		log.Fatal(server.ListenAndServeTLS(*certificate, *key))
	}
	log.Fatal(server.ListenAndServe())
}
