// What a page writes that links the scripts: their globals.
/// <reference path="../../../c10kws/static/c10kws/client.d.ts" />
/// <reference path="../../../c10kws/static/c10kws/progress.d.ts" />

const first = new TornadoWebSocket("/chat");
const second = TornadoWebSocket("/chat", { port: 8000 });
const third = tws("/chat");

first.on("close", (event) => event.code);
second.emit("say", { text: "Hello!" }).once("said", (data) => data.text);
new ProgressBarModule(third, new ProgressBarModule.Bootstrap(document.body));

// @ts-expect-error: no such context
new ProgressBarModule.Bootstrap(document.body, { progressbar: { context: "blue" } });
// @ts-expect-error: a path is needed
tws();
