// A room of the chat. The page asks for a name once per tab. After a reload or a reconnect it enters
// the room with this name again. All text is set as text, never as HTML.
"use strict";

const { room } = document.currentScript.dataset;
const byId = (id) => document.getElementById(id);
const say = byId("say").querySelector("button");

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

/** Show a message once, in order; a new one may also be in the history. */
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

async function enter(name) {
  try {
    const { messages } = await ws.request("enter", { name });
    messages.forEach(show);
    sessionStorage.setItem("name", name);
    say.disabled = false;
    tell(`You are ${name}.`);
  } catch (error) {
    tell(error.message, true);
  }
}

ws.on("said", show);
ws.on("people", ({ names }) => { byId("people").textContent = names.join(", "); });

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
