// Loaded into the conformance suite, which has no option for it: each of its requests carries the server's token.
import { subscribe } from "node:diagnostics_channel";

const value = `Bearer ${process.env.STRATEGY_BANK_HTTP_TOKEN}`;
subscribe("undici:request:create", ({ request }) => request.addHeader("authorization", value)); // fetch and undici
subscribe("http.client.request.created", ({ request }) => request.setHeader("authorization", value)); // node:http
