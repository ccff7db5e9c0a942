/**
 * One value that is replaced and watched.
 */
export class Store<T> {
  constructor(private value: T) {}

  readonly get = (): T => this.value;

  set(value: T): void {
    if (value !== this.value) {
      this.value = value;
      [...this.watchers].forEach(watcher => watcher());
    }
  }

  update(values: Partial<T>): void {
    this.set({ ...this.value, ...values });
  }

  readonly subscribe = (watcher: () => void): (() => void) => {
    this.watchers.add(watcher);
    return () => this.watchers.delete(watcher);
  };

  private readonly watchers = new Set<() => void>();
}
