// Draws the portfolio, the history of its worst account and the orders behind it, with the types of openapi-typescript.
import createClient from "openapi-fetch";
import type { components, paths } from "./generated/openapi-typescript.js";

type Schemas = components["schemas"];

const { UNDERONE_URL: baseUrl, UNDERONE_KEY: key } = process.env;
const client = createClient<paths>({ baseUrl, headers: { Authorization: `Bearer ${key}` } });

const metric: Schemas["Metric"] = "order_defect_rate";
const SIGNS: Record<Schemas["Status"], string> = { breached: "✗", at_risk: "!", undecided: "?", healthy: "✓", no_data: "·" };
const BARS = "▁▂▃▄▅▆▇█";

async function read<Data>(answer: Promise<{ data?: Data; error?: unknown }>): Promise<Data> {
  const { data, error } = await answer;
  if (data === undefined) throw new Error(JSON.stringify(error));
  return data;
}

function percent(rate: number | null): string {
  return rate === null ? "no data" : `${(100 * rate).toFixed(2)} %`;
}

function drawPortfolio(portfolio: Schemas["Portfolio"]): string[] {
  const counts = portfolio.metrics.map(
    ({ name, breached, at_risk, healthy }) =>
      `${name}: ${SIGNS.breached.repeat(breached)}${SIGNS.at_risk.repeat(at_risk)}${SIGNS.healthy.repeat(healthy)}`,
  );
  const worst = portfolio.worst.map(
    ({ name, status, worst_series: series }) =>
      `${SIGNS[status]} ${name}: ${series.name} ${percent(series.rate)} in ${series.marketplace}/${series.channel}`,
  );
  return [`${portfolio.accounts.total} accounts on ${portfolio.as_of}`, ...counts, ...worst];
}

function drawHistory(points: Schemas["HistoryPoint"][]): string {
  const highest = Math.max(0.01, ...points.map(({ rate }) => rate ?? 0));
  return points.map(({ rate }) => (rate === null ? " " : BARS.charAt(Math.round((7 * rate) / highest)))).join("");
}

function drawOrder({ order_id, ordered_on, counted, defects }: Schemas["Order"]): string {
  const reasons = defects.map(({ kind, reason, funded_by }) => `${kind}: ${reason}${funded_by ? ` (${funded_by})` : ""}`);
  return `${counted ? "✗" : "✓"} ${ordered_on ?? "no day"} ${order_id ?? "no order"} ${reasons.join("; ")}`;
}

async function drawAccount({ id: account_id, name, status, home_marketplace: marketplace }: Schemas["Account"]): Promise<string[]> {
  const path = { account_id, metric };
  const history = await read(
    client.GET("/v1/accounts/{account_id}/metrics/{metric}/history", { params: { path, query: { marketplace, channel: "mfn" } } }),
  );
  const orders = await read(
    client.GET("/v1/accounts/{account_id}/metrics/{metric}/orders", { params: { path, query: { counted: true, limit: 5 } } }),
  );
  return [`${SIGNS[status]} ${name} ${drawHistory(history.points)}`, ...orders.data.map(drawOrder)];
}

const portfolio = await read(client.GET("/v1/portfolio", { params: { query: { limit: 5 } } }));
console.log(drawPortfolio(portfolio).join("\n"));

const accounts = await read(client.GET("/v1/accounts", { params: { query: { ordering: "distance", limit: 1 } } }));
for (const account of accounts.data) console.log((await drawAccount(account)).join("\n"));

const narrow = await read(client.GET("/v1/accounts", { params: { query: { fields: ["id", "name"], status: "breached" } } }));
console.log(`${narrow.data.length} breached`);

const endpoint = await read(
  client.POST("/v1/webhook-endpoints", {
    params: { header: { "Idempotency-Key": crypto.randomUUID() } },
    body: { url: "https://hooks.example.com/openapi-typescript", event_types: ["breach.*"] },
  }),
);
console.log(`openapi-typescript: ${endpoint.id}`);
