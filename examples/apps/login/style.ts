// The look of the pages: light and dark, from a phone to a desktop. Nothing is fetched from
// elsewhere.

export const STYLE = `
:root {
  color-scheme: light dark;
  --ground: #f3f5f4;
  --surface: #ffffff;
  --line: #d5dcd9;
  --field: #ffffff;
  --field-line: #7b8985;
  --text: #16211e;
  --soft: #52605c;
  --accent: #0b6b57;
  --accent-strong: #084f41;
  --on-accent: #ffffff;
  --tint: #e3f1ed;
  --danger: #a3201d;
  --shadow: 0 1px 2px rgb(16 33 28 / 0.06), 0 8px 24px rgb(16 33 28 / 0.06);
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #101614;
    --surface: #19211e;
    --line: #2d3935;
    --field: #101614;
    --field-line: #71817b;
    --text: #e8efec;
    --soft: #a3b2ad;
    --accent: #5fd3b5;
    --accent-strong: #8be3cb;
    --on-accent: #062019;
    --tint: #1c332c;
    --danger: #ff9d96;
    --shadow: none;
  }
}
*, *::before, *::after { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; }
body {
  margin: 0;
  min-height: 100vh;
  min-height: 100dvh;
  display: flex;
  flex-direction: column;
  background: var(--ground);
  color: var(--text);
  font: 1rem/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif;
}
header, main, footer { width: 100%; max-width: 60rem; margin-inline: auto; padding-inline: 1.25rem; }
header { display: flex; align-items: center; justify-content: space-between; gap: 1rem; padding-block: 1.25rem; }
.brand { display: inline-flex; align-items: center; gap: 0.6rem; color: inherit; font-weight: 650; letter-spacing: -0.01em; text-decoration: none; border-radius: 0.25rem; }
.brand svg { width: 1.75rem; height: 1.75rem; color: var(--accent); }
main { flex: 1; padding-block: 1rem 3rem; }
main.medium { max-width: 42rem; }
main.narrow { max-width: 27rem; padding-top: clamp(1rem, 8vh, 6rem); }
footer { padding-block: 1.25rem 2rem; color: var(--soft); font-size: 0.875rem; }
h1 { margin: 0 0 0.5rem; font-size: 1.75rem; line-height: 1.2; letter-spacing: -0.02em; text-wrap: balance; overflow-wrap: anywhere; }
h2 { margin: 0 0 1rem; font-size: 1.0625rem; line-height: 1.3; }
p { margin: 0 0 1rem; }
.soft { color: var(--soft); }
a { color: var(--accent); }
.card { background: var(--surface); border: 1px solid var(--line); border-radius: 0.875rem; box-shadow: var(--shadow); padding: 1.25rem; }
.card > :last-child { margin-bottom: 0; }
.grid, .stack { display: grid; gap: 1.25rem; }
.grid { margin-top: 1.5rem; }
form { margin: 0; }
label { display: block; margin-bottom: 0.375rem; font-weight: 600; font-size: 0.9375rem; }
input, select {
  width: 100%;
  min-height: 2.875rem;
  padding: 0.5rem 0.75rem;
  border: 1px solid var(--field-line);
  border-radius: 0.5rem;
  background: var(--field);
  color: inherit;
  font: inherit;
}
input[aria-invalid="true"] { border-color: var(--danger); }
.hint, .wrong { margin: 0.375rem 0 0; font-size: 0.875rem; }
.hint { color: var(--soft); }
.wrong { color: var(--danger); font-weight: 600; }
button {
  min-height: 2.875rem;
  padding: 0.5rem 1.125rem;
  border: 1px solid transparent;
  border-radius: 0.5rem;
  background: var(--accent);
  color: var(--on-accent);
  font: inherit;
  font-weight: 600;
  cursor: pointer;
}
button:hover { background: var(--accent-strong); }
button.quiet { border-color: var(--field-line); background: transparent; color: inherit; }
button.quiet:hover { border-color: var(--accent); color: var(--accent); }
button.wide { width: 100%; margin-top: 1.25rem; }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
.row { display: flex; flex-wrap: wrap; gap: 0.75rem; align-items: end; }
.row > div { flex: 1 1 10rem; }
.notice { margin: 0 0 1rem; padding: 0.75rem 1rem; border-radius: 0.5rem; background: var(--tint); }
dl { margin: 0; }
dl > div { display: grid; grid-template-columns: 7rem 1fr; gap: 0.125rem 1rem; padding-block: 0.75rem; border-top: 1px solid var(--line); }
dl > div:first-child { border-top: 0; padding-top: 0; }
dl > div:last-child { padding-bottom: 0; }
dt { color: var(--soft); font-size: 0.9375rem; }
dd { margin: 0; overflow-wrap: anywhere; }
dd b { display: block; font-weight: 600; }
dd time { color: var(--soft); font-size: 0.875rem; font-variant-numeric: tabular-nums; }
code { font: 0.9em ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; }
ul { margin: 0; padding: 0; list-style: none; }
li { display: grid; gap: 0 1rem; align-items: baseline; padding-block: 0.375rem; }
li code { white-space: nowrap; }
@media (min-width: 30rem) {
  .card { padding: 1.5rem; }
  dl > div { grid-template-columns: 11rem 1fr; }
  li { grid-template-columns: 10rem 1fr; }
}
@media (min-width: 52rem) {
  .grid { grid-template-columns: 1fr 1fr; align-items: start; }
  h1 { font-size: 2.125rem; }
}
`;

/** The mark beside the name: a wing. */
export const ICON = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32" fill="none" stroke="currentColor" stroke-width="2.5" stroke-linecap="round" stroke-linejoin="round" color="#0b8f74"><path d="M4 24C10 24 13 21 15 16C17 11 21 7 28 6C28 16 22 26 4 24Z"/><path d="M13 20C18 19 22 16 25 11"/></svg>`;
