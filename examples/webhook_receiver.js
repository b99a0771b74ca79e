// A webhook receiver with nothing but Node's own modules: checks v1 (whsec_) and v1a (whpk_) signatures, takes each
// message once.
//
//     WEBHOOK_SECRET=whsec_... node webhook_receiver.js 9000
"use strict";
const crypto = require("node:crypto");
const http = require("node:http");

const TOLERANCE_S = 300; // older or newer messages may be replayed ones
const BODY_BYTES_MAX = 4 * 1024 * 1024;
// What stands before the 32 bytes of an Ed25519 public key in DER (RFC 8410).
const ED25519_DER_START = Buffer.from("302a300506032b6570032100", "hex");

const secret = process.env.WEBHOOK_SECRET;
const bytes = Buffer.from(secret.replace(/^wh(sec|pk)_/, ""), "base64");
const seen = new Set(); // yours is a table with a unique index, written in the transaction that handles the event

function isSignature(signature, text) {
  if (secret.startsWith("whpk_")) {
    const key = crypto.createPublicKey({
      key: Buffer.concat([ED25519_DER_START, bytes]), format: "der", type: "spki",
    });
    return signature.startsWith("v1a,") && crypto.verify(null, text, key, Buffer.from(signature.slice(4), "base64"));
  }
  const expected = Buffer.from("v1," + crypto.createHmac("sha256", bytes).update(text).digest("base64"));
  const given = Buffer.from(signature);
  return given.length === expected.length && crypto.timingSafeEqual(given, expected);
}

// body: the bytes as they came, before anything has parsed them.
function isGenuine(headers, body) {
  const timestamp = headers["webhook-timestamp"] || "";
  if (!/^\d+$/.test(timestamp) || Math.abs(Date.now() / 1000 - Number(timestamp)) > TOLERANCE_S) return false;
  const text = Buffer.concat([Buffer.from(`${headers["webhook-id"]}.${timestamp}.`), body]);
  // Several signatures while a secret is being rotated: one that is right is enough.
  return (headers["webhook-signature"] || "").split(" ").some((signature) => isSignature(signature, text));
}

function take(headers, body) {
  if (!isGenuine(headers, body)) return 401;
  if (!seen.has(headers["webhook-id"])) {
    const event = JSON.parse(body);
    console.log(event.type, JSON.stringify(event.data));
    seen.add(headers["webhook-id"]);
  }
  return 204;
}

const server = http.createServer((request, response) => {
  const pieces = [];
  let length = 0;
  request.on("data", (piece) => {
    length += piece.length;
    if (length > BODY_BYTES_MAX) request.destroy();
    pieces.push(piece);
  });
  request.on("end", () => response.writeHead(take(request.headers, Buffer.concat(pieces))).end());
});
server.listen(Number(process.argv[2]), "127.0.0.1", () => console.log("listening"));
