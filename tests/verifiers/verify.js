// Reads one JSON array of deliveries, {secret, headers, body}, and prints one of verdicts: true where the library accepts it.
import { readFileSync } from "node:fs";
import { Webhook as Standard } from "standardwebhooks";
import { Webhook as Svix } from "svix";

const accepts = (Library, { secret, headers, body }) => {
  try {
    new Library(secret).verify(body, headers);
    return true;
  } catch {
    return false;
  }
};

const deliveries = JSON.parse(readFileSync(0, "utf8"));
console.log(JSON.stringify(deliveries.map((each) => ({ standardwebhooks: accepts(Standard, each), svix: accepts(Svix, each) }))));
