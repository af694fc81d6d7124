// Connections that request much and read nothing, to be opened in hundreds.
import { randomBytes } from "node:crypto";
import net from "node:net";

/** A connection that stays open until the server closes it and reads only `first` bytes. */
class Silent {
  open = false;
  closed = false;

  constructor(port, from, first) {
    this.seen = Buffer.alloc(0);
    const onread = {
      buffer: Buffer.alloc(4_096),
      callback: (count, buffer) => {
        this.seen = Buffer.concat([this.seen, buffer.subarray(0, count)]);
        return this.seen.length < first;
      },
    };
    this.socket = net.connect({ host: "127.0.0.1", port, localAddress: from, onread });
    this.socket.on("connect", () => (this.open = true));
    this.socket.on("error", () => (this.closed = true));
    this.socket.on("close", () => (this.closed = true));
  }

  write(bytes) {
    if (!this.closed) this.socket.write(bytes);
  }

  end() {
    this.socket.destroy();
  }
}

/** A live connection that requests the whole history of a room, and sends pongs without reading. */
export function live(port, { token, room, from, forwarded }) {
  const silent = new Silent(port, from, 100);
  silent.write(
    `GET /api/v1/live HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
      `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${randomBytes(16).toString("base64")}\r\n` +
      `Sec-WebSocket-Protocol: patio.v1\r\nAuthorization: Bearer ${token}\r\nX-Forwarded-For: ${forwarded}\r\n\r\n`,
  );
  silent.write(frame(0x1, JSON.stringify({ type: "open", room, since_rev: 0 })));
  silent.pong = () => silent.write(frame(0xa, ""));
  return silent;
}

/** A request head that never ends. */
export function unfinished(port, from) {
  const silent = new Silent(port, from, 1);
  silent.write(`GET /up HTTP/1.1\r\nHost: x\r\nX: ${"a".repeat(390_000)}`);
  return silent;
}

/** Many pipelined requests whose responses are not read. */
export function pipelined(port, from, path) {
  const silent = new Silent(port, from, 1);
  silent.write(`GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n\r\n`.repeat(120));
  return silent;
}

/** A masked frame of a client. */
export function frame(opcode, text, final = true) {
  const body = Buffer.from(text);
  if (body.length > 125) throw new Error("short frames only");
  return Buffer.concat([Buffer.of((final ? 0x80 : 0) | opcode, 0x80 | body.length, 0, 0, 0, 0), body]);
}
