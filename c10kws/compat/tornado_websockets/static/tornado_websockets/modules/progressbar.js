// A progress bar for a c10kws.events.ProgressBar; docs/reference/javascript.rst describes its use.
//
//   const ws = new TornadoWebSocket("/module/progress_bar/import");
//   new ProgressBarModule(ws, new ProgressBarModule.HTML5(document.querySelector("#import")));
//
// The module receives events, an engine draws. An engine is any object with `render`, `onInit`,
// `onUpdate`, `updateLabel` and `updateProgression`. Text is set as text, never as HTML. Styles are
// set by the object model, which every Content-Security-Policy allows.
(() => {
  "use strict";

  if (globalThis.ProgressBarModule?.HTML5) return; // linked twice, or linked and imported

  const METHODS = ["render", "onInit", "onUpdate", "updateLabel", "updateProgression"];
  // Without a handler the client would warn of these. All but "done" surround `init` and `update`
  // in version 0 of the protocol, and with c10kws.compat.
  const SILENT = ["before_init", "after_init", "before_update", "after_update", "done"];
  const LABEL = { visible: true, classes: ["progressbar-label"], position: "top" };
  const PROGRESSION = { visible: true, format: "{{percent}}%" };
  const PROGRESSBAR = { context: "info", striped: false, animated: false };
  const CONTEXTS = ["info", "success", "warning", "danger"];

  function make(tag, ...classes) {
    const element = document.createElement(tag);
    element.classList.add(...classes);
    return element;
  }

  /** The events of a progress bar over a TornadoWebSocket, under a prefix. */
  class ProgressBarModule {
    /** Let `engine` draw. `prefix` is prepended to the names of all events. */
    constructor(ws, engine, prefix = "") {
      if (typeof ws?.on !== "function") {
        throw new TypeError("expected a TornadoWebSocket as the first argument");
      }
      const missing = METHODS.filter((method) => typeof engine?.[method] !== "function");
      if (missing.length > 0) {
        throw new TypeError(`the engine lacks the methods ${missing.join(", ")}`);
      }
      Object.assign(this, { websocket: ws, engine, prefix: String(prefix) });
      for (const event of SILENT) this.on(event, () => {});
      this.on("init", (data) => engine.onInit(data));
      this.on("update", (data) => engine.onUpdate(data));
      engine.render();
    }

    /** Bind a handler to an event of the module: `init`, `update` or `done`. */
    on(event, callback) {
      this.websocket.on(this.prefix + event, callback);
      return this;
    }

    /** Remove a handler, or without `callback` all handlers of an event. */
    off(event, callback) {
      this.websocket.off(this.prefix + event, callback);
      return this;
    }

    /** Send an event of the module. */
    emit(event, data) {
      this.websocket.emit(this.prefix + event, data);
      return this;
    }
  }

  /** Base class of both engines: numbers, label, attributes for assistive technology. */
  class Engine {
    constructor(container, { label, progression, name = "Progress" } = {}) {
      if (!(container instanceof Element)) {
        throw new TypeError("expected an element of the page as the first argument");
      }
      this.container = container;
      this.label = { ...LABEL, ...label };
      this.progression = { ...PROGRESSION, ...progression };
      this.name = name; // for screen readers
      this.values = { indeterminate: true, min: 0, max: 100, value: 0 };
    }

    /** The value in percent, 0 to 100. */
    get percent() {
      const { min, max, value } = this.values;
      const part = max > min ? (value - min) / (max - min) : 0;
      return Math.round(100 * Math.min(1, Math.max(0, part)));
    }

    /** Put the elements into the container; until `init` the bar is indeterminate. */
    render() {
      this.$label = make("span", ...this.label.classes);
      if (!this.label.visible) this.$label.style.display = "none";
      this.$progression = make("span", "progressbar-progression");
      this.$bar = this.makeBar();
      this.$bar.setAttribute("role", "progressbar");
      this.$bar.setAttribute("aria-label", this.name);
      const bar = this.wrap();
      const isTop = this.label.position === "top";
      this.container.append(...(isTop ? [this.$label, bar] : [bar, this.$label]));
      this.draw();
    }

    /** Show a new state: `{indeterminate}`, and min, max and value if it is determinate. */
    onInit(data) {
      Object.assign(this.values, data);
      this.updateLabel("");
      this.draw();
    }

    /** Show a step: `{value}` if the bar is determinate, and perhaps a label. */
    onUpdate({ value, label }) {
      if (value !== undefined) this.values.value = value;
      if (label !== undefined) this.updateLabel(label);
      this.draw();
    }

    /** Show a label. */
    updateLabel(label) {
      this.$label.textContent = label;
      this.describe();
    }

    /** Show a percentage; null shows none. */
    updateProgression(percent) {
      const format = this.progression.format;
      const text = () => String(percent); // a function, since "$&" in a string is special
      this.$progression.textContent =
        percent === null ? "" : format.replace(/\{\{ *percent *\}\}/g, text);
      this.describe();
    }

    /** Show the current values. */
    draw() {
      const { indeterminate, min, max, value } = this.values;
      const known = { "aria-valuemin": min, "aria-valuemax": max, "aria-valuenow": value };
      for (const [name, number] of Object.entries(known)) {
        // WAI-ARIA: a progressbar without aria-valuenow is indeterminate.
        if (indeterminate) this.$bar.removeAttribute(name);
        else this.$bar.setAttribute(name, number);
      }
      this.fill(indeterminate ? null : this.percent);
      this.updateProgression(indeterminate ? null : this.percent);
    }

    /** Describe the bar in words, for screen readers. */
    describe() {
      const words = [this.$progression.textContent, this.$label.textContent].filter(Boolean);
      if (words.length > 0) this.$bar.setAttribute("aria-valuetext", words.join(", "));
      else this.$bar.removeAttribute("aria-valuetext");
    }
  }

  /** `<progress>`, with the percentage to its right or left. */
  class HTML5 extends Engine {
    constructor(container, options = {}) {
      super(container, options);
      this.progression = { position: "right", ...this.progression };
    }

    makeBar() {
      return make("progress", "progress-bar");
    }

    wrap() {
      const wrapper = make("div", "progressbar-html5");
      const isLeft = this.progression.position === "left";
      if (!this.progression.visible) this.$progression.style.display = "none";
      wrapper.append(...(isLeft ? [this.$progression, this.$bar] : [this.$bar, this.$progression]));
      return wrapper;
    }

    fill(percent) {
      this.$bar.max = 100; // percent, since <progress> has no minimum
      if (percent === null) this.$bar.removeAttribute("value");
      else this.$bar.value = percent;
    }
  }

  /** Bootstrap's markup, with the percentage inside; classes of its releases 3, 4 and 5. */
  class Bootstrap extends Engine {
    constructor(container, options = {}) {
      super(container, options);
      this.progressbar = { ...PROGRESSBAR, ...options.progressbar };
      if (!CONTEXTS.includes(this.progressbar.context)) {
        throw new TypeError(`context must be one of ${CONTEXTS.join(", ")}`);
      }
    }

    makeBar() {
      const { context } = this.progressbar;
      return make("div", "progress-bar", `progress-bar-${context}`, `bg-${context}`);
    }

    wrap() {
      const wrapper = make("div", "progress");
      if (!this.progression.visible) this.$progression.classList.add("sr-only", "visually-hidden");
      this.$bar.append(this.$progression);
      wrapper.append(this.$bar);
      return wrapper;
    }

    /** Set the width. An indeterminate bar is full, and moves. */
    fill(percent) {
      const { striped, animated } = this.progressbar;
      const moving = percent === null || animated;
      this.$bar.style.width = `${percent ?? 100}%`;
      this.$bar.classList.toggle("progress-bar-striped", moving || striped);
      this.$bar.classList.toggle("progress-bar-animated", moving);
      this.$bar.classList.toggle("active", moving);
    }
  }

  // Under their new names and those of django-tornado-websockets.
  Object.assign(ProgressBarModule, { Engine, HTML5, Bootstrap });
  Object.assign(ProgressBarModule, { EngineHtml5: HTML5, EngineBootstrap: Bootstrap });
  globalThis.ProgressBarModule = ProgressBarModule;
})();

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
