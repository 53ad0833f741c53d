// Keys, times in the reader's zone, and what other processes write. Everything works without it, only less comfortably.
"use strict";

const PRESSED = { e: "e", a: "a", r: "r", u: "u" };

function items() {
  return [...document.querySelectorAll("main [data-item]")];
}

function current() {
  return document.activeElement?.closest("[data-item]") ?? null;
}

function move(by) {
  const all = items();
  if (!all.length) return;
  const at = all.indexOf(current());
  const next = at < 0 ? (by > 0 ? 0 : all.length - 1) : Math.min(Math.max(at + by, 0), all.length - 1);
  all[next].focus();
  all[next].scrollIntoView({ block: "nearest" });
}

function press(key) {
  // a page about one item has its keys without a choice
  const whole = document.querySelector("main [data-whole]");
  const within = current() ?? whole ?? (items().length ? null : document.querySelector("main"));
  const control = within?.querySelector(`[data-key="${key}"]`);
  if (control) control.click();
  else if (key === "u") document.querySelector("[data-undo]")?.click();
}

function isTyping(target) {
  return target.closest("input, textarea, select, [contenteditable]") !== null;
}

document.addEventListener("keydown", (event) => {
  const dialog = document.getElementById("keys");
  if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target) || dialog.open) return;
  if (event.key === "j") move(1);
  else if (event.key === "k") move(-1);
  else if (event.key === "?") dialog.showModal();
  else if (event.key === "/") document.getElementById("search")?.focus();
  else if (PRESSED[event.key]) press(event.key);
  else return;
  event.preventDefault();
});

// After a decision the item is gone, and the one that took its place is the next to look at.
let place = -1;
document.addEventListener("submit", () => (place = items().indexOf(current())));
function afterSwap() {
  showTimes();
  const all = items();
  if (place >= 0 && all.length && !current()) all[Math.min(place, all.length - 1)].focus();
  place = -1;
}
document.addEventListener("htmx:after:swap", afterSwap);

function showTimes() {
  for (const time of document.querySelectorAll("time:not([title])")) {
    const moment = new Date(time.dateTime);
    if (Number.isNaN(moment.valueOf())) continue;
    time.title = `${time.textContent} UTC`;
    time.textContent = moment.toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" });
  }
}

// What other windows and servers write appears by itself, unless somebody is filling in a form.
function isBusy() {
  const at = document.activeElement;
  const typing = at && at.matches("main input, main textarea, main select");
  return typing || document.querySelector("main [data-changed]") !== null || document.querySelector("dialog[open]") !== null;
}

document.addEventListener("input", (event) => event.target.closest("main form")?.setAttribute("data-changed", ""));

function refresh() {
  if (isBusy()) {
    document.getElementById("changed").hidden = false;
    return;
  }
  if (sending) {
    missed = true;
    return;
  }
  const headers = { [REFRESH]: "1" };
  htmx.ajax("GET", location.pathname + location.search, { target: "#main", select: "#main", swap: "outerMorph", headers });
}

// While a decision is on its way, what was asked for before would take the place of its answer.
const REFRESH = "X-Refresh";
let sending = false;
let missed = false;
document.addEventListener("htmx:before:request", (event) => (sending ||= event.detail.ctx.request.method === "POST"));
document.addEventListener("htmx:before:swap", (event) => {
  if (!sending || !event.detail.ctx.request.headers[REFRESH]) return;
  missed = true;
  event.preventDefault();
});
document.addEventListener("htmx:finally:request", (event) => {
  if (event.detail.ctx.request.method !== "POST") return;
  sending = false;
  if (missed) refresh();
  missed = false;
});

function follow() {
  const main = document.querySelector("main[data-live]");
  if (!main || !window.EventSource) return;
  const stream = new EventSource(main.dataset.live || "/changes");
  stream.addEventListener("changed", refresh);
  addEventListener("pagehide", () => stream.close());
}

showTimes();
follow();
