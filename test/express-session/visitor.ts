// Somebody with a browser, to whom a program is shown.

/** A browser: keeps the cookies of one site, and follows no redirect by itself. */
export class Visitor {
  readonly cookies = new Map<string, string>();
  readonly #url: string;

  constructor(url: string) {
    this.#url = url;
  }

  async ask(
    method: string,
    path: string,
    {
      form,
      headers = {},
    }: { form?: Record<string, string>; headers?: Record<string, string> } = {},
  ): Promise<{ told: string; headers: Headers; location: string; text: string }> {
    const response = await fetch(new URL(path, this.#url), {
      method,
      redirect: "manual",
      headers: {
        ...headers,
        ...(this.cookies.size > 0 && {
          cookie: [...this.cookies].map(([name, value]) => `${name}=${value}`).join("; "),
        }),
      },
      ...(form && { body: new URLSearchParams(form) }),
    });
    for (const line of response.headers.getSetCookie()) {
      const [, name = "", value = ""] = /^([^=]*)=([^;]*)/.exec(line) ?? [];
      if (value) this.cookies.set(name, value);
      else this.cookies.delete(name);
    }
    const text = await response.text();
    const location = response.headers.get("location") ?? "";
    return { told: `${response.status} ${text}`, headers: response.headers, location, text };
  }

  async told(method: string, path: string, form?: Record<string, string>): Promise<string> {
    return (await this.ask(method, path, form && { form })).told;
  }

  get sessionId(): string | undefined {
    return this.cookies.get("connect.sid");
  }
}
