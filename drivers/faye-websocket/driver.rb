# faye-websocket's client as it comes: each message goes back as it came.
require "eventmachine"
require "faye/websocket"
require "json"

URL, AGENT = ENV.values_at("SOCKPROOF_URL", "SOCKPROOF_AGENT")

# What the server says there, once the connection has ended in whatever way.
def open(path, echo: false, offer: nil)
  said = ""
  EM.run do
    options = { max_length: 1 << 26 }
    socket = Faye::WebSocket::Client.new("#{URL}/#{path}", offer, options)
    socket.on(:message) do |event|
      said = event.data
      socket.send(event.data) if echo
    end
    socket.on(:close) { EM.stop }
  end
  said
end

(1..Integer(open("getCaseCount"))).each do |number|
  offer = JSON.parse(open("getCaseInfo?case=#{number}"))["subprotocols"]
  open("runCase?case=#{number}&agent=#{AGENT}", echo: true, offer: offer)
end
open("updateReports?agent=#{AGENT}")
