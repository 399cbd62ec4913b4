// Each button sends the request in its attributes; the page shows the result.
"use strict";

const ws = tws("/requests");

function show(kind, text) {
  const item = document.createElement("li");
  item.className = kind;
  item.textContent = text;
  document.getElementById("log").append(item);
}

async function ask({ event, data = "{}", timeout = "30" }) {
  show("sent", `${event} ${data}`);
  try {
    const reply = await ws.request(event, JSON.parse(data), { timeout: Number(timeout) });
    show("received", `reply: ${JSON.stringify(reply)}`);
  } catch ({ code, message, details }) {
    show("received status wrong", `${code}: ${message} ${JSON.stringify(details)}`);
  }
}

for (const button of document.querySelectorAll("button[data-event]")) {
  button.addEventListener("click", () => ask(button.dataset));
}

ws.on("state", (state) => {
  document.getElementById("state").textContent = state === "open" ? "Connected." : `State: ${state}.`;
});
