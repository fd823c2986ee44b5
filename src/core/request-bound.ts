// Cloudflare Workers end with a request what it began: its timers, its sockets, and whatever waits
// for them. What requests share elsewhere, one of them may leave undone there, for ever.

/** Whether no request may wait for what another one has begun. */
export function isRequestBound(): boolean {
  const navigator: unknown = Reflect.get(globalThis, "navigator");
  return (
    typeof navigator === "object" &&
    navigator !== null &&
    Reflect.get(navigator, "userAgent") === "Cloudflare-Workers"
  );
}
