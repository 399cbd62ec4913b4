// Shows the lines of a streamed response as they arrive, and server-sent events.
"use strict";

function show(id, text) {
  const item = document.createElement("li");
  item.className = "received";
  item.textContent = text;
  document.getElementById(id).append(item);
}

async function readLines() {
  const response = await fetch("lines/");
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    for (const line of part.value.trimEnd().split("\n")) {
      show("lines", line);
    }
  }
}

const events = new EventSource("events/");
events.onmessage = (event) => show("events", event.data);
events.addEventListener("end", () => events.close());
readLines();
