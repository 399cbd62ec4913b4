
// Differences for pages of django-tornado-websockets: a second handler of an event replaces the
// first, all events except three come from the server, and all may be emitted. A page may reconnect
// with its own timer.
(() => {
  "use strict";

  const { DEFAULTS, prototype } = globalThis.TornadoWebSocket;
  if (DEFAULTS.refused.length === 0) return; // linked twice
  const { on, connect } = prototype;
  const newest = new Map(); // by URL: the latest client and its first WebSocket

  prototype.on = function (event, callback, once) {
    if (typeof callback === "function") this.off(event);
    return on.call(this, event, callback, once);
  };
  // A client whose first WebSocket has ended reconnects. If the page then makes another client for
  // the same URL, the first one is closed.
  prototype.connect = function () {
    const [client, first] = newest.get(this.url) ?? [];
    if (client && client !== this && client.websocket !== first) client.off("close").close();
    connect.call(this);
    if (client !== this) newest.set(this.url, [this, this.websocket]);
    return this;
  };
  Object.assign(DEFAULTS, { local: ["open", "close", "error"], refused: [] });
})();
