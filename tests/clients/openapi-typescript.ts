import createClient from "openapi-fetch";
import type { paths } from "./generated/openapi-typescript.js";

const { UNDERONE_URL: baseUrl, UNDERONE_KEY: key } = process.env;
const client = createClient<paths>({ baseUrl, headers: { Authorization: `Bearer ${key}` } });

const accounts = await client.GET("/v1/accounts", { params: { query: { limit: 10 } } });
if (!accounts.data || typeof accounts.data === "string") throw new Error(JSON.stringify(accounts.error));
const account = accounts.data.data[0];
if (!account) throw new Error("no account");

const metrics = await client.GET("/v1/accounts/{account_id}/metrics", { params: { path: { account_id: account.id } } });
if (!metrics.data) throw new Error(JSON.stringify(metrics.error));

const endpoint = await client.POST("/v1/webhook-endpoints", { body: { url: "https://hooks.example.com/typescript" } });
if (!endpoint.data?.secret) throw new Error(JSON.stringify(endpoint.error));

console.log(`openapi-typescript: ${account.name}, ${metrics.data.metrics.length} series, ${endpoint.data.id}`);
