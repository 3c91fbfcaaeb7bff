// The Kibamail API: addresses, bodies and answers have the types of api.ts, which is generated.
import createClient, { type Client } from "openapi-fetch";
import type { components, paths } from "./api.js";

export type { components, paths };
export type Schemas = components["schemas"];
export type FieldError = { field: string; message: string };

export interface Options {
  apiKey: string;
  baseUrl: string;
  /** How often a request that may be asked again is, after the first time. */
  retries?: number;
}

/** The API said no, in its own words; `errors` names each field that is wrong. */
export class KibamailError extends Error {
  constructor(
    readonly status: number,
    message: string,
    readonly errors: FieldError[],
    readonly requestId: string,
  ) {
    super([message, ...errors.filter((e) => e.field).map((e) => `${e.field}: ${e.message}`)].join("; "));
    this.name = "KibamailError";
  }
}

/** A client whose GET, POST, PATCH, PUT and DELETE take an address of the API, `{ params, body }`. */
export function kibamail({ apiKey, baseUrl, retries = 3 }: Options): Client<paths> {
  return createClient<paths>({
    baseUrl: baseUrl.replace(/\/+$/, "").replace(/\/v1$/, ""),
    headers: { Authorization: `Bearer ${apiKey}` },
    fetch: (request) => persistent(request, retries),
  });
}

/** What a good answer holds: `const email = await ok(client.POST("/v1/emails", …))`. Throws KibamailError. */
export async function ok<T>(call: Promise<{ data?: T; error?: unknown; response: Response }>): Promise<T> {
  const { data, error, response } = await call;
  if (response.ok) return data as T;
  const problem = (typeof error === "object" && error !== null ? error : {}) as {
    message?: string;
    errors?: FieldError[];
  };
  const message = problem.message ?? `The API answered ${response.status}.`;
  throw new KibamailError(
    response.status,
    message,
    problem.errors ?? [],
    response.headers.get("X-Request-ID") ?? "",
  );
}

const REPEATABLE = new Set(["GET", "PUT", "DELETE"]);
const ONCE = /\/v1\/emails(\/batch)?$/;

/** Asks again what may be asked again, where the connection broke or the answer is 429 or 503. */
async function persistent(request: Request, retries: number): Promise<Response> {
  if (request.method === "POST" && ONCE.test(new URL(request.url).pathname)) {
    if (!request.headers.has("Idempotency-Key")) {
      request.headers.set("Idempotency-Key", crypto.randomUUID());
    }
  }
  const repeatable = REPEATABLE.has(request.method) || request.headers.has("Idempotency-Key");
  for (let tried = 1; ; tried += 1) {
    const last = !repeatable || tried > retries;
    let wait = 0.25 * 2 ** (tried - 1);
    try {
      const answer = await fetch(last ? request : request.clone());
      if (last || (answer.status !== 429 && answer.status !== 503)) return answer;
      wait = Number(answer.headers.get("Retry-After")) || wait;
    } catch (error) {
      if (last) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, Math.min(wait, 60) * 1000));
  }
}
