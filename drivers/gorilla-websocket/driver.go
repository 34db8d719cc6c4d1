// gorilla/websocket with compression offered: each message goes back as it came.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strconv"

	"github.com/gorilla/websocket"
)

var url, agent = os.Getenv("SOCKPROOF_URL"), os.Getenv("SOCKPROOF_AGENT")

// asked is the one message that the server says there.
func asked(path string) []byte {
	socket, _, err := websocket.DefaultDialer.Dial(url+path, nil)
	if err != nil {
		panic(err)
	}
	defer socket.Close()
	_, said, _ := socket.ReadMessage()
	socket.ReadMessage() // answers the Close
	return said
}

// run is one case, until its connection has ended in whatever way.
func run(path string, subprotocols []string) {
	dialer := websocket.Dialer{EnableCompression: true, Subprotocols: subprotocols}
	socket, _, err := dialer.Dial(url+path, nil)
	if err != nil {
		return
	}
	defer socket.Close()
	for {
		kind, message, err := socket.ReadMessage()
		if err != nil || socket.WriteMessage(kind, message) != nil {
			return
		}
	}
}

func main() {
	count, err := strconv.Atoi(string(asked("/getCaseCount")))
	if err != nil {
		panic(err)
	}
	for number := 1; number <= count; number++ {
		var info struct{ Subprotocols []string }
		json.Unmarshal(asked(fmt.Sprint("/getCaseInfo?case=", number)), &info)
		run(fmt.Sprintf("/runCase?case=%d&agent=%s", number, agent), info.Subprotocols)
	}
	asked("/updateReports?agent=" + agent)
}
