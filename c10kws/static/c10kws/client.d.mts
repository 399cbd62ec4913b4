// Types of client.mjs and of the globals of client.js; docs/reference/javascript.rst. All times are
// in seconds.

export type State = "connecting" | "open" | "reconnecting" | "closed" | "offline";
export type Data = { [key: string]: any };
export type Position = { epoch: string; seq: number };

export interface Options {
  /** The part before the path; by default that of `{% c10kws_client %}`, or "/ws". */
  prefix?: string;
  /** By default that of the page. */
  host?: string;
  /** By default that of the page. */
  port?: number | string;
  /** True for wss; by default as the scheme of the page. */
  secure?: boolean;
  /** Seconds that `request` waits; 30 by default. */
  timeout?: number;
  /** Seconds that a connection may take to open; 20 by default. */
  handshake?: number;
  /** 0 never offers version 1, 1 never falls back to version 0. */
  version?: 0 | 1;
  reconnect?: false | { base?: number; cap?: number; tries?: number; stable?: number };
  queue?: false | { size?: number; seconds?: number };
}

/** A handler's argument about the room of a message. */
export interface Place {
  room: string;
  /** Only in rooms with history. */
  seq?: number;
  epoch?: string;
}

export interface StateDetail {
  code?: number;
  reason?: string;
  /** Seconds until the next try. */
  delay?: number;
  /** Consecutive tries. */
  tries?: number;
  cause?: "browser" | "tries";
}

export interface Dropped {
  event: string;
  data: Data;
  reason: "full" | "expired" | "closed" | "too_large";
  /** Bytes of the frame and the server's limit, if it is too large. */
  length?: number;
  limit?: number;
}

export interface Warning {
  message: string;
  /** Absent in version 0, like details. */
  code?: string;
  details?: Data;
  /** A room that could not be joined again. */
  room?: string;
}

/** The server's answer to a join. */
export interface Joined {
  room: string;
  epoch: string | null;
  seq: number;
  recovered: boolean;
}

/** Events of the client itself; all others come from the server. */
export interface LocalEvents {
  open: [event: Event];
  close: [event: CloseEvent];
  error: [event: Event];
  raw: [event: MessageEvent];
  state: [state: State, detail: StateDetail];
  offline: [detail: StateDetail];
  dropped: [dropped: Dropped];
  reset: [position: { room: string; epoch: string | null; seq: number }];
  warning: [warning: Warning];
}

export class RequestError extends Error {
  /** The code from the server, or "timeout", "closed", "too_large", "unsupported". */
  readonly code: string;
  readonly details: Data;
}

export class TornadoWebSocket {
  static readonly SUBPROTOCOL: "c10kws.v1.json";
  static readonly RequestError: typeof RequestError;
  /** Default options of clients that are made later. */
  static readonly DEFAULTS: { prefix: string; timeout: number; handshake: number };

  constructor(path: string, options?: Options);

  readonly url: string;
  readonly options: Options;
  readonly state: State;
  readonly connected: boolean;
  /** The server's id of this connection; null before ws:hello and in version 0. */
  readonly sid: string | null;
  /** null before the handshake. */
  readonly version: 0 | 1 | null;
  /** null between two connections. */
  readonly websocket: WebSocket | null;

  on<E extends keyof LocalEvents>(event: E, callback: (...args: LocalEvents[E]) => void): this;
  on<T = any>(event: string, callback: (data: T, place?: Place) => void): this;
  once<E extends keyof LocalEvents>(event: E, callback: (...args: LocalEvents[E]) => void): this;
  once<T = any>(event: string, callback: (data: T, place?: Place) => void): this;
  off(event: string, callback?: (...args: any[]) => void): this;

  emit(event: string, data?: unknown): this;
  request<T = any>(event: string, data?: unknown, options?: { timeout?: number }): Promise<T>;

  join(room: string, options?: { since?: Position | string }): Promise<Joined>;
  leave(room: string): Promise<{ room: string }>;

  connect(): this;
  close(code?: number, reason?: string): this;
}

export function tws(path: string, options?: Options): TornadoWebSocket;
export const SUBPROTOCOL: "c10kws.v1.json";
export default TornadoWebSocket;

type Client = typeof TornadoWebSocket;

declare global {
  var TornadoWebSocket: Client & ((path: string, options?: Options) => InstanceType<Client>);
  var tws: (path: string, options?: Options) => InstanceType<Client>;
}
