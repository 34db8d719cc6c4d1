// The WebSocket part of the target contract, on Deno's own server as it comes.
const MAX_SIZE = 16 * 1024 * 1024; // octets
const MAX_PUSH = 100000;
const [port, certificate, key] = Deno.args;

function serve(request) {
  const url = new URL(request.url);
  if (request.headers.get("upgrade")?.toLowerCase() !== "websocket") {
    return new Response("a WebSocket server\n", { status: 400 });
  }
  const offered = (request.headers.get("sec-websocket-protocol") ?? "").split(/\s*,\s*/);
  const protocol = ["proof.v2", "proof.v1"].find((name) => offered.includes(name));
  const fields = Object.fromEntries(request.headers); // not to be had behind the upgrade
  const { socket, response } = Deno.upgradeWebSocket(request, { protocol, idleTimeout: 0 });
  const query = (name, fallback) => Number(url.searchParams.get(name) ?? fallback);
  let asked = url.pathname === "/headers";
  socket.binaryType = "arraybuffer";
  socket.onerror = () => {}; // the peer broke a rule; the connection has been closed
  socket.onopen = () => {
    if (url.pathname === "/push") {
      const size = Math.min(query("size", 8), MAX_SIZE);
      for (let number = 0; number < Math.min(query("count", 1), MAX_PUSH); number += 1) {
        const message = new ArrayBuffer(Math.max(size, 8));
        new DataView(message).setBigUint64(0, BigInt(number));
        socket.send(message.slice(0, size));
      }
    } else if (url.pathname === "/close") {
      socket.close(query("code", 1000), url.searchParams.get("reason") ?? "");
    }
  };
  socket.onmessage = ({ data }) => {
    if (socket.readyState !== WebSocket.OPEN) return;
    socket.send(asked ? JSON.stringify(fields) : data);
    asked = false;
  };
  return response;
}

const tls = certificate
  ? { cert: Deno.readTextFileSync(certificate), key: Deno.readTextFileSync(key) }
  : {};
Deno.serve({ hostname: "127.0.0.1", port: Number(port), onListen() {}, ...tls }, serve);
