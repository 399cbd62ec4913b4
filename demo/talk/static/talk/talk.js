// The chat by long polling: fetch() asks for new messages, and asks again after each answer.
// All text is set as text, never as HTML.
"use strict";

const byId = (id) => document.getElementById(id);
const say = byId("send").querySelector("button");
const token = document.querySelector("[name=csrfmiddlewaretoken]").value;
const PATIENCE = 60; // seconds for an answer; the server sends one within 25
const UNKNOWN = 403; // the session has ended
const people = new Set();
let session = null;

/** A refusal by the server; the reason is for the visitor. */
class Refused extends Error {
  constructor(reason, status) {
    super(reason);
    this.status = status;
  }
}

function tell(text, wrong = false) {
  byId("state").textContent = text;
  byId("state").classList.toggle("wrong", wrong);
}

async function ask(path, options = {}) {
  const response = await fetch(path, { ...options, signal: AbortSignal.timeout(1000 * PATIENCE) });
  const isJSON = response.headers.get("Content-Type") === "application/json";
  if (!isJSON) throw new Error(`the server answered ${response.status}`); // for example while it restarts
  const answer = await response.json();
  if (!response.ok) throw new Refused(answer.error, response.status);
  const memory = Number(response.headers.get("X-Memory"));
  if (memory) byId("rss").textContent = `${(memory / 2 ** 20).toFixed(1)} MB`;
  return answer;
}

const post = (path, data) => ask(path, {
  method: "POST",
  body: new URLSearchParams({ ...data, csrfmiddlewaretoken: token }),
});

/** Wait for a random time of at most so many seconds, so that windows do not ask all at once. */
const pause = (seconds) => new Promise((resolve) => setTimeout(resolve, 500 * seconds * (1 + Math.random())));

function make(tag, text) {
  const element = document.createElement(tag);
  element.textContent = text;
  return element;
}

function show(kind, { nick, text, at }) {
  const item = document.createElement("li");
  const moment = new Date(at);
  const time = make("time", moment.toLocaleTimeString([], { timeStyle: "short" }));
  time.dateTime = moment.toISOString();
  if (kind === "say") {
    item.append(time, make("b", nick), make("span", text));
  } else {
    item.className = "note";
    item.append(time, make("span", kind === "join" ? `${nick} has joined` : `${nick} has left`));
  }
  byId("messages").append(item);
  byId("scroll").scrollTop = byId("scroll").scrollHeight;
}

function take({ event, data }) {
  if (event === "join") people.add(data.nick);
  if (event === "part") people.delete(data.nick);
  show(event, data);
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

async function lookWhoIsHere() {
  const { nicks } = await ask("who/");
  people.clear();
  for (const nick of nicks) people.add(nick);
  showPeople();
}

/** Ask once, and show the new messages. */
async function receive(mine) {
  const { id, since } = mine;
  const { events, position, recovered } = await ask(`recv/?${new URLSearchParams({ id, since })}`);
  if (session !== mine) return;
  mine.since = position;
  if (!recovered) await lookWhoIsHere(); // messages are missing
  events.forEach(take);
  showPeople();
  tell(`You are ${mine.nick}.`);
}

/** Join again, and continue after the last message. */
async function rejoin(mine) {
  const { id } = await post("join/", { nick: mine.nick });
  if (session !== mine) return post("part/", { id }); // the visitor has left meanwhile
  mine.id = id;
  return lookWhoIsHere();
}

/** Ask repeatedly, while this session is the current one of the window. */
async function poll(mine) {
  let wait = 1;
  while (session === mine) {
    try {
      if (!mine.id) await rejoin(mine);
      if (session === mine) await receive(mine);
      wait = 1;
    } catch (error) {
      if (session !== mine) return;
      tell(error.message, true);
      if (error.status === UNKNOWN) {
        mine.id = "";
        wait = Math.min(wait, 2); // the server is running
      } else if (error instanceof Refused) return switchTo(null);
      await pause(wait);
      wait = Math.min(2 * wait, 30);
    }
  }
}

byId("join").addEventListener("submit", async (event) => {
  event.preventDefault();
  try {
    const joined = await post("join/", { nick: byId("nick").value });
    await lookWhoIsHere();
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
    byId("text").value ||= text; // so that it can be sent again
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
