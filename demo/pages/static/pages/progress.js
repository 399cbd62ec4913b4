// One connection, and two engines that draw its progress bar.
"use strict";

const state = document.getElementById("state");
const button = document.getElementById("start");
const ws = tws("/module/progress_bar/bake");
const { HTML5, Bootstrap } = ProgressBarModule;

new ProgressBarModule(ws, new HTML5(document.getElementById("html5"), { name: "Biscuits" }));
const bar = new ProgressBarModule(
  ws,
  new Bootstrap(document.getElementById("bootstrap"), { name: "Biscuits, by the Bootstrap engine" }),
);

function tell(text, running) {
  if (state.textContent !== text) state.textContent = text; // so that screen readers read it once
  button.disabled = running;
}

bar.on("init", ({ min, value }) => tell(value > min ? "Baking …" : "Ready.", value > min));
bar.on("update", () => tell("Baking …", true));
bar.on("done", () => tell("Done.", false));
ws.on("state", (name) => {
  if (name !== "open") tell("Connecting …", true);
});

button.addEventListener("click", async () => {
  try {
    await ws.request("start");
  } catch (error) {
    state.textContent = error.message;
  }
});
