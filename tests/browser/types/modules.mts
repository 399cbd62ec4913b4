// What a project with a bundler writes: names and types of the modules.
import TornadoWebSocket, { RequestError, SUBPROTOCOL, tws } from "c10kws/client.mjs";
import * as client from "c10kws/client.mjs";
import type { Dropped, Options, Place, State } from "c10kws/client.mjs";
import ProgressBarModule, { ProgressBarModule as named } from "c10kws/progress.mjs";
import * as progress from "c10kws/progress.mjs";

TornadoWebSocket.DEFAULTS.prefix = "/live";
const options: Options = { prefix: "/live", reconnect: false, version: 1 };
const ws: TornadoWebSocket = new TornadoWebSocket("/chat", options);
const other: TornadoWebSocket = tws("/chat").on("open", (event) => event.type);
const state: State = ws.state;
const version: "c10kws.v1.json" = SUBPROTOCOL;

ws.on("said", (data: { text: string }, place?: Place) => [data.text, place?.room]);
ws.on("dropped", ({ event, reason, length, limit }: Dropped) => [event, reason, length, limit]);
const reply: { name: string } = await ws.request<{ name: string }>("rename", { name: "Ada" });
const joined: number = (await ws.join("chat:1")).seq;
try {
  await other.request("fail");
} catch (error) {
  if (error instanceof RequestError) console.log(error.code, error.details);
}

const engine = new ProgressBarModule.HTML5(document.body, { progression: { position: "left" } });
const bar: named<typeof engine> = new ProgressBarModule(ws, engine);
bar.on("init", ({ indeterminate }) => console.log(indeterminate, bar.engine.percent));

// The names that each module has in a browser are those that it is said to have.
type Equal<A, B> = [A] extends [B] ? ([B] extends [A] ? true : false) : false;
type ClientNames = "default" | "TornadoWebSocket" | "tws" | "SUBPROTOCOL" | "RequestError";
type ProgressNames = "default" | "ProgressBarModule";
const names: Equal<keyof typeof client, ClientNames> = true;
const more: Equal<keyof typeof progress, ProgressNames> = true;

// @ts-expect-error: a script has no exports
import missing from "c10kws/client.js";
// @ts-expect-error: a script has no exports
import { ProgressBarModule as absent } from "c10kws/progress.js";
// @ts-expect-error: no such option
new TornadoWebSocket("/chat", { prefx: "/live" });
// @ts-expect-error: a path is needed
tws();
// @ts-expect-error: a callback is needed
ws.on("said");
// @ts-expect-error: no such position
new ProgressBarModule.HTML5(document.body, { progression: { position: "top" } });

export { joined, missing, absent, more, names, reply, state, version };
