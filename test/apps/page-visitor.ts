// A browser without scripts: it follows nothing by itself, and sends the forms of pages as they
// say.
import assert from "node:assert/strict";
import { Browser } from "../support/http.ts";

export interface PageForm {
  /** Where it is sent to, from the root. */
  path: string;
  isMultipart: boolean;
  /** What it holds before the visitor fills it in. */
  hidden: Record<string, string>;
}

/** Visits pages with cookies, and headers of a browser. */
export class PageVisitor extends Browser {
  readonly #origin: string;
  readonly #headers: Record<string, string>;

  constructor(origin: string, headers: Record<string, string>) {
    super(origin);
    this.#origin = origin;
    this.#headers = headers;
  }

  override fetch(path: string, init: RequestInit = {}): Promise<Response> {
    return super.fetch(path, {
      ...init,
      headers: {
        accept: "text/html",
        ...this.#headers,
        ...(init.headers as Record<string, string> | undefined),
      },
    });
  }

  /** Sends JSON as a script of the page does. */
  postJson(path: string, body: unknown, headers: Record<string, string> = {}): Promise<Response> {
    return this.fetch(path, {
      method: "POST",
      body: JSON.stringify(body),
      headers: {
        accept: "application/json",
        "content-type": "application/json",
        origin: this.#origin,
        "sec-fetch-site": "same-origin",
        ...headers,
      },
    });
  }

  /** Sends a form, from this site if nothing else is said. */
  send(
    form: PageForm,
    fields: Record<string, string>,
    headers: Record<string, string> = {},
  ): Promise<Response> {
    const body = form.isMultipart ? new FormData() : new URLSearchParams();
    for (const [name, value] of Object.entries({ ...form.hidden, ...fields }))
      body.set(name, value);
    return this.fetch(form.path, {
      method: "POST",
      body,
      headers: { origin: this.#origin, "sec-fetch-site": "same-origin", ...headers },
    });
  }

  /** Opens a page and sends one of its forms. */
  async submit(path: string, id: string, fields: Record<string, string> = {}): Promise<Response> {
    return this.send(await this.formOf(path, id), fields);
  }

  async formOf(path: string, id: string): Promise<PageForm> {
    const page = await (await this.fetch(path)).text();
    for (const [, attributes = "", inside = ""] of page.matchAll(
      /<form\b([^>]*)>([\s\S]*?)<\/form>/g,
    )) {
      const form = attributesOf(attributes);
      if (form["id"] !== id) continue;
      assert.equal(form["method"]?.toLowerCase(), "post");
      const inputs = [...inside.matchAll(/<input\b([^>]*)>/g)].map((match) =>
        attributesOf(match[1] ?? ""),
      );
      const hidden = inputs
        .filter(({ type }) => type === "hidden")
        .map(({ name = "", value = "" }) => [name, value] as const);
      // An action of nothing, or of a query alone, is of the page's own path.
      const { pathname, search } = new URL(form["action"] || path, this.#origin + path);
      return {
        path: pathname + search,
        isMultipart: form["enctype"] === "multipart/form-data",
        hidden: Object.fromEntries(hidden),
      };
    }
    throw new Error(`There is no form ${id} on ${path}:\n${page.slice(0, 2000)}`);
  }
}

function attributesOf(text: string): Record<string, string> {
  const pairs = [...text.matchAll(/([\w-]+)(?:="([^"]*)")?/g)].map(
    ([, name = "", value = ""]) => [name.toLowerCase(), unescape(value)] as const,
  );
  return Object.fromEntries(pairs);
}

function unescape(text: string): string {
  const named: Record<string, string> = {
    amp: "&",
    quot: '"',
    lt: "<",
    gt: ">",
    "#x27": "'",
    "#39": "'",
  };
  return text.replace(/&(#?\w+);/g, (whole, name: string) => named[name] ?? whole);
}
