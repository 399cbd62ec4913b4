// The browser's half of the event protocol: named events, requests and rooms over a WebSocket that
// reconnects. It has no build step and no dependencies. docs/reference/javascript.rst describes its
// use, docs/reference/protocol.rst the protocol.
//
// In this order: limits and rules, handlers, rooms, the client. All times are in seconds. Names
// with an underscore at the start are private.
(() => {
  "use strict";

  // A page that links this script twice, or imports client.mjs too, gets one class.
  if (globalThis.TornadoWebSocket?.SUBPROTOCOL) return;

  const SUBPROTOCOL = "c10kws.v1.json";
  // Events of the client itself. Events from the server with these names are not delivered.
  const LOCAL = "open close error raw state offline dropped reset".split(" ");
  // Events that the server refuses, since it calls the callbacks of these names itself.
  const REFUSED = "open close error connect disconnect".split(" ");
  const DEFAULTS = {
    // The part of the URL before the path. {% c10kws_client %} sets that of the URLconf.
    prefix: globalThis.document?.currentScript?.dataset.prefix ?? "/ws",
    timeout: 30, // limit for request()
    handshake: 20, // limit for a connection to open; browsers wait for minutes
    local: LOCAL,
    refused: REFUSED,
  };
  // A connection that lasted longer than `stable` resets the delays.
  const RECONNECT = { base: 0.5, cap: 30, tries: 10, stable: 10 };
  const QUEUE = { size: 100, seconds: 30 }; // events that wait longer are reported as dropped
  // Close codes after which a retry would end in the same way. So would 44xx, except TEMPORARY.
  const FINAL = [1000, 1002, 1003, 1007, 1008, 1009, 1010];
  const TEMPORARY = [4408, 4429];

  function isFinal(code) {
    return FINAL.includes(code) || (code >= 4400 && code < 4500 && !TEMPORARY.includes(code));
  }

  /** Error of a request: `code` is for programs, `message` for people, `details` an object. */
  class RequestError extends Error {
    constructor(code, message, details) {
      super(message || code);
      Object.assign(this, { name: "RequestError", code, details: details || {} });
    }
  }

  function warn(...things) {
    console.warn("TornadoWebSocket:", ...things);
  }

  /** Call setTimeout, unless the delay is above its limit of 2^31 ms; it would fire at once. */
  function later(seconds, callback) {
    return seconds < 2147483 ? setTimeout(callback, seconds * 1000) : undefined;
  }

  /** Return data as the object that a frame needs. */
  function asObject(data) {
    if (data === undefined) return {};
    return Object.prototype.toString.call(data) === "[object Object]" ? data : { message: data };
  }

  /** Return {epoch, seq}, which a page may also have as the text "epoch:seq". */
  function asPosition(since) {
    if (typeof since !== "string") return since;
    const colon = since.lastIndexOf(":");
    return { epoch: since.slice(0, colon), seq: Number(since.slice(colon + 1)) };
  }

  function checkEvent(event, refused) {
    if (typeof event !== "string" || event === "") {
      throw new TypeError(`expected the name of an event, not ${String(event)}`);
    }
    if (event.startsWith("ws:") || refused.includes(event)) {
      throw new TypeError(`the event name "${event}" is reserved; choose another name`);
    }
  }

  /** Return the frame in a message, or null. Arrays are reserved for batches. */
  function parse(text) {
    let frame = null;
    try {
      frame = typeof text === "string" ? JSON.parse(text) : null;
    } catch {} // the caller reports null
    const hasObject = typeof frame?.data === "object" && frame.data !== null;
    const complete = hasObject || frame?.event === "ws:reply"; // a reply may have any value
    return complete && typeof frame.event === "string" ? frame : null;
  }

  /** Return the URL. Parts that the options do not set are those of the page. */
  function urlOf(path, { prefix, host, port, secure }) {
    const text = String(path).trim();
    if (/^wss?:\/\//i.test(text)) return text;
    const page = globalThis.location;
    const scheme = (secure ?? page.protocol === "https:") ? "wss" : "ws";
    const name = host ?? page.hostname;
    const number = String(port ?? page.port);
    const authority = number === "" || /:\d+$/.test(name) ? name : `${name}:${number}`;
    const parts = [authority, ...prefix.split("/").filter(Boolean), text.replace(/^\//, "")];
    return `${scheme}://${parts.join("/")}`;
  }

  /** Close a socket. Its own `close` is overridden for the page. */
  function hangUp(socket, ...end) {
    if (socket !== null) WebSocket.prototype.close.apply(socket, end);
  }

  /** Handlers by event, in the order in which they were bound. */
  class Emitter {
    _handlers = new Map(); // event -> Map of callback -> once

    /** Call `callback` whenever `event` happens, over all reconnects. */
    on(event, callback, once = false) {
      if (typeof callback !== "function") {
        throw new TypeError(`expected a function for "${event}", not ${typeof callback}`);
      }
      if (!this._handlers.has(event)) this._handlers.set(event, new Map());
      this._handlers.get(event).set(callback, once === true);
      return this;
    }

    /** Call `callback` the next time that `event` happens, and not again. */
    once(event, callback) {
      return this.on(event, callback, true);
    }

    /** Remove a handler, or without `callback` all handlers of an event. */
    off(event, callback) {
      if (callback === undefined) this._handlers.delete(event);
      else this._handlers.get(event)?.delete(callback);
      return this;
    }

    /** Call the handlers; return true if there was one. An error in one does not stop others. */
    _dispatch(event, ...args) {
      const handlers = this._handlers.get(event) ?? new Map();
      const bound = [...handlers];
      for (const [callback, once] of bound) {
        if (!handlers.has(callback)) continue; // another handler has removed it
        if (once) handlers.delete(callback);
        try {
          callback.apply(this, args);
        } catch (error) {
          (globalThis.reportError ?? console.error)(error);
        }
      }
      return bound.length > 0;
    }
  }

  /** The rooms that the page has joined, and the position of the last message in each. */
  class Rooms {
    _wanted = new Map(); // by the name that the page has joined, which may be a signed one
    _positions = new Map(); // {epoch, seq} of the last message, by the name in messages
    _early = new Map(); // messages that came before the reply to a join with `since`

    constructor(client) {
      this._client = client;
    }

    /** Join a room; joining it again returns the same promise. */
    join(asked, since) {
      let room = this._wanted.get(asked);
      if (!room) {
        room = { asked, name: asked, joined: false };
        room.promise = new Promise((resolve, reject) => Object.assign(room, { resolve, reject }));
        this._wanted.set(asked, room);
        if (since) this._positions.set(asked, asPosition(since));
        if (this._client.connected) this._ask(room);
      }
      return room.promise;
    }

    /** Leave a room. Without a connection the server has forgotten the client anyway. */
    async leave(asked) {
      const room = this._wanted.get(asked);
      if (room) this._remove(room, new RequestError("closed", "left before it was joined"));
      const { connected } = this._client;
      return connected ? this._client._ask("ws:leave", { room: asked }) : { room: asked };
    }

    /** Join all rooms again, on a new connection. */
    rejoin() {
      const rooms = [...this._wanted.values()];
      const names = rooms.map((room) => room.name);
      this._early.clear();
      for (const [name, { epoch }] of this._positions) {
        // Without an epoch, or a reply with a new one, the server may count from 1 again.
        if (epoch == null) this._positions.delete(name);
        else if (!names.includes(name)) this._catchUp(name);
      }
      rooms.forEach((room) => this._ask(room));
    }

    /** Ask for the missed messages of a room that the server has joined. */
    async _catchUp(name) {
      try {
        const since = this._positions.get(name);
        this._enter({ name, resolve() {} }, since, await this._join(name, name, since));
      } catch (error) {
        // The server has not joined it again. The last message that came is the position.
        if (error.code !== "closed") this._positions.delete(name);
      }
    }

    /** Send a join; what comes before its reply is among the messages that follow the reply. */
    async _join(asked, name, since) {
      const early = [];
      const end = () => this._early.get(name) === early && this._early.delete(name);
      if (since) this._early.set(name, early);
      try {
        const reply = await this._client._ask("ws:join", { room: asked, since });
        end();
        return reply;
      } catch (error) {
        if (end() && error.code !== "closed") early.forEach((each) => this._client._deliver(each));
        throw error;
      }
    }

    /** Handle that the server has lost messages. */
    reset(data) {
      const { room, epoch, seq } = data;
      if (epoch != null) this._positions.set(room, { epoch, seq });
      this._client._tell("reset", data);
    }

    /** Reject all pending joins: the client is closed for good. */
    fail(error) {
      for (const room of this._wanted.values()) if (!room.joined) this._remove(room, error);
    }

    /** Return the place of a message, an argument of its handlers; null for a duplicate. */
    hear(frame) {
      const { room, seq, epoch } = frame;
      if (typeof seq === "number" && this._early.has(room)) {
        this._early.get(room).push(frame);
        return null;
      }
      const position = this._positions.get(room);
      const place = { room, seq, epoch: epoch ?? position?.epoch };
      if (typeof seq !== "number") return place;
      if (position && position.epoch === place.epoch && seq <= position.seq) return null;
      this._positions.set(room, { epoch: place.epoch, seq });
      return place;
    }

    async _ask(room) {
      const since = this._positions.get(room.name);
      const isWanted = () => this._wanted.get(room.asked) === room; // the page has not left it
      try {
        const reply = await this._join(room.asked, room.name, since);
        if (isWanted()) this._enter(room, since, reply);
      } catch (error) {
        // If the connection has ended, the next one joins again.
        if (isWanted() && error.code !== "closed") this._refuse(room, error);
      }
    }

    _enter(room, since, { room: name = room.asked, epoch, seq, recovered, ...rest }) {
      const again = room.joined || since !== undefined;
      this._positions.delete(room.name);
      // Missed messages follow the reply. Until they arrive, `since` is the position.
      const last = recovered ? (since?.seq ?? 0) : seq;
      // If the server could not read the history, `since` still is the position.
      const position = epoch == null ? since : { epoch, seq: last };
      if (position) this._positions.set(name, position);
      Object.assign(room, { name, joined: true });
      room.resolve({ room: name, epoch, seq, recovered, ...rest });
      if (again && recovered === false) this._client._tell("reset", { room: name, epoch, seq });
    }

    _refuse(room, { code, message, details }) {
      const data = { code, message, details, room: room.name };
      if (room.joined) this._client._deliver({ event: "warning", data });
      this._remove(room, new RequestError(code, message, details));
    }

    _remove(room, error) {
      this._wanted.delete(room.asked);
      this._positions.delete(room.name);
      room.reject(error); // no effect if it was joined
    }
  }

  /** A connection to an EventSocket: what `new TornadoWebSocket(path, options)` returns. */
  class Client extends Emitter {
    state = "closed";
    _lastId = 0;
    _requests = new Map(); // by id
    _queue = new Set(); // oldest first
    _rooms = new Rooms(this);
    _unhandled = new Set(); // events without a handler, which have caused a warning

    constructor(path, options = {}) {
      super();
      if (path == null) throw new ReferenceError('expected a path: new TornadoWebSocket("/chat")');
      this.options = { ...DEFAULTS, ...options };
      this._reconnect = { ...RECONNECT, ...options.reconnect };
      this._limits = options.queue === false ? { size: 0 } : { ...QUEUE, ...options.queue };
      this.url = urlOf(path, this.options);
      this._forget();
      this.connect();
    }

    /** True if an event would be sent at once. A closing socket would drop it silently. */
    get connected() {
      return this._ready && this.websocket.readyState === WebSocket.OPEN;
    }

    /** Connect after close() or after the client gave up; while it waits to retry, retry now. */
    connect() {
      if (this.websocket !== null) return this;
      const closed = this.state === "closed";
      this._open();
      if (closed) {
        Object.assign(this, { _tries: 0, _hasOpened: false });
        this._watchBrowser("addEventListener");
      }
      this._setState(closed ? "connecting" : "reconnecting");
      return this;
    }

    /** Close for good; only connect() opens it again. The code is 1000 or 3000 to 4999. */
    close(code = 1000, reason = "") {
      hangUp(this.websocket, code, reason); // first, since it throws for another code
      if (this.state !== "closed") this._finish({ code, reason });
      return this;
    }

    /** Send an event. Without a connection it is queued; `dropped` reports events not sent. */
    emit(event, data) {
      checkEvent(event, this.options.refused);
      this._send({ event, data: asObject(data) });
      return this;
    }

    /** Send an event and return a promise of its reply; it may reject with a RequestError. */
    async request(event, data, { timeout } = {}) {
      checkEvent(event, this.options.refused);
      return this._ask(event, asObject(data), timeout);
    }

    /** Enter a room, also after each reconnect. `since` is the page's position. */
    join(room, { since } = {}) {
      return this._rooms.join(room, since);
    }

    /** Leave a room. */
    leave(room) {
      return this._rooms.leave(room);
    }

    // Sending. An item is a frame with its timers and the functions that settle its promise.

    _ask(event, data, timeout = this.options.timeout) {
      return new Promise((resolve, reject) => {
        const item = { event, data, id: (this._lastId += 1), resolve, reject };
        const error = new RequestError("timeout", `no reply to "${event}" in ${timeout} seconds`);
        this._requests.set(item.id, item);
        item.waiting = later(timeout, () => this._settle(item.id, "reject", error));
        this._send(item);
      });
    }

    _send(item) {
      const { event, data, id } = item;
      item.text = JSON.stringify({ event, data, id }); // now, since the page may change data later
      this._sendOrQueue(item);
    }

    _sendOrQueue(item) {
      if (this.connected) return this._transmit(item);
      if (this.state === "closed") return this._drop(item, "closed");
      if (this._queue.size >= this._limits.size) return this._drop(item, "full");
      this._queue.add(item);
      item.aging = later(this._limits.seconds, () => this._drop(item, "expired"));
    }

    _transmit(item) {
      if (this.version === 0 && item.id !== undefined) return this._drop(item, "unsupported");
      // The server would close the client for good with 1009. A UTF-16 unit is at most 3 bytes.
      const length = item.text.length * 3 > this._maxSize ? new Blob([item.text]).size : 0;
      const limit = this._maxSize;
      if (length > limit) return this._drop(item, "too_large", { length, limit });
      item.sent = true;
      this.websocket.send(item.text);
    }

    _unqueue(item) {
      clearTimeout(item.aging);
      this._queue.delete(item);
    }

    _drop(item, reason, sizes = {}) {
      const { event, data, id } = item;
      const code = reason === "full" || reason === "expired" ? "closed" : reason;
      const { length, limit } = sizes;
      const why = length ? `${reason} (${length} bytes; the server accepts ${limit})` : reason;
      const details = { reason, ...sizes };
      const error = new RequestError(code, `"${event}" was not sent: ${why}`, details);
      this._unqueue(item);
      if (id !== undefined) this._settle(id, "reject", error);
      else if (!this._tell("dropped", { event, data, ...details })) warn(error.message, data);
    }

    _settle(id, verb, value) {
      const item = this._requests.get(id);
      if (!item) return; // the reply came after the timeout
      this._requests.delete(id);
      clearTimeout(item.waiting);
      this._unqueue(item);
      item[verb](value);
    }

    // Receiving

    /** Call the handlers of an event of the client itself; return true if there was one. */
    _tell(event, ...args) {
      return this.options.local.includes(event) && this._dispatch(event, ...args);
    }

    _receive(message) {
      this._receivedAt = performance.now();
      const raw = this._tell("raw", message);
      const frame = parse(message.data);
      if (frame?.event.startsWith("ws:")) this._control(frame);
      else if (frame) this._deliver(frame);
      else if (!raw) warn("received a message that is not a frame:", message.data);
    }

    /** Handle an event of the protocol itself; ignore unknown ones, which are for newer clients. */
    _control({ event, data, re }) {
      if (event === "ws:hello") this._greet(data);
      else if (event === "ws:reply") this._settle(re, "resolve", data);
      else if (event === "ws:ping") this._sendHeartbeat("ws:pong");
      else if (event === "ws:bye") this._bye = data;
      else if (event === "ws:reset") this._rooms.reset(data);
      else if (event === "ws:error" && re == null) this._deliver({ event: "warning", data });
      else if (event === "ws:error") {
        this._settle(re, "reject", new RequestError(data.code, data.message, data.details));
      }
    }

    _deliver(frame) {
      const { event, data } = frame;
      if (this.options.local.includes(event)) {
        return warn(`"${event}" from the server is not delivered: the client has such an event`);
      }
      const place = typeof frame.room === "string" ? this._rooms.hear(frame) : undefined;
      if (place === null || this._dispatch(event, data, place)) return;
      const repeated = event !== "warning" && this._unhandled.has(event);
      if (!repeated) warn(`no handler for "${event}"`, data);
      this._unhandled.add(event);
    }

    // The connection

    _open(offer = this.options.version !== 0) {
      this._forget();
      const socket = new WebSocket(this.url, offer ? [SUBPROTOCOL] : []);
      // A page that closes the socket does not want the client to reconnect.
      socket.close = (...end) => (socket === this.websocket ? this.close(...end) : undefined);
      Object.assign(this, { websocket: socket, _offered: offer });
      this._timer = later(this.options.handshake, () => this._abandon("handshake timeout"));
      socket.onopen = (event) => this._finishHandshake(event);
      socket.onmessage = (message) => this._receive(message);
      socket.onerror = (event) => this._mayFallBack(socket) || this._tell("error", event);
      socket.onclose = (event) => this._end(socket, event);
    }

    /** Reset the state of one connection. One timer: of handshake, heartbeat or retry. */
    _forget() {
      clearTimeout(this._timer);
      Object.assign(this, { websocket: null, version: null, sid: null });
      Object.assign(this, { _openEvent: null, _bye: {}, _maxSize: Infinity });
      Object.assign(this, { _pingPeriod: Infinity, _receivedAt: 0, _pingedAt: 0 });
      Object.assign(this, { _ready: false, _serverDelay: false });
    }

    /** Handle the end of the handshake. Version 1 is open when ws:hello has arrived. */
    _finishHandshake(event) {
      this._openEvent = event;
      this._hasOpened = true;
      this.version = event.target.protocol === SUBPROTOCOL ? 1 : 0;
      if (this.version === 0) this._begin();
    }

    _greet({ sid, ping, max }) {
      this.sid = sid;
      this._hadHello = true; // a handshake that fails later has another reason than the version
      if (ping > 0) this._pingPeriod = ping * 1000;
      if (max > 0) this._maxSize = max;
      this._begin();
    }

    /** Send the queue, then call the handlers of `open`. */
    _begin() {
      Object.assign(this, { _ready: true, _began: performance.now(), state: "open" });
      this._watch();
      this._rooms.rejoin();
      for (const item of [...this._queue]) {
        this._unqueue(item);
        this._sendOrQueue(item);
      }
      this._setState("open");
      if (this.connected) this._tell("open", this._openEvent);
    }

    /** Ping after a period of silence; disconnect after another. Hidden tabs have late timers. */
    _watch() {
      clearTimeout(this._timer);
      const waiting = this._pingedAt > this._receivedAt;
      const since = waiting ? this._pingedAt : this._receivedAt;
      const left = since + this._pingPeriod - performance.now();
      if (left > 0) this._timer = later(left / 1000, () => this._watch());
      else if (waiting) this._abandon("no answer to ws:ping");
      else this._ping();
    }

    _ping() {
      const pending = this._pingedAt > this._receivedAt;
      if (this._pingPeriod === Infinity || pending) return;
      this._pingedAt = performance.now();
      this._sendHeartbeat("ws:ping");
      this._watch();
    }

    _sendHeartbeat(event) {
      if (this.connected) this.websocket.send(JSON.stringify({ event, data: {} }));
    }

    /** Treat a dead connection as closed; the browser would wait a long time for its Close. */
    _abandon(reason) {
      const socket = this.websocket;
      socket.onopen = socket.onmessage = socket.onerror = socket.onclose = null;
      hangUp(socket);
      this._end(socket, new CloseEvent("close", { code: 1006, reason }));
    }

    /** Return true if the server may not support version 1; the browser gives no reason. */
    _mayFallBack(socket) {
      const failed = socket === this.websocket && this._offered && this._openEvent === null;
      return failed && !this._hadHello && this.options.version !== 1;
    }

    _end(socket, event) {
      if (this._mayFallBack(socket)) return this._open(false);
      if (socket === this.websocket) this._handleLoss(event); // else close() has handled the end
      this._tell("close", event);
    }

    _handleLoss(event) {
      const { reconnect, code, retry_after: retryAfter } = this._bye;
      const stable = this._ready && performance.now() - this._began > this._reconnect.stable * 1000;
      const again = this.options.reconnect !== false && (reconnect ?? !isFinal(code ?? event.code));
      this._tries = stable ? 1 : this._tries + 1;
      if (!again) return this._finish({ code: event.code, reason: event.reason });
      this._endConnection();
      if (!this._hasOpened && this._tries >= this._reconnect.tries) this._giveUp(event);
      else this._retry(typeof retryAfter === "number" ? retryAfter : null, event);
    }

    /** Reject pending requests of an ended connection; the server may have received them. */
    _endConnection() {
      this._forget();
      const error = new RequestError("closed", "the connection ended before the reply");
      for (const { id, sent } of [...this._requests.values()]) {
        if (sent) this._settle(id, "reject", error);
      }
    }

    _finish(detail) {
      this.state = "closed"; // before handlers are called, so that they queue nothing
      this._endConnection();
      this._watchBrowser("removeEventListener");
      for (const item of [...this._queue]) this._drop(item, "closed");
      this._rooms.fail(new RequestError("closed", "the connection is closed"));
      this._setState("closed", detail);
    }

    /** Stop retrying, since no connection has opened. connect() and browser events retry. */
    _giveUp({ code }) {
      const detail = { cause: "tries", tries: this._tries, code };
      this._tries = 0;
      this._setState("offline", detail);
    }

    /**
     * Retry after a delay with full jitter, so that clients do not all reconnect at once. The delay
     * of the server is the least; up to half of it is added.
     */
    _retry(retryAfter, { code, reason }) {
      const { base, cap } = this._reconnect;
      const offline = navigator.onLine === false; // a hint only: localhost may be reachable
      let delay = offline ? cap : Math.random() * Math.min(cap, base * 2 ** (this._tries - 1));
      if (retryAfter !== null) delay = retryAfter + Math.random() * Math.max(base, retryAfter / 2);
      this._serverDelay = retryAfter !== null; // it takes precedence over browser events
      this._timer = later(delay, () => this._open());
      const detail = { code, reason, delay, tries: this._tries };
      if (offline) this._setState("offline", { cause: "browser", ...detail });
      else this._setState("reconnecting", detail);
    }

    _setState(state, detail = {}) {
      if (this.state === state && detail.cause === "browser") return; // reported before
      this.state = state;
      this._tell("state", state, detail);
      if (state === "offline") this._tell("offline", detail);
    }

    // Events of the browser

    _watchBrowser(verb) {
      for (const event of ["online", "offline"]) globalThis[verb](event, this);
      globalThis.document?.[verb]("visibilitychange", this);
    }

    /** Implement EventListener: the network or the visibility of the page has changed. */
    handleEvent({ type }) {
      if (type === "visibilitychange" && document.hidden) return;
      if (this.connected) return this._ping(); // the connection may have died during a sleep
      if (this.websocket !== null) return; // it is connecting
      if (type === "offline") this._setState("offline", { cause: "browser" });
      else if (!this._serverDelay) this.connect();
    }
  }

  /** The public constructor; works with `new` or without, and as the base of a class. */
  function TornadoWebSocket(path, options) {
    return Reflect.construct(Client, [path, options], new.target ?? TornadoWebSocket);
  }
  TornadoWebSocket.prototype = Client.prototype;
  Client.prototype.constructor = TornadoWebSocket;
  Object.assign(TornadoWebSocket, { SUBPROTOCOL, RequestError, DEFAULTS });

  globalThis.TornadoWebSocket = TornadoWebSocket;
  globalThis.tws = (path, options) => new TornadoWebSocket(path, options);
})();

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
