# The WebSocket part of the target contract, on faye-websocket within Puma as they come.
require 'faye/websocket'
require 'json'

MAX_MESSAGE = 16 * 1024 * 1024 # octets; declared as max_message in target.toml
MAX_PUSH = 100_000
Faye::WebSocket.load_adapter('puma') if Faye::WebSocket.respond_to?(:load_adapter)

run(lambda do |env|
  next [404, {}, ["a WebSocket server\n"]] unless Faye::WebSocket.websocket?(env)

  socket = Faye::WebSocket.new(env, %w[proof.v2 proof.v1], max_length: MAX_MESSAGE)
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
  case env['PATH_INFO']
  when '/push'
    size = [query.fetch('size', 8).to_i, MAX_MESSAGE].min
    [query.fetch('count', 1).to_i, MAX_PUSH].min.times do |number|
      socket.send(([number].pack('Q>')[0, size].ljust(size, "\0")).bytes)
    end
  when '/close'
    socket.close(query.fetch('code', 1000).to_i, query['reason'].to_s)
  end
  socket.rack_response
end)
