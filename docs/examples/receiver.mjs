// Receives CommerceCore's webhooks with nothing but Node.js: WEBHOOK_SECRET=whsec_… node receiver.mjs 9000
//
// It verifies, remembers, answers, and only then does its work, once for each event. An npm package does the same as isSigned and isFresh:
// new Webhook(process.env.WEBHOOK_SECRET).verify(body, request.headers), from "standardwebhooks" or "svix".

import { createHmac, timingSafeEqual } from "node:crypto";
import { createServer } from "node:http";

const SECRET = Buffer.from(process.env.WEBHOOK_SECRET.replace(/^whsec_/, ""), "base64");
const TOLERANCE_S = 300; // older and younger signatures are refused: whoever recorded one can send it again
const taken = new Set(); // in a program of yours a table with a unique column: what is committed there cannot be lost

function isFresh(timestamp) {
  return /^[0-9]+$/.test(timestamp) && Math.abs(Date.now() / 1000 - Number(timestamp)) <= TOLERANCE_S;
}

// Whether one of the signatures is ours. While a secret is rotated there are two.
function isSigned(id, timestamp, signatures, body) {
  const expected = createHmac("sha256", SECRET).update(`${id}.${timestamp}.`).update(body).digest();
  return signatures.split(" ").some((signature) => {
    const [version, value] = signature.split(",");
    const given = Buffer.from(value ?? "", "base64");
    return version === "v1" && given.length === expected.length && timingSafeEqual(given, expected);
  });
}

async function receive(request, response) {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  const body = Buffer.concat(chunks); // the raw body: parsed and written anew it is another one
  const [id, timestamp, signatures] = ["id", "timestamp", "signature"].map((name) => request.headers[`webhook-${name}`] ?? "");
  if (!isFresh(timestamp) || !isSigned(id, timestamp, signatures, body)) {
    response.writeHead(401).end();
    return;
  }
  const isNew = !taken.has(id);
  taken.add(id);
  response.writeHead(204).end(); // as soon as it cannot be lost any more, and before the work
  const event = JSON.parse(body);
  if (isNew && event.type !== "webhook.test") console.log(event.type, event.data.sequence);
}

createServer(receive).listen(Number(process.argv[2]), "127.0.0.1");
