// One connection, two engines that draw what comes over it.
"use strict";

const state = document.getElementById("state");
const button = document.getElementById("start");
const ws = tws("/module/progress_bar/bake");
const { HTML5, Bootstrap } = ProgressBarModule;

new ProgressBarModule(ws, new HTML5(document.getElementById("html5"), { name: "Biscuits" }));
const bar = new ProgressBarModule(
  ws,
  new Bootstrap(document.getElementById("bootstrap"), { name: "Biscuits, as Bootstrap shows them" }),
);

function tell(text, running) {
  if (state.textContent !== text) state.textContent = text; // read out only when it is new
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
