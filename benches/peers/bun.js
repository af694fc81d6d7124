// The peer in JavaScript: Bun's publish and subscribe, which is written in C++. It stores nothing, has
// no users, and forwards messages unchanged. The room is the path. Usage: bun bun.js PORT
const server = Bun.serve({
  hostname: "127.0.0.1",
  port: Number(process.argv[2]),
  fetch(request, server) {
    const room = new URL(request.url).pathname;
    return server.upgrade(request, { data: room }) ? undefined : new Response("up");
  },
  websocket: {
    perMessageDeflate: false,
    idleTimeout: 0,
    backpressureLimit: 256 * 1024,
    closeOnBackpressureLimit: true,
    open(socket) {
      socket.subscribe(socket.data);
    },
    message(socket, text) {
      server.publish(socket.data, text);
    },
  },
});
