import type { CoreDisposable } from './core_types.js';

/** What registrations hand back; part of the core module, so a class with the static `from` the library expects. */
export class Disposable implements CoreDisposable {
  #dispose: (() => unknown) | undefined;

  constructor(dispose: () => unknown) {
    this.#dispose = dispose;
  }

  static from(...items: CoreDisposable[]): Disposable {
    return new Disposable(() => {
      for (const item of items) item.dispose();
    });
  }

  /** Undoes the registration; a second call does nothing. */
  dispose(): unknown {
    const dispose = this.#dispose;
    this.#dispose = undefined;
    return dispose?.();
  }
}
