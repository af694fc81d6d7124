// One attacker in a separate process, so that it does not disturb the measurement of others. Its command line has the attack
// as JSON. It runs until it is stopped, and then prints the responses.
import http from "node:http";
import net from "node:net";
import { randomBytes } from "node:crypto";
import { setPriority } from "node:os";

import { ask, form, json, PASSWORD } from "./users.mjs";
import { frame } from "./sockets.mjs";

const { kind, port, width, tokens = [], most, seconds } = JSON.parse(process.argv[2]);
// A real attacker is on another machine and takes no processor time from the server.
setPriority(15);
const agent = new http.Agent({ keepAlive: true, maxSockets: width });
const answers = {};
const end = Date.now() + seconds * 1_000;
let sent = 0;

const random = (n) => Math.floor(Math.random() * n);
/** An address in one of a thousand /64 networks. */
const network = () => `2001:db8:${random(1_000).toString(16)}:1::1`;
const api = (method, path, body) => {
  const { headers, ...rest } = body === undefined ? { headers: {} } : json(body);
  const authorization = `Bearer ${tokens[sent % tokens.length]}`;
  return ask(port, method, `/api/v1${path}`, { ...rest, headers: { ...headers, authorization }, agent, from: "198.51.100.9" });
};
const account = () => {
  const name = `flood${randomBytes(6).toString("hex")}`;
  return form({ name, email: `${name}@example.org`, password: PASSWORD + name, password_confirmation: PASSWORD + name });
};

const kinds = {
  guess: () => ask(port, "POST", "/api/v1/tokens", { ...json({ login: "ana", password: `wrong${sent}`, label: "x" }), agent, from: network() }),
  "guess-any": () => ask(port, "POST", "/api/v1/tokens", { ...json({ login: `nobody${sent}`, password: "wrong", label: "x" }), agent, from: network() }),
  "sign-up": () => ask(port, "POST", "/register", { ...account(), agent, from: "198.51.100.7" }),
  "sign-up-everywhere": () => ask(port, "POST", "/register", { ...account(), agent, from: network() }),
  search: () => api("GET", "/search?q=alpha+-beta"),
  posts: () => api("POST", "/rooms/1/messages", { body: `flood ${sent}` }),
  rooms: () => api("POST", "/rooms", { name: `flood ${sent} ${random(1e9)}`, visibility: "public" }),
};

async function lane() {
  while (Date.now() < end && sent < most) {
    sent += 1;
    const { status } = await kinds[kind]();
    answers[status] = (answers[status] ?? 0) + 1;
    if (status === 0) await new Promise((done) => setTimeout(done, 50));
  }
}

/** Fragments that never complete a message, and typing frames, as fast as the server accepts them. */
async function frames() {
  while (Date.now() < end && sent < most) {
    const socket = net.connect(port, "127.0.0.1");
    socket.on("error", () => {});
    socket.on("data", () => {});
    socket.write(
      `GET /api/v1/live HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
        `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${randomBytes(16).toString("base64")}\r\n` +
        `Sec-WebSocket-Protocol: patio.v1\r\nAuthorization: Bearer ${tokens[0]}\r\nX-Forwarded-For: 198.51.100.9\r\n\r\n`,
    );
    const whole = frame(0x1, '{"type":"typing","room":1}');
    const pieces = Buffer.concat([frame(0x1, "", false), ...Array(100).fill(frame(0x0, "", false))]);
    const all = sent % 2 ? Buffer.concat(Array(100).fill(whole)) : pieces;
    const closed = new Promise((done) => socket.once("close", done));
    let open = true;
    closed.then(() => (open = false));
    while (open && Date.now() < end && sent < most) {
      sent += 100;
      if (!socket.write(all)) await Promise.race([closed, new Promise((done) => socket.once("drain", done))]);
      else await new Promise((done) => setImmediate(done));
    }
    const key = open ? "open at the end" : "connections cut";
    answers[key] = (answers[key] ?? 0) + 1;
    socket.destroy();
    await new Promise((done) => setTimeout(done, 50));
  }
}

await (kind === "frames" ? frames() : Promise.all(Array.from({ length: width }, lane)));
console.log(JSON.stringify({ sent, answers }));
process.exit(0);
