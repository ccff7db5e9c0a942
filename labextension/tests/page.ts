/**
 * So much of a page that the panel's own modules can be driven in Node. Tests run where JupyterLab is not installed: its
 * modules are empty here, and the panel's are compiled when they are loaded, without a look at types.
 */
import { readFileSync } from 'node:fs';
import Module from 'node:module';
import { join } from 'node:path';

import * as ts from 'typescript';

const { prototype, ...loader } = Module as unknown as {
  readonly prototype: { _compile(code: string, file: string): void };
  readonly _extensions: { [ending: string]: (module: typeof prototype, file: string) => void };
};
const { require: load } = Module.prototype;
Object.assign(Module.prototype, {
  require(this: NodeModule, name: string): unknown {
    return name.startsWith('@jupyterlab/') ? {} : load.call(this, name);
  }
});
loader._extensions['.ts'] = (module, file) => {
  const compilerOptions = { module: ts.ModuleKind.CommonJS, target: ts.ScriptTarget.ES2020, esModuleInterop: true };
  module._compile(ts.transpileModule(readFileSync(file, 'utf8'), { compilerOptions }).outputText, file);
};
Object.assign(globalThis, { window: globalThis });

/** A module of the package, by its path in `src`. */
export const source = (path: string): any => require(join(process.cwd(), 'src', path));

export const tick = (ms = 0) => new Promise<void>(resolve => setTimeout(resolve, ms));

export class FakeSignal {
  readonly slots = new Set<(...told: unknown[]) => void>();
  connect(slot: () => void): void {
    this.slots.add(slot);
  }
  disconnect(slot: () => void): void {
    this.slots.delete(slot);
  }
  emit(...told: unknown[]): void {
    this.slots.forEach(slot => slot(...told));
  }
}

/** A notebook with metadata, whose kernel comes when `begin` is called. */
export class FakeNotebook {
  readonly isDisposed = false;
  readonly metadata: { [name: string]: unknown } = {};
  readonly model = {
    getMetadata: (name: string) => this.metadata[name],
    setMetadata: (name: string, value: unknown) => void (this.metadata[name] = value),
    deleteMetadata: (name: string) => void delete this.metadata[name]
  };
  readonly sessionContext = {
    session: null as { kernel: object | null } | null,
    kernelChanged: new FakeSignal(),
    statusChanged: new FakeSignal(),
    connectionStatusChanged: new FakeSignal()
  };
  begin(id: string): void {
    const signals = ['statusChanged', 'connectionStatusChanged', 'iopubMessage', 'disposed'];
    const kernel = {
      ...{ id, status: 'idle', connectionStatus: 'connected', isDisposed: false, handleComms: true },
      ...Object.fromEntries(signals.map(name => [name, new FakeSignal()]))
    };
    this.sessionContext.session = { kernel };
    this.sessionContext.kernelChanged.emit();
  }
}

/** All notebooks that are open, and the current one. */
export class FakeNotebooks {
  readonly currentChanged = new FakeSignal();
  currentWidget: FakeNotebook | null = null;
  constructor(readonly all: readonly FakeNotebook[]) {}
  filter(is: (panel: FakeNotebook) => boolean): FakeNotebook[] {
    return this.all.filter(is);
  }
  find(is: (panel: FakeNotebook) => boolean): FakeNotebook | undefined {
    return this.all.find(is);
  }
  show(panel: FakeNotebook): void {
    this.currentWidget = panel;
    this.currentChanged.emit();
  }
}
