// A room of the chat. The page asks for a name once per tab. After a reload or a reconnect it enters
// the room with this name again. The client gets what was said while it was disconnected; a new page
// loads the last messages. All text is set as text, never as HTML.
"use strict";

const { room } = document.currentScript.dataset;
const byId = (id) => document.getElementById(id);
const say = byId("say").querySelector("button");
const SIGN_OF_LIFE = 20; // seconds; see people.py
let loaded = false;

const ws = tws(`/chat/${room}`);

function tell(text, wrong = false) {
  byId("state").textContent = text;
  byId("state").classList.toggle("wrong", wrong);
}

function make(tag, text) {
  const element = document.createElement(tag);
  element.textContent = text;
  return element;
}

/** Show a message once, in order: while the last messages are loaded, one may come twice. */
function show({ id, name, text, at }) {
  const items = [...byId("messages").children];
  if (items.some((each) => each.value === id)) return;
  const item = document.createElement("li");
  item.value = id;
  const time = make("time", new Date(at).toLocaleTimeString([], { timeStyle: "short" }));
  time.dateTime = at;
  item.append(time, make("b", name), make("span", text));
  byId("messages").insertBefore(item, items.find((each) => each.value > id) ?? null);
  byId("scroll").scrollTop = byId("scroll").scrollHeight;
}

function showPeople({ names }) {
  byId("people").textContent = names.join(", ");
}

/** Load the last messages, after the room was joined, so that none is missing in between. */
async function load() {
  const { messages } = await ws.request("last");
  messages.forEach(show);
  loaded = true;
}

async function enter(name) {
  try {
    showPeople(await ws.request("enter", { name }));
    sessionStorage.setItem("name", name);
    await ws.join(room); // from now on, also after each reconnect
    if (!loaded) await load();
    say.disabled = false;
    tell(`You are ${name}.`);
  } catch (error) {
    tell(error.message, true);
  }
}

ws.on("said", show);
ws.on("people", showPeople);
ws.on("reset", () => { // the history does not go back far enough
  loaded = false;
  load().catch(() => {}); // the connection is lost: the next one loads
});

ws.on("open", () => {
  const name = sessionStorage.getItem("name");
  tell("Connected. Enter your name.");
  if (name) enter(byId("name").value = name);
});
ws.on("state", (state, { reason }) => {
  if (state === "open") return;
  say.disabled = true;
  tell(state === "closed" ? `Closed: ${reason || "goodbye"}` : "Connecting …", state === "closed");
});

setInterval(() => {
  const name = sessionStorage.getItem("name");
  if (name && ws.connected) ws.request("enter", { name }).catch(() => {});
}, 1000 * SIGN_OF_LIFE);

byId("enter").addEventListener("submit", (event) => {
  event.preventDefault();
  enter(byId("name").value);
  byId("text").focus();
});

byId("say").addEventListener("submit", async (event) => {
  event.preventDefault();
  if (say.disabled) return;
  const text = byId("text").value;
  byId("text").value = "";
  try {
    await ws.request("say", { text });
  } catch (error) {
    tell(error.message, true);
    byId("text").value ||= text; // so that it can be sent again
  }
});
