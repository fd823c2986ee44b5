// Not context.session: that is Astro's own.
declare namespace App {
  interface Locals {
    visit: import("harpiats/session").RequestSession<import("./lib/session").Visitor>;
  }
}
