// The peer `ws`: runs on node, with what ../node/package.json requires, on orders from the tests.
//
// Orders come on standard input, and each is answered on standard output, as JSON objects a line
// each; `harness.py` says which there are.

import crypto from "node:crypto";
import { once } from "node:events";
import fs from "node:fs";
import https from "node:https";
import http from "node:http";
import { createRequire } from "node:module";
import readline from "node:readline";

const require = createRequire(new URL("../node/package.json", import.meta.url));
const { WebSocket, WebSocketServer } = require("ws");

// Without a threshold, it compresses every message, as far as both sides agreed to.
const perMessageDeflate = process.argv.includes("deflate") ? { threshold: 0 } : false;
const options = { perMessageDeflate, maxPayload: 0 };

// What can be waited for, in the order in which it came.
class Queue {
  #items = [];
  #waiting = [];

  put(item) {
    if (this.#waiting.length) this.#waiting.shift()(item);
    else this.#items.push(item);
  }

  async get() {
    if (this.#items.length) return this.#items.shift();
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  // Put an item back that isn't used up by getting it.
  unget(item) {
    this.#items.unshift(item);
  }
}

class Connection {
  // Messages, then how it closed.
  events = new Queue();
  pongs = new Queue();

  constructor(socket) {
    this.socket = socket;
    socket.on("message", (data, isBinary) => {
      this.events.put(isBinary ? { binary: data } : { text: data.toString("utf8") });
    });
    socket.on("pong", (data) => this.pongs.put(data));
    // An error is followed by a closing.
    socket.on("error", () => {});
    socket.on("close", (code, reason) => {
      this.events.put({ code, reason: reason.toString("utf8") });
    });
  }
}

function unpack(message) {
  if ("text" in message) return message.text;
  const data = Buffer.from(message.binary, "base64");
  return message.repeat ? Buffer.alloc(data.length * message.repeat, data) : data;
}

const accepted = new Queue();
let connection, server, web;

const orders = {
  async listen({ certificate }) {
    if (certificate) {
      const pem = fs.readFileSync(certificate);
      web = https.createServer({ cert: pem, key: pem });
    } else {
      web = http.createServer();
    }
    // What a client that refuses our certificate leaves.
    web.on("tlsClientError", () => {});
    server = new WebSocketServer({ server: web, ...options });
    server.on("connection", (socket) => accepted.put(new Connection(socket)));
    web.listen(0, "127.0.0.1");
    await once(web, "listening");
    return { port: web.address().port };
  },

  async unlisten() {
    for (const socket of server.clients) socket.terminate();
    server.close();
    web.closeAllConnections();
    web.close();
    await once(web, "close");
    return {};
  },

  async accept() {
    connection = await accepted.get();
    return {};
  },

  async connect({ uri, authority }) {
    const ca = authority ? fs.readFileSync(authority) : undefined;
    connection = new Connection(new WebSocket(uri, { ca, ...options }));
    await once(connection.socket, "open");
    return {};
  },

  async refused({ uri }) {
    const socket = new WebSocket(uri);
    // Nobody else looks at the error that follows.
    socket.on("error", () => {});
    const [request, response] = await once(socket, "unexpected-response");
    const chunks = [];
    for await (const chunk of response) chunks.push(chunk);
    request.destroy();
    return { status: response.statusCode, body: Buffer.concat(chunks).toString("base64") };
  },

  async send(order) {
    const { socket } = connection;
    const parts = order.fragments ?? [order];
    for (const [i, part] of parts.entries()) {
      const data = unpack(part);
      const binary = typeof data !== "string";
      await new Promise((resolve, reject) => {
        const fin = i === parts.length - 1;
        socket.send(data, { fin, binary }, (error) => (error ? reject(error) : resolve()));
      });
    }
    return {};
  },

  async recv({ digest }) {
    const event = await connection.events.get();
    if ("code" in event) {
      connection.events.unget(event);
      throw new Error(`closed with ${event.code} ${event.reason}`);
    }
    if ("text" in event) return event;
    const { binary } = event;
    if (!digest) return { binary: binary.toString("base64") };
    const hash = crypto.createHash("sha256").update(binary).digest("hex");
    return { size: binary.length, digest: hash };
  },

  async ping({ payload }) {
    const data = Buffer.from(payload, "base64");
    connection.socket.ping(data);
    while (!data.equals(await connection.pongs.get()));
    return {};
  },

  async close({ code, reason }) {
    connection.socket.close(code, reason);
    return orders.closed();
  },

  async closed() {
    while (true) {
      const event = await connection.events.get();
      if ("code" in event) return event;
    }
  },

  async abort() {
    connection.socket.terminate();
    return {};
  },
};

for await (const line of readline.createInterface({ input: process.stdin })) {
  const order = JSON.parse(line);
  let answer;
  try {
    answer = await orders[order.do](order);
  } catch (error) {
    answer = { error: String(error) };
  }
  process.stdout.write(JSON.stringify(answer) + "\n");
}
