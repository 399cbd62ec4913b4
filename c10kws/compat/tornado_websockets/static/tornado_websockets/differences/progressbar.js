
// Differences for pages of django-tornado-websockets: the module makes the connection, and the
// engines have further names.
(() => {
  "use strict";

  const Module = globalThis.ProgressBarModule;
  if (globalThis.ProgressBarModuleEngine) return;

  const { Engine, Bootstrap, HTML5 } = Module;
  const ENGINES = new Map(Object.entries({ bootstrap: Bootstrap, html5: HTML5 }));

  /** Return the arguments of our module: a connection and an engine. */
  function connect(path, container, { type = "bootstrap", websocket, ...styles } = {}) {
    const Chosen = ENGINES.get(type);
    if (!Chosen) throw new TypeError(`type must be "bootstrap" or "html5", not "${type}"`);
    const engine = new Chosen(container, styles[type]);
    return [tws(`/module/progress_bar/${path.trim().replace(/^\//, "")}`, websocket), engine];
  }

  /** Takes `(path, container, options)` or `(ws, engine, prefix)`; works with `new` or without. */
  function ProgressBarModule(path, ...rest) {
    const given = typeof path === "string" ? connect(path, ...rest) : [path, ...rest];
    return Reflect.construct(Module, given, new.target ?? ProgressBarModule);
  }
  ProgressBarModule.prototype = Module.prototype;
  Module.prototype.constructor = ProgressBarModule;
  Object.assign(ProgressBarModule, Module);

  globalThis.ProgressBarModule = ProgressBarModule;
  globalThis.ProgressBarModuleEngine = Engine;
  globalThis.ProgressBarModuleEngineBootstrap = Bootstrap;
  globalThis.ProgressBarModuleEngineHtml5 = HTML5;
})();
