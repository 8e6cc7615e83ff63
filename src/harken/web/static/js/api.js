/** Calls to the hub. */

/** What the hub answered when it did not do what was asked, in one plain sentence. */
export class HubError extends Error {
  /**
   * @param {number} status  0 where the hub could not be reached
   * @param {string} message
   * @param {number} [retryAfter]  seconds
   */
  constructor(status, message, retryAfter) {
    super(message);
    this.status = status;
    this.retryAfter = retryAfter;
  }
}

/**
 * Ask the hub.
 *
 * @param {string} method
 * @param {string} path
 * @param {any} [body]  JSON, or a Blob that is sent as it is
 * @param {{timeoutMs?: number, keepalive?: boolean}} [with_]
 * @returns {Promise<any>}
 */
export async function call(method, path, body, { timeoutMs = 10_000, keepalive = false } = {}) {
  /** @type {Record<string, string>} */
  const headers = { Accept: "application/json", "X-Harken": "1" };
  /** @type {BodyInit | undefined} */
  let payload;
  if (body instanceof Blob) {
    headers["Content-Type"] = body.type || "application/octet-stream";
    payload = body;
  } else if (body !== undefined) {
    headers["Content-Type"] = "application/json";
    payload = JSON.stringify(body);
  }
  const stop = new AbortController();
  const timer = setTimeout(() => stop.abort(), timeoutMs);
  try {
    const response = await fetch(path, {
      method, headers, body: payload, keepalive, signal: stop.signal,
      credentials: "same-origin", cache: "no-store",
    });
    const text = await response.text();
    const isJson = (response.headers.get("Content-Type") || "").includes("json");
    const answer = isJson && text ? JSON.parse(text) : text;
    if (response.ok) return answer;
    throw new HubError(
      response.status, plainly(response.status, answer),
      Number(response.headers.get("Retry-After")) || undefined,
    );
  } catch (error) {
    if (error instanceof HubError) throw error;
    throw new HubError(0, "The hub cannot be reached.");
  } finally {
    clearTimeout(timer);
  }
}

/** @param {string} path */
export const get = (path) => call("GET", path);
/** @param {string} path @param {any} [body] */
export const post = (path, body = {}) => call("POST", path, body);
/** @param {string} path @param {any} body */
export const put = (path, body) => call("PUT", path, body);
/** @param {string} path @param {any} body */
export const patch = (path, body) => call("PATCH", path, body);
/** @param {string} path @param {any} [body] */
export const del = (path, body) => call("DELETE", path, body);

/**
 * Ask for a list, whether the hub sends it bare or under `items`.
 *
 * @param {string} path
 * @returns {Promise<any[]>}
 */
export async function list(path) {
  const answer = await get(path);
  if (Array.isArray(answer)) return answer;
  const found = Object.values(answer ?? {}).find(Array.isArray);
  return found ?? [];
}

/** @param {number} status @param {any} answer @returns {string} */
function plainly(status, answer) {
  const detail = answer?.detail ?? answer?.error ?? answer?.message;
  if (typeof detail === "string" && detail) return detail;
  if (Array.isArray(detail) && detail.length) {
    return detail
      .map((one) => {
        const where = Array.isArray(one.loc) ? one.loc.filter((/** @type {any} */ part) => part !== "body").join(" ") : "";
        return `${where ? `${where}: ` : ""}${one.msg ?? one}`;
      })
      .join("; ");
  }
  if (status === 401) return "This device is not signed in.";
  if (status === 403) return "This device may not do that.";
  if (status === 404) return "The hub does not know that.";
  if (status === 413) return "That is too large for the hub.";
  if (status === 429) return "Too many tries. Wait a little.";
  return `The hub answered with an error (${status}).`;
}
