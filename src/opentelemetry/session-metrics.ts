// Session events as counters. A label says which cookie and why, never who: no handle and no user
// becomes one.
import type { SessionEvents } from "../core/events/events.ts";
import type { AttributesLike, CounterLike, MeterLike } from "./api.ts";

type Message<Name extends keyof SessionEvents> = SessionEvents[Name] & { cookieName: string };
type Count<Name extends keyof SessionEvents> = (message: Message<Name>) => void;

/** What is counted at each event. */
export type SessionCounts = { [Name in keyof SessionEvents]: Count<Name> };

// Several of a process hear of the same end: two Sessions on one store, or a store that tells its
// own process as well.
const REMEMBERED = 1000;

/** Makes the counters. @returns what to call at each event. */
export function countSessions(meter: MeterLike): SessionCounts {
  const counter = (name: string, description: string, unit = "{session}"): CounterLike =>
    meter.createCounter(`harpiats.session.${name}`, { description, unit });
  const created = counter("created", "Sessions that began.");
  const updated = counter("updated", "Changes of a session's data.", "{update}");
  const renewed = counter("renewed", "Ids that were renewed since their time was over.", "{id}");
  const rotated = counter("rotated", "Ids that were replaced.", "{id}");
  const ended = counter("ended", "Sessions that ended, by reason.");
  const revocations = counter(
    "revocations",
    "Times that all sessions of a user, or of everybody, were ended at once.",
    "{revocation}",
  );
  const refused = counter(
    "refused",
    "Cookies and tokens that led to no session, by reason.",
    "{refusal}",
  );
  const unreadable = counter(
    "unreadable",
    "Records that are no session of this version.",
    "{record}",
  );
  const errors = counter("errors", "Failures that no request waits for.", "{error}");
  const isNews = rememberLast(REMEMBERED);
  return {
    created: (message) => created.add(1, labelsOf(message)),
    updated: (message) => updated.add(1, labelsOf(message)),
    renewed: (message) => renewed.add(1, labelsOf(message)),
    rotated: (message) => rotated.add(1, labelsOf(message)),
    ended: (message) => {
      if (isNews(message.handle))
        ended.add(1, { ...labelsOf(message), "harpiats.reason": message.reason });
    },
    revoked: (message) => {
      revocations.add(1, {
        ...labelsOf(message),
        "harpiats.scope": message.userId === undefined ? "everybody" : "user",
      });
      if (message.count)
        ended.add(message.count, { ...labelsOf(message), "harpiats.reason": "revoked" });
    },
    refused: (message) =>
      refused.add(1, { ...labelsOf(message), "harpiats.reason": message.reason }),
    unreadable: (message) => unreadable.add(1, labelsOf(message)),
    error: (message) => errors.add(1, labelsOf(message)),
  };
}

function labelsOf({ cookieName }: { cookieName: string }): AttributesLike {
  return { "harpiats.cookie.name": cookieName };
}

/** Makes a test whether a handle is new among the last `size` handles. */
function rememberLast(size: number): (handle: string) => boolean {
  const last = new Set<string>();
  return (handle) => {
    if (last.has(handle)) return false;
    last.add(handle);
    const [oldest] = last;
    if (last.size > size && oldest !== undefined) last.delete(oldest);
    return true;
  };
}
