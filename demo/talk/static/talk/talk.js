// The chat by long polling: fetch() asks for what is new, and asks again when it has an answer.
// Every text is set as text, never as HTML.
"use strict";

const byId = (id) => document.getElementById(id);
const say = byId("send").querySelector("button");
const token = document.querySelector("[name=csrfmiddlewaretoken]").value;
const pause = (seconds) => new Promise((resolve) => setTimeout(resolve, 1000 * seconds));
const PATIENCE = 60; // seconds for an answer: the server gives one every 25
const people = new Set();
let session = null;

/** What the server refuses: the reason is for the visitor. */
class Refused extends Error {}

function tell(text, wrong = false) {
  byId("state").textContent = text;
  byId("state").classList.toggle("wrong", wrong);
}

async function ask(path, options = {}) {
  const response = await fetch(path, { ...options, signal: AbortSignal.timeout(1000 * PATIENCE) });
  const isJSON = response.headers.get("Content-Type") === "application/json";
  if (!isJSON) throw new Error(`the server answered ${response.status}`); // it restarts, say
  const answer = await response.json();
  if (!response.ok) throw new Refused(answer.error);
  if (answer.rss) byId("rss").textContent = `${(answer.rss / 2 ** 20).toFixed(1)} MB`;
  return answer;
}

const post = (path, data) => ask(path, {
  method: "POST",
  body: new URLSearchParams({ ...data, csrfmiddlewaretoken: token }),
});

function make(tag, text) {
  const element = document.createElement(tag);
  element.textContent = text;
  return element;
}

function show({ nick, kind, text, at }) {
  const item = document.createElement("li");
  const moment = new Date(at);
  const time = make("time", moment.toLocaleTimeString([], { timeStyle: "short" }));
  time.dateTime = moment.toISOString();
  if (kind === "say") {
    item.append(time, make("b", nick), make("span", text));
  } else {
    item.className = "note";
    item.append(time, make("span", kind === "join" ? `${nick} has come` : `${nick} has gone`));
  }
  byId("messages").append(item);
  byId("scroll").scrollTop = byId("scroll").scrollHeight;
}

function take(message) {
  if (message.kind === "join") people.add(message.nick);
  if (message.kind === "part") people.delete(message.nick);
  show(message);
}

function showPeople() {
  byId("people").textContent = [...people].sort((a, b) => a.localeCompare(b)).join(", ");
}

function switchTo(next) {
  session = next;
  byId("join").hidden = Boolean(next);
  byId("part").hidden = !next;
  say.disabled = !next;
}

/** Ask again and again, for as long as this session is the one of the window. */
async function poll(mine) {
  let wait = 1;
  while (session === mine) {
    try {
      const { messages } = await ask(`recv/?${new URLSearchParams({ id: mine.id, since: mine.since })}`);
      if (session !== mine) return;
      for (const message of messages) {
        mine.since = message.id;
        take(message);
      }
      showPeople();
      wait = 1;
      tell(`You are ${mine.nick}.`);
    } catch (error) {
      if (session !== mine) return;
      tell(error.message, true);
      if (error instanceof Refused) return switchTo(null);
      await pause(wait);
      wait = Math.min(2 * wait, 30);
    }
  }
}

byId("join").addEventListener("submit", async (event) => {
  event.preventDefault();
  try {
    const joined = await post("join/", { nick: byId("nick").value });
    people.clear();
    for (const nick of (await ask("who/")).nicks) people.add(nick);
    showPeople();
    switchTo(joined);
    tell(`You are ${joined.nick}.`);
    byId("text").focus();
    poll(joined);
  } catch (error) {
    tell(error.message, true);
  }
});

byId("send").addEventListener("submit", async (event) => {
  event.preventDefault();
  if (!session) return;
  const text = byId("text").value;
  byId("text").value = "";
  try {
    await post("send/", { id: session.id, text });
  } catch (error) {
    tell(error.message, true);
    byId("text").value ||= text; // to try it again
  }
});

byId("part").addEventListener("click", async () => {
  const { id } = session;
  switchTo(null);
  tell("You have left.");
  await post("part/", { id });
});

window.addEventListener("pagehide", () => {
  if (session) navigator.sendBeacon("part/", new URLSearchParams({ id: session.id, csrfmiddlewaretoken: token }));
});
