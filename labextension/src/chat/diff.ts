/**
 * The difference of two texts, line by line.
 *
 * Myers' algorithm ("An O(ND) Difference Algorithm and Its Variations", 1986), after the lines that both begin and end
 * with are taken off. Nothing here knows the page.
 */

export interface ILine {
  readonly kind: 'same' | 'removed' | 'added';
  readonly text: string;
}

/** Beyond so many changed lines, all old lines are removed and all new ones added: nobody reads such a diff by lines. */
const MOST_CHANGES = 1000;

export function diffLines(before: string, after: string): ILine[] {
  const a = before.split('\n');
  const b = after.split('\n');
  let head = 0;
  while (head < a.length && head < b.length && a[head] === b[head]) {
    head += 1;
  }
  let tail = 0;
  while (tail < a.length - head && tail < b.length - head && a[a.length - 1 - tail] === b[b.length - 1 - tail]) {
    tail += 1;
  }
  return [
    ...a.slice(0, head).map(same),
    ...between(a.slice(head, a.length - tail), b.slice(head, b.length - tail)),
    ...a.slice(a.length - tail).map(same)
  ];
}

const same = (text: string): ILine => ({ kind: 'same', text });
const removed = (text: string): ILine => ({ kind: 'removed', text });
const added = (text: string): ILine => ({ kind: 'added', text });

function between(a: readonly string[], b: readonly string[]): ILine[] {
  const steps = frontier(a, b);
  if (!steps) {
    return [...a.map(removed), ...b.map(added)];
  }
  const lines: ILine[] = [];
  let [x, y] = [a.length, b.length];
  for (let d = steps.length - 1; d > 0; d -= 1) {
    const reach = steps[d - 1];
    const k = x - y;
    const down = k === -d || (k !== d && at(reach, k - 1) < at(reach, k + 1));
    const fromX = at(reach, down ? k + 1 : k - 1);
    const fromY = fromX - (down ? k + 1 : k - 1);
    while (x > fromX && y > fromY && x - 1 >= (down ? fromX : fromX + 1) && y - 1 >= (down ? fromY + 1 : fromY)) {
      lines.push(same(a[x - 1]));
      [x, y] = [x - 1, y - 1];
    }
    lines.push(down ? added(b[y - 1]) : removed(a[x - 1]));
    [x, y] = [fromX, fromY];
  }
  while (x > 0) {
    lines.push(same(a[x - 1]));
    x -= 1;
  }
  return lines.reverse();
}

/** How far each diagonal reaches after 0, 1, 2 … changes; null when there are too many. */
function frontier(a: readonly string[], b: readonly string[]): Map<number, number>[] | null {
  const steps: Map<number, number>[] = [];
  for (let d = 0; d <= Math.min(a.length + b.length, MOST_CHANGES); d += 1) {
    const reach = new Map<number, number>();
    const last = steps[d - 1];
    for (let k = -d; k <= d; k += 2) {
      const down = k === -d || (k !== d && at(last, k - 1) < at(last, k + 1));
      let x = d === 0 ? 0 : down ? at(last, k + 1) : at(last, k - 1) + 1;
      while (x < a.length && x - k < b.length && a[x] === b[x - k]) {
        x += 1;
      }
      reach.set(k, x);
      if (x >= a.length && x - k >= b.length) {
        return [...steps, reach];
      }
    }
    steps.push(reach);
  }
  return null;
}

function at(reach: ReadonlyMap<number, number>, k: number): number {
  return reach.get(k) ?? -1;
}
