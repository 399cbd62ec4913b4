
// What differs for pages of django-tornado-websockets: a second handler of an event replaces the
// first, all events but three are the server's, and all may be emitted.
(() => {
  "use strict";

  const { DEFAULTS, prototype } = globalThis.TornadoWebSocket;
  const { on } = prototype;

  prototype.on = function (event, callback, once) {
    if (typeof callback === "function") this.off(event);
    return on.call(this, event, callback, once);
  };
  Object.assign(DEFAULTS, { local: ["open", "close", "error"], refused: [] });
})();
