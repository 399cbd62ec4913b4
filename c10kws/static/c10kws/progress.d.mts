// Types of progress.mjs and of the global of progress.js; docs/reference/javascript.rst.

import type { TornadoWebSocket } from "./client.mjs";

export interface InitData {
  indeterminate: boolean;
  min?: number;
  max?: number;
  value?: number;
}

export interface UpdateData {
  value?: number;
  label?: string;
}

/** The engine that draws a progress bar. */
export interface ProgressEngine {
  render(): void;
  onInit(data: InitData): void;
  onUpdate(data: UpdateData): void;
  updateLabel(label: string): void;
  /** null if the bar is indeterminate. */
  updateProgression(percent: number | null): void;
}

export interface EngineOptions {
  /** The name of the bar for screen readers; "Progress" by default. */
  name?: string;
  label?: { visible?: boolean; classes?: string[]; position?: "top" | "bottom" };
  progression?: { visible?: boolean; format?: string };
}

export interface HTML5Options extends EngineOptions {
  progression?: EngineOptions["progression"] & { position?: "right" | "left" };
}

export interface BootstrapOptions extends EngineOptions {
  progressbar?: {
    context?: "info" | "success" | "warning" | "danger";
    striped?: boolean;
    animated?: boolean;
  };
}

declare abstract class Engine implements ProgressEngine {
  constructor(container: Element, options?: EngineOptions);
  readonly container: Element;
  readonly percent: number;
  render(): void;
  onInit(data: InitData): void;
  onUpdate(data: UpdateData): void;
  updateLabel(label: string): void;
  updateProgression(percent: number | null): void;
  /** Return the element that has the role progressbar. */
  protected abstract makeBar(): Element;
  /** Return the element for the container, with the bar and the percentage in it. */
  protected abstract wrap(): Element;
  /** Show a percentage in the bar; null if it is indeterminate. */
  protected abstract fill(percent: number | null): void;
}

declare class HTML5 extends Engine {
  constructor(container: Element, options?: HTML5Options);
  protected makeBar(): Element;
  protected wrap(): Element;
  protected fill(percent: number | null): void;
}

declare class Bootstrap extends Engine {
  constructor(container: Element, options?: BootstrapOptions);
  protected makeBar(): Element;
  protected wrap(): Element;
  protected fill(percent: number | null): void;
}

/** Events without data. All but "done" come in version 0 of the protocol only. */
type ProgressEvent = "before_init" | "after_init" | "before_update" | "after_update" | "done";

export class ProgressBarModule<E extends ProgressEngine = ProgressEngine> {
  constructor(ws: TornadoWebSocket, engine: E, prefix?: string);

  readonly websocket: TornadoWebSocket;
  readonly engine: E;
  readonly prefix: string;

  on(event: "init", callback: (data: InitData) => void): this;
  on(event: "update", callback: (data: UpdateData) => void): this;
  on(event: ProgressEvent, callback: () => void): this;
  on(event: string, callback: (data: any) => void): this;
  off(event: string, callback?: (...args: any[]) => void): this;
  emit(event: string, data?: unknown): this;

  static readonly Engine: typeof Engine;
  static readonly HTML5: typeof HTML5;
  static readonly Bootstrap: typeof Bootstrap;
  static readonly EngineHtml5: typeof HTML5;
  static readonly EngineBootstrap: typeof Bootstrap;
}

export default ProgressBarModule;

type Module = typeof ProgressBarModule;

declare global {
  var ProgressBarModule: Module;
}
