// Shows the pictures from the server. Each contains all changes since the last one.
"use strict";

const RETRY = 1000; // milliseconds

const byId = (id) => document.getElementById(id);
const grid = byId("grid");
const dark = matchMedia("(prefers-color-scheme: dark)");
const url = new URL(byId("state").dataset.url, location.href);
url.protocol = url.protocol.replace("http", "ws");
let rows = [];

function draw() {
  const style = getComputedStyle(document.body);
  const colour = (name) => style.getPropertyValue(name);
  const colours = { " ": colour("--line"), 0: colour("--card") };
  const alive = colour("--accent");
  const width = Math.max(1, ...rows.map((row) => row.length));
  const height = Math.max(1, rows.length);
  if (grid.width !== width || grid.height !== height) Object.assign(grid, { width, height });
  const pen = grid.getContext("2d");
  for (const [y, row] of rows.entries()) {
    for (let x = 0; x < width; x++) {
      pen.fillStyle = colours[row[x] ?? " "] ?? alive;
      pen.fillRect(x, y, 1, 1);
    }
  }
}

function tell(text, wrong = false) {
  const state = byId("state");
  if (state.textContent !== text) state.textContent = text; // so that screen readers read it once
  state.classList.toggle("wrong", wrong);
}

function show(picture) {
  ({ rows } = picture);
  draw();
  for (const figure of ["step", "said", "rate", "connections"]) {
    byId(figure).textContent = picture[figure].toLocaleString("en");
  }
  const playing = picture.connections > 0;
  byId("hint").hidden = playing;
  tell(playing ? "A game is running." : rows.length ? "The game is over." : "No game yet.");
}

function open() {
  const socket = new WebSocket(url);
  socket.onmessage = (event) => show(JSON.parse(event.data));
  socket.onclose = ({ reason }) => {
    tell(reason || "Disconnected. Reconnecting …", true);
    setTimeout(open, RETRY);
  };
}

dark.addEventListener("change", draw);
draw();
open();
