// Opens the WebSocket of the page, shows its messages, and sends the text of the form.
"use strict";

const log = document.getElementById("log");
const state = document.getElementById("state");
const form = document.getElementById("form");

const url = new URL(state.dataset.url, location.href);
url.protocol = url.protocol.replace("http", "ws");
const socket = new WebSocket(url);

function show(text, kind) {
  const item = document.createElement("li");
  item.className = kind;
  item.textContent = text;
  log.append(item);
}

socket.onopen = () => { state.textContent = "Connected."; };
socket.onmessage = (event) => show(event.data, "received");
socket.onclose = (event) => {
  const reason = event.reason ? `: ${event.reason}` : "";
  state.textContent = `Closed with ${event.code}${reason}.`;
  state.classList.toggle("wrong", event.code !== 1000);
  for (const button of form ? form.querySelectorAll("button") : []) {
    button.disabled = true;
  }
};

if (form) {
  const message = document.getElementById("message");
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    socket.send(message.value);
    show(message.value, "sent");
    message.select();
  });
  document.getElementById("close").addEventListener("click", () => socket.close(3000, "closed by the page"));
}
