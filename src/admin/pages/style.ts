// The look of the admin pages: light and dark, from a phone to a desktop, contrast by WCAG AA.
// Nothing is fetched from elsewhere.

export const STYLE = `
:root {
  color-scheme: light dark;
  --ground: #f3f5f4; --surface: #ffffff; --line: #d5dcd9; --field-line: #7b8985; --text: #16211e; --soft: #52605c;
  --accent: #0b6b57; --accent-strong: #084f41; --on-accent: #ffffff; --tint: #e3f1ed;
  --danger: #a3201d; --danger-strong: #7d1614; --on-danger: #ffffff; --shadow: 0 1px 2px rgb(16 33 28 / 0.06), 0 8px 24px rgb(16 33 28 / 0.06);
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #101614; --surface: #19211e; --line: #2d3935; --field-line: #71817b; --text: #e8efec; --soft: #a3b2ad;
    --accent: #5fd3b5; --accent-strong: #8be3cb; --on-accent: #062019; --tint: #1c332c;
    --danger: #ff9d96; --danger-strong: #ffc0bb; --on-danger: #3b0907; --shadow: none;
  }
}
*, *::before, *::after { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; }
body { margin: 0; min-height: 100vh; background: var(--ground); color: var(--text); font: 1rem/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; }
header, main { width: 100%; max-width: 76rem; margin-inline: auto; padding-inline: 1.25rem; }
header { display: flex; flex-wrap: wrap; align-items: center; justify-content: space-between; gap: 0.5rem 1.5rem; padding-block: 1rem; }
main { padding-block: 0.5rem 3rem; }
main:focus { outline: none; }
.brand { display: inline-flex; align-items: center; gap: 0.6rem; min-height: 2.75rem; color: inherit; font-weight: 650; letter-spacing: -0.01em; text-decoration: none; overflow-wrap: anywhere; }
.brand svg { flex: none; width: 1.75rem; height: 1.75rem; color: var(--accent); }
.skip { position: absolute; left: -100vw; }
.skip:focus { left: 1rem; top: 0.5rem; z-index: 1; padding: 0.5rem 1rem; background: var(--surface); }
nav ul { display: flex; flex-wrap: wrap; gap: 0.25rem; margin: 0; padding: 0; list-style: none; }
header nav { margin-inline-start: -0.5rem; font-size: 0.9375rem; }
nav li a { display: inline-block; padding: 0.5rem; border-radius: 0.5rem; color: inherit; text-decoration: none; }
nav li a:hover { text-decoration: underline; }
nav li a[aria-current] { background: var(--tint); font-weight: 600; }
a { color: var(--accent); }
a:hover { color: var(--accent-strong); }
h1 { margin: 0 0 1rem; font-size: 1.75rem; line-height: 1.2; letter-spacing: -0.02em; overflow-wrap: anywhere; }
h2 { margin: 0; font-size: 1.0625rem; line-height: 1.3; }
p { margin: 0 0 1rem; }
.head { display: flex; flex-wrap: wrap; align-items: center; justify-content: space-between; gap: 0.5rem 1rem; margin-bottom: 1rem; }
.head h1 { margin: 0; }
.soft { color: var(--soft); }
.small { font-size: 0.875rem; }
.hidden { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
.card { margin: 0 0 1.25rem; padding: 1.25rem; background: var(--surface); border: 1px solid var(--line); border-radius: 0.875rem; box-shadow: var(--shadow); }
.card.narrow { max-width: 30rem; }
.card.narrow button { margin-top: 1rem; }
.live { display: grid; grid-template-columns: 1fr auto; align-items: center; gap: 0 1rem; }
.live h2 { grid-column: 1 / -1; }
.live p { margin: 0; }
.big { font-size: 2.25rem; line-height: 1.2; font-weight: 650; letter-spacing: -0.02em; font-variant-numeric: tabular-nums; }
.big .soft { font-size: 1rem; font-weight: 400; letter-spacing: 0; }
.charts { display: grid; gap: 0 1.25rem; }
.charts > .card { min-width: 0; }
picture, img { display: block; max-width: 100%; height: auto; }
.charts .card > p { margin-bottom: 0.75rem; }
details { margin-top: 0.75rem; }
summary { min-height: 1.75rem; color: var(--accent); cursor: pointer; }
.scroll { overflow-x: auto; max-height: 24rem; overflow-y: auto; }
table { width: 100%; border-collapse: collapse; font-size: 0.9375rem; font-variant-numeric: tabular-nums; }
th, td { padding: 0.375rem 0.75rem 0.375rem 0; border-bottom: 1px solid var(--line); text-align: right; vertical-align: top; }
th:first-child { text-align: left; font-weight: 400; }
thead th, thead th:first-child { font-weight: 600; }
code { font: 0.9em ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; overflow-wrap: anywhere; }
label { display: block; margin-bottom: 0.375rem; font-weight: 600; font-size: 0.9375rem; }
input, select { width: 100%; min-height: 2.75rem; padding: 0.5rem 0.75rem; border: 1px solid var(--field-line); border-radius: 0.5rem; background: var(--surface); color: inherit; font: inherit; }
input[aria-invalid="true"] { border-color: var(--danger); }
.hint, .wrong { margin: 0.375rem 0 0; font-size: 0.875rem; }
.hint { color: var(--soft); }
p.wrong { margin-bottom: 1rem; color: var(--danger); font-weight: 600; }
.notice { padding: 0.75rem 1rem; border-radius: 0.5rem; background: var(--tint); }
button, .button { display: inline-block; min-height: 2.75rem; padding: 0.5rem 1.125rem; border: 1px solid transparent; border-radius: 0.5rem; background: var(--accent); color: var(--on-accent); font: inherit; font-weight: 600; text-decoration: none; cursor: pointer; }
button:hover, .button:hover { background: var(--accent-strong); color: var(--on-accent); }
button.quiet, .button.quiet { border-color: var(--field-line); background: transparent; color: var(--text); }
button.quiet:hover, .button.quiet:hover { border-color: var(--accent); color: var(--accent); }
.actions { display: flex; flex-wrap: wrap; gap: 0.5rem; }
button.danger, .button.danger { border-color: var(--danger); background: transparent; color: var(--danger); }
button.danger:hover, .button.danger:hover { background: var(--danger); color: var(--on-danger); }
button[aria-pressed="true"] { background: var(--tint); }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
.search { display: flex; flex-wrap: wrap; gap: 0.75rem; align-items: end; margin-bottom: 1.25rem; }
.search > div { flex: 0 1 10rem; }
.search > .grow { flex: 1 1 12rem; }
.search > .hint { flex: 1 0 100%; margin: 0; }
.sessions { display: grid; gap: 0.75rem; margin: 0 0 1.25rem; padding: 0; list-style: none; }
.sessions > li { display: grid; gap: 0.75rem; padding: 1rem 1.25rem; background: var(--surface); border: 1px solid var(--line); border-radius: 0.875rem; }
.sessions .who { display: grid; gap: 0.125rem; min-width: 0; overflow-wrap: anywhere; }
.sessions .who > :first-child { font-weight: 600; }
.sessions .device { font-weight: 400; }
.sessions.own .device { font-weight: 600; }
.sessions dl { display: grid; grid-template-columns: repeat(3, 1fr); gap: 0.5rem 1rem; margin: 0; }
.sessions dt { color: var(--soft); font-size: 0.8125rem; }
.sessions dd { margin: 0; font-size: 0.9375rem; }
.sessions button { width: 100%; }
.facts { margin: 0 0 1rem; }
.facts > div { display: grid; grid-template-columns: 1fr; gap: 0 1rem; padding-block: 0.625rem; border-top: 1px solid var(--line); }
.facts > div:first-child { border-top: 0; padding-top: 0; }
.facts dt { color: var(--soft); font-size: 0.9375rem; }
.facts dd { margin: 0; overflow-wrap: anywhere; }
.card > .hint { margin: 0 0 1rem; }
.pager { display: flex; flex-wrap: wrap; gap: 0.75rem; }
.empty { padding: 2rem 1.25rem; border: 1px dashed var(--field-line); border-radius: 0.875rem; text-align: center; color: var(--soft); }
dialog { max-width: min(28rem, calc(100vw - 2rem)); padding: 1.5rem; border: 1px solid var(--line); border-radius: 0.875rem; background: var(--surface); color: var(--text); overflow-wrap: anywhere; }
dialog::backdrop { background: rgb(0 0 0 / 0.5); }
dialog form { display: flex; flex-wrap: wrap; gap: 0.75rem; justify-content: flex-end; }
@media (max-width: 40rem) { table { font-size: 0.8125rem; } th, td { padding-right: 0.375rem; } th code { font-size: 0.75rem; } }
@media (min-width: 40.01rem) {
  header nav { margin: 0; font-size: 1rem; }
  nav li a { padding-inline: 0.75rem; }
  .card { padding: 1.5rem; }
  .facts > div { grid-template-columns: 12rem 1fr; }
  .sessions > li { grid-template-columns: minmax(0, 5fr) minmax(0, 6fr) auto; align-items: center; padding-block: 0.75rem; }
  .sessions button { width: auto; }
}
@media (min-width: 64rem) { .charts { grid-template-columns: 1fr 1fr; } h1 { font-size: 2rem; } }
`;
