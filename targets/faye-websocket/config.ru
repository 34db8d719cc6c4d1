# The WebSocket part of the target contract, on faye-websocket within Puma as they come. The library
# closes with 1000 and 3000 to 4999 alone, as in a page, so that closing is not offered.
require 'faye/websocket'
require 'json'

MAX_MESSAGE = 16 * 1024 * 1024 # octets; declared as max_message in target.toml
MAX_PUSH = 100_000

run(lambda do |env|
  next [404, {}, ["a WebSocket server\n"]] unless Faye::WebSocket.websocket?(env)

  # faye takes the client's first choice; the contract wants `proof.v2` before `proof.v1`.
  offered = env['HTTP_SEC_WEBSOCKET_PROTOCOL'].to_s.split(',').map(&:strip)
  chosen = offered.include?('proof.v2') ? 'proof.v2' : 'proof.v1'
  socket = Faye::WebSocket.new(env, [chosen], max_length: MAX_MESSAGE)
  query = Rack::Utils.parse_query(env['QUERY_STRING'])
  asked = env['PATH_INFO'] == '/headers'
  socket.on :message do |event|
    if asked
      asked = false
      fields = env.select { |name, _| name.start_with?('HTTP_') }
      socket.send(JSON.generate(fields.transform_keys { |name| name[5..].downcase.tr('_', '-') }))
    else
      socket.send(event.data)
    end
  end
  if env['PATH_INFO'] == '/push'
    size = [query.fetch('size', 8).to_i, MAX_MESSAGE].min
    [query.fetch('count', 1).to_i, MAX_PUSH].min.times do |number|
      socket.send(([number].pack('Q>')[0, size].ljust(size, "\0")).bytes)
    end
  end
  socket.rack_response
end)
