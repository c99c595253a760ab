import { client } from "./generated/hey-api/client.gen.js";
import { createWebhookEndpoint, getMetrics, listAccounts } from "./generated/hey-api/sdk.gen.js";

const { UNDERONE_URL: baseUrl, UNDERONE_KEY: key } = process.env;
client.setConfig({ baseUrl, auth: () => key, throwOnError: true });

const accounts = await listAccounts({ query: { limit: 10 }, throwOnError: true });
if (typeof accounts.data === "string") throw new Error("a sheet");
const account = accounts.data.data[0];
if (!account) throw new Error("no account");

const metrics = await getMetrics({ path: { account_id: account.id }, throwOnError: true });

const endpoint = await createWebhookEndpoint({ body: { url: "https://hooks.example.com/hey-api" }, throwOnError: true });

console.log(`hey-api: ${account.name}, ${metrics.data.metrics.length} series, ${endpoint.data.id}`);
