// Requests, and users with their own accounts, tokens, cookies and addresses.
import http from "node:http";

export const PASSWORD = "five brown foxes jump at noon";

/** Sends a request. Returns `{ status, ms, headers, text }`; a failure has the status 0. */
export function ask(port, method, path, { headers = {}, body, from, agent, within = 60_000 } = {}) {
  const started = performance.now();
  const given = from ? { "x-forwarded-for": from, ...headers } : headers;
  return new Promise((done) => {
    const end = (status, headers = {}, text = "") => done({ status, headers, text, ms: performance.now() - started });
    const request = http.request({ host: "127.0.0.1", port, method, path, agent, headers: given }, (answer) => {
      const parts = [];
      answer.on("data", (part) => parts.push(part));
      answer.on("end", () => end(answer.statusCode, answer.headers, Buffer.concat(parts).toString()));
      answer.on("error", () => end(answer.statusCode, answer.headers));
    });
    request.setTimeout(within, () => request.destroy());
    request.on("error", () => end(0));
    request.end(body);
  });
}

export const json = (value) => ({ body: JSON.stringify(value), headers: { "content-type": "application/json" } });
export const form = (fields) => ({
  body: new URLSearchParams(fields).toString(),
  headers: { "content-type": "application/x-www-form-urlencoded" },
});

/** A user with an account and their own address. */
export class User {
  #cookies = new Map();

  constructor(server, name, from) {
    Object.assign(this, { server, name, from });
  }

  static async register(server, name, from) {
    const user = new User(server, name, from);
    const fields = { name, email: `${name}@example.org`, password: PASSWORD, password_confirmation: PASSWORD };
    const answer = await user.#browse("POST", "/register", form(fields));
    if (answer.status !== 303) throw new Error(`${name} cannot register: ${answer.status}`);
    return user;
  }

  /** Creates an API token. */
  async sign() {
    const login = json({ login: this.name, password: PASSWORD, label: "bench" });
    const answer = await ask(this.server.port, "POST", "/api/v1/tokens", { ...login, from: this.from });
    if (!answer.text.includes("token")) throw new Error(`${this.name} gets no token: ${answer.status}`);
    this.token = JSON.parse(answer.text).token;
    return this;
  }

  /** Signs in with this browser, which keeps its cookies. */
  login() {
    return this.#browse("POST", "/login", form({ login: this.name, password: PASSWORD }));
  }

  page(path, options) {
    return this.#browse("GET", path, options);
  }

  api(method, path, body, agent) {
    const { headers, ...rest } = body === undefined ? { headers: {} } : json(body);
    const all = { ...headers, authorization: `Bearer ${this.token}` };
    return ask(this.server.port, method, `/api/v1${path}`, { ...rest, headers: all, from: this.from, agent });
  }

  upload(picture, within = 20_000) {
    const head = '--x\r\nContent-Disposition: form-data; name="picture"; filename="p"\r\n\r\n';
    const body = Buffer.concat([Buffer.from(head), picture, Buffer.from("\r\n--x--\r\n")]);
    const headers = { "content-type": "multipart/form-data; boundary=x", "content-length": body.length };
    return this.#browse("POST", "/settings/picture", { body, headers, within });
  }

  async #browse(method, path, { headers = {}, ...rest } = {}) {
    const cookie = [...this.#cookies].map(([name, value]) => `${name}=${value}`).join("; ");
    const all = cookie ? { ...headers, cookie } : headers;
    const answer = await ask(this.server.port, method, path, { ...rest, headers: all, from: this.from });
    for (const text of answer.headers["set-cookie"] ?? []) {
      const [name, value] = text.split(";")[0].split("=");
      this.#cookies.set(name, value);
    }
    return answer;
  }
}

/** Runs `work` for all items, with limited concurrency. */
export async function pool(items, width, work) {
  const results = [];
  const queue = items.entries();
  const lane = async () => {
    for (const [at, item] of queue) results[at] = await work(item, at);
  };
  await Promise.all(Array.from({ length: width }, lane));
  return results;
}

/** The given percentile of the values. */
export function percentile(values, percent) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.ceil((sorted.length * percent) / 100) - 1)];
}
