// Talks to the WebSocket of this page: a greeting, three echoes, a goodbye.
// First automatically, then with the text of the form.
"use strict";

const messages = ["Spam?", "Eggs!", "Python."];
const expected = ["Hello!", "1. Spam?", "2. Eggs!", "3. Python.", "Goodbye!"];
const state = document.getElementById("state");
const received = [];

function show(log, text, kind) {
  const item = document.createElement("li");
  item.className = kind;
  item.textContent = text;
  log.append(item);
}

function finish(text, right) {
  state.textContent = text;
  state.classList.toggle("wrong", !right);
}

function connect(log) {
  const url = new URL("ws/", location.href);
  url.protocol = url.protocol.replace("http", "ws");
  const socket = new WebSocket(url);
  socket.addEventListener("message", (event) => show(log, event.data, "received"));
  return socket;
}

function send(socket, log, message) {
  socket.send(message);
  show(log, message, "sent");
}

const log = document.getElementById("log");
const socket = connect(log);
socket.onopen = () => finish("Connected.", true);
socket.onmessage = (event) => {
  received.push(event.data);
  if (messages.length > 0) send(socket, log, messages.shift());
};
socket.onclose = (event) => {
  const right = event.code === 1000 && received.join("\n") === expected.join("\n");
  finish(right ? "It works: closed with 1000." : `Something is wrong: ${describe(event)}.`, right);
};

function describe({ code, reason }) {
  return `closed with ${code}${reason ? ` (${reason})` : ""}`;
}

// A conversation of the form begins with its first message and takes three.
const ownLog = document.getElementById("own-log");
const field = document.getElementById("message");
let own = null;

function begin() {
  const conversation = { socket: connect(ownLog), left: 3, waiting: [] };
  conversation.socket.addEventListener("message", () => {
    if (conversation.waiting.length > 0) send(conversation.socket, ownLog, conversation.waiting.shift());
    conversation.greeted = true;
  });
  conversation.socket.addEventListener("close", (event) => {
    if (event.code !== 1000) show(ownLog, describe(event), "closed");
    if (own === conversation) own = null;
  });
  return conversation;
}

document.getElementById("form").addEventListener("submit", (event) => {
  event.preventDefault();
  own ??= begin();
  own.waiting.push(field.value);
  if (own.greeted) send(own.socket, ownLog, own.waiting.shift());
  field.value = "";
  own.left -= 1;
  if (own.left === 0) own = null; // the next message begins another
});
