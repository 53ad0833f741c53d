// Draws each table of months as a plot, in the colours of the scheme. The tables stay, and without this script they are all there is.
"use strict";

const DASHES = [[], [8, 4], [2, 3], [10, 3, 2, 3]];
const HEIGHT = 240;
const SHORT = new Intl.NumberFormat(undefined, { notation: "compact" });

function coloursOf(count) {
  return Array.from({ length: count }, (_, place) => {
    const probe = document.body.appendChild(document.createElement("span"));
    probe.className = `plot-${place + 1}`;
    const { color } = getComputedStyle(probe);
    probe.remove();
    return color;
  });
}

function read(table) {
  const rows = [...table.tBodies[0].rows];
  const titles = [...table.tHead.rows[0].cells].map((cell) => cell.textContent);
  // of what there is nothing, no line is drawn
  const columns = titles.map((_, place) => place).filter((place) => place && rows.some((row) => Number(row.cells[place].dataset.value)));
  const heads = columns.map((place) => titles[place]);
  const months = rows.map((row) => Date.parse(`${row.cells[0].textContent.trim()}-01T00:00:00Z`) / 1000);
  const numbers = (name) =>
    columns.map((place) => rows.map((row) => {
      const told = row.cells[place].dataset[name];
      return told === undefined ? null : Number(told);
    }));
  return { heads, months, values: numbers("value"), lows: numbers("low"), highs: numbers("high") };
}

function legend(figure, heads) {
  const list = figure.insertBefore(document.createElement("ul"), figure.querySelector("details"));
  list.className = "legend";
  heads.forEach((head, place) => {
    const item = list.appendChild(document.createElement("li"));
    item.className = `plot-${place + 1}`;
    const svg = item.appendChild(document.createElementNS("http://www.w3.org/2000/svg", "svg"));
    svg.setAttribute("aria-hidden", "true");
    svg.setAttribute("viewBox", "0 0 32 12");
    const line = svg.appendChild(document.createElementNS("http://www.w3.org/2000/svg", "line"));
    for (const [name, told] of Object.entries({
      x1: 0, y1: 6, x2: 32, y2: 6, stroke: "currentColor", "stroke-width": 3, "stroke-dasharray": DASHES[place].join(" "),
    })) line.setAttribute(name, told);
    item.appendChild(document.createElement("span")).textContent = head;
  });
}

function draw(figure) {
  const { heads, months, values, lows, highs } = read(figure.querySelector("table"));
  const isShare = figure.dataset.plot === "share";
  figure.plot?.destroy();
  figure.plot = null;
  let place = figure.querySelector(".plot");
  if (!place) {
    place = figure.insertBefore(document.createElement("div"), figure.querySelector("details"));
    place.className = "plot";
    place.setAttribute("aria-hidden", "true"); // the table says the same
    legend(figure, heads);
  }
  const style = getComputedStyle(document.body);
  const lines = coloursOf(heads.length);
  const faint = style.color;
  const grid = getComputedStyle(figure).borderTopColor;
  const axis = { stroke: faint, grid: { stroke: grid, width: 1 }, ticks: { stroke: grid, width: 1 } };
  const series = [{}], data = [months], bands = [];
  heads.forEach((head, at) => {
    series.push({ label: head, stroke: lines[at], width: 2, dash: DASHES[at], points: { show: true, size: 6 } });
    data.push(values[at]);
  });
  heads.forEach((head, at) => {
    if (!lows[at].some((each) => each !== null)) return;
    for (const bound of [highs[at], lows[at]]) {
      series.push({ label: head, stroke: "transparent", width: 0, points: { show: false } });
      data.push(bound);
    }
    bands.push({ series: [data.length - 2, data.length - 1], fill: lines[at].replace("rgb(", "rgba(").replace(")", ", 0.13)") });
  });
  const options = {
    width: place.clientWidth || 320,
    height: HEIGHT,
    tzDate: (at) => uPlot.tzDate(new Date(at * 1000), "Etc/UTC"),
    legend: { show: false },
    cursor: { show: false },
    scales: { x: { time: true, range: wide }, y: { range: (_, low, high) => (isShare ? [0, 1] : [0, Math.max(1, (high ?? 1) * 1.08)]) } },
    axes: [
      { ...axis, space: 64, values: (_, marks) => marks.map((at) => new Date(at * 1000).toISOString().slice(0, 7)), incrs: [1, 2, 3, 6, 12, 24, 60].map((each) => each * 2629800), splits: () => marked(months, place.clientWidth) },
      { ...axis, size: 64, values: (_, marks) => marks.map((each) => (isShare ? `${Math.round(each * 100)} %` : SHORT.format(each))) },
    ],
    series, bands,
  };
  figure.plot = new uPlot(options, data, place);
}

// A single month stands in the middle.
function wide(_, low, high) {
  return low === high ? [low - 86400 * 16, high + 86400 * 16] : [low - (high - low) * 0.03, high + (high - low) * 0.03];
}

// The first of the month, as many as have room.
function marked(months, width) {
  const each = Math.ceil(months.length / Math.max(1, Math.floor(width / 90)));
  return months.filter((_, place) => place % each === 0);
}

const figures = [...document.querySelectorAll("figure[data-plot]")].filter((figure) => figure.querySelector("tbody tr"));
function drawAll() {
  for (const figure of figures) draw(figure);
}
drawAll();
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawAll);
let due = 0;
addEventListener("resize", () => {
  cancelAnimationFrame(due);
  due = requestAnimationFrame(drawAll);
});
