// What the pages do better with a script, and without it in other ways: a question before a session
// ends, the overview kept up to date, times in the reader's own zone. Text for the browser: it is
// served as a file, and puts no text into the page as HTML of its own making.

export const SCRIPT = `"use strict";
const UPDATE_EVERY = 10000;

for (const form of document.querySelectorAll("form[data-confirm]")) form.addEventListener("submit", ask);

function ask(event) {
  const form = event.currentTarget;
  if (typeof HTMLDialogElement === "undefined") {
    if (!confirm(form.dataset.confirm)) event.preventDefault();
    return;
  }
  event.preventDefault();
  const button = event.submitter ?? form.querySelector("button");
  const text = element("p", { id: "question" }, form.dataset.confirm);
  const dialog = element("dialog", {});
  dialog.setAttribute("aria-labelledby", "question");
  const answers = element("form", { method: "dialog" });
  answers.append(element("button", { value: "no", className: "quiet", autofocus: true }, "Cancel"), element("button", { value: "yes", className: "danger" }, button.textContent.trim()));
  dialog.append(text, answers);
  dialog.addEventListener("close", () => {
    dialog.remove();
    if (dialog.returnValue === "yes") form.submit();
    else button.focus();
  });
  document.body.append(dialog);
  dialog.showModal();
}

function element(name, properties, text = "") {
  const made = Object.assign(document.createElement(name), properties);
  made.textContent = text;
  return made;
}

function localTimes(root) {
  for (const time of root.querySelectorAll("time[datetime]")) time.title = new Date(time.dateTime).toLocaleString();
}
localTimes(document);

const live = document.getElementById("live");
if (live) {
  let timer;
  const button = element("button", { type: "button", className: "quiet" }, "Auto-refresh");
  button.setAttribute("aria-pressed", "false");
  button.addEventListener("click", () => {
    const isOn = timer === undefined;
    button.setAttribute("aria-pressed", String(isOn));
    if (isOn) {
      timer = setInterval(update, UPDATE_EVERY);
      update();
    } else {
      clearInterval(timer);
      timer = undefined;
    }
  });
  document.querySelector(".head").append(button);
}

async function update() {
  if (document.hidden) return;
  try {
    const response = await fetch(location.href, { credentials: "same-origin", redirect: "error" });
    if (!response.ok) return;
    const next = new DOMParser().parseFromString(await response.text(), "text/html").getElementById("live");
    if (!next) return;
    for (const open of live.querySelectorAll("details[open][data-keep]")) next.querySelector('details[data-keep="' + open.dataset.keep + '"]')?.setAttribute("open", "");
    const focused = document.activeElement?.closest?.("details[data-keep]")?.dataset.keep;
    localTimes(next);
    live.replaceChildren(...next.childNodes);
    if (focused) live.querySelector('details[data-keep="' + focused + '"] > summary')?.focus();
  } catch {
    // Keep the numbers shown: the next refresh may succeed.
  }
}
`;
