// Draws the portfolio, the history of its worst account and the orders behind it, with the client of @hey-api/openapi-ts.
import { client } from "./generated/hey-api/client.gen.js";
import { createWebhookEndpoint, getMetricHistory, getPortfolio, listAccounts, listMetricOrders } from "./generated/hey-api/sdk.gen.js";
import type { Account, Metric, Order, HistoryPoint, Portfolio, Status } from "./generated/hey-api/types.gen.js";

const { UNDERONE_URL: baseUrl, UNDERONE_KEY: key } = process.env;
client.setConfig({ baseUrl, auth: () => key });

const METRIC: Metric = "order_defect_rate";
const SIGNS: Record<Status, string> = { breached: "✗", at_risk: "!", undecided: "?", healthy: "✓", no_data: "·" };
const BARS = "▁▂▃▄▅▆▇█";

function percent(rate: number | null): string {
  return rate === null ? "no data" : `${(100 * rate).toFixed(2)} %`;
}

function drawPortfolio(portfolio: Portfolio): string[] {
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

function drawHistory(points: HistoryPoint[]): string {
  const highest = Math.max(0.01, ...points.map(({ rate }) => rate ?? 0));
  return points.map(({ rate }) => (rate === null ? " " : BARS.charAt(Math.round((7 * rate) / highest)))).join("");
}

function drawOrder({ order_id, ordered_on, counted, defects }: Order): string {
  const reasons = defects.map(({ kind, reason, funded_by }) => `${kind}: ${reason}${funded_by ? ` (${funded_by})` : ""}`);
  return `${counted ? "✗" : "✓"} ${ordered_on ?? "no day"} ${order_id ?? "no order"} ${reasons.join("; ")}`;
}

async function drawAccount({ id, name, status, home_marketplace: marketplace }: Account): Promise<string[]> {
  const path = { account_id: id, metric: METRIC };
  const history = await getMetricHistory({ path, query: { marketplace, channel: "mfn" }, throwOnError: true });
  const orders = await listMetricOrders({ path, query: { counted: true, limit: 5 }, throwOnError: true });
  return [`${SIGNS[status]} ${name} ${drawHistory(history.data.points)}`, ...orders.data.data.map(drawOrder)];
}

const portfolio = await getPortfolio({ query: { limit: 5 }, throwOnError: true });
console.log(drawPortfolio(portfolio.data).join("\n"));

const accounts = await listAccounts({ query: { ordering: "distance", limit: 1 }, throwOnError: true });
for (const account of accounts.data.data) console.log((await drawAccount(account)).join("\n"));

const narrow = await listAccounts({ query: { fields: ["id", "name"], status: "breached" }, throwOnError: true });
console.log(`${narrow.data.data.length} breached`);

const endpoint = await createWebhookEndpoint({
  body: { url: "https://hooks.example.com/hey-api", event_types: ["breach.*"] },
  headers: { "Idempotency-Key": crypto.randomUUID() },
  throwOnError: true,
});
console.log(`hey-api: ${endpoint.data.id}`);
