/*
 * Checks signed requests with the reference library of Standard Webhooks.
 *
 * Reads one request a line from stdin, {"secret", "headers", "body"} with the body in base64, and writes one line for
 * each: "ok", or what is wrong with it.
 */
"use strict";

const readline = require("node:readline");
const { Webhook } = require("standardwebhooks");

function verdict(line) {
    const { secret, headers, body } = JSON.parse(line);
    try {
        // Bodies need not be JSON: a binary CloudEvent carries whatever was published.
        new Webhook(secret).verify(Buffer.from(body, "base64"), headers, { jsonParse: false });
        return "ok";
    } catch (error) {
        return `${error.name}: ${error.message}`;
    }
}

readline.createInterface({ input: process.stdin }).on("line", (line) => console.log(verdict(line)));
