// Talks to the WebSocket next to this page: a greeting, three echoes, a goodbye.
"use strict";

const messages = ["Spam?", "Eggs!", "Python."];
const expected = ["Hello!", "1. Spam?", "2. Eggs!", "3. Python.", "Goodbye!"];
const log = document.getElementById("log");
const state = document.getElementById("state");
const received = [];

function show(text, kind) {
  const item = document.createElement("li");
  item.className = kind;
  item.textContent = text;
  log.append(item);
}

function finish(text, right) {
  state.textContent = text;
  state.classList.toggle("wrong", !right);
}

const url = new URL("ws/", location.href);
url.protocol = url.protocol.replace("http", "ws");
const socket = new WebSocket(url);

socket.onopen = () => finish("Connected.", true);
socket.onmessage = (event) => {
  received.push(event.data);
  show(event.data, "received");
  if (messages.length > 0) {
    const message = messages.shift();
    socket.send(message);
    show(message, "sent");
  }
};
socket.onclose = (event) => {
  const right = event.code === 1000 && received.join("\n") === expected.join("\n");
  const reason = event.reason ? ` (${event.reason})` : "";
  finish(right ? "It works: closed with 1000." : `Something is wrong: closed with ${event.code}${reason}.`, right);
};
