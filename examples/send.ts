// Sends one mail: node send.ts API KEY FROM TO
import { kibamail, ok } from "../clients/typescript/dist/index.js";

const [baseUrl = "", apiKey = "", from = "", to = ""] = process.argv.slice(2);
const client = kibamail({ apiKey, baseUrl });
const body = { from, to: [to], subject: "Your order", text: "It is on its way." };
const email = await ok(client.POST("/v1/emails", { body }));
console.log(`TypeScript sent ${email.id}`);
