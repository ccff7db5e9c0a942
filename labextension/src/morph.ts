/**
 * Update a tree of nodes in place.
 *
 * While an answer streams, only its end changes. Blocks that stay the same stay the same nodes: formulas are not typeset
 * again, a selection survives, what the reader unfolded stays unfolded, and nothing jumps.
 */

/** What the kernel marks as mathematics; a typesetter rewrites its inside. */
export const MATH = '.jp-LocalLLM-math';

/** Elements that are gone into; any other element is a block, kept or replaced as a whole. */
const CONTAINERS = new Set('BLOCKQUOTE DETAILS DIV DL OL SECTION TABLE TBODY THEAD TR UL'.split(' '));

/** What a node was made from; MathJax and readers change the node itself. */
const sources = new WeakMap<Node, string>();

/** Whether a fold was to be open; a reader who changed that has the last word. */
const opened = new WeakMap<HTMLDetailsElement, boolean>();

/**
 * Make the children of `target` look like those of `wanted`.
 *
 * @returns the elements that are new, for typesetting.
 */
export function morph(target: Element, wanted: ParentNode): HTMLElement[] {
  const fresh: HTMLElement[] = [];
  syncChildren(target, wanted, fresh);
  return fresh;
}

function syncChildren(target: Element, wanted: ParentNode, fresh: HTMLElement[]): void {
  const nodes = [...wanted.childNodes];
  nodes.forEach((node, index) => syncNode(target, target.childNodes[index], node, fresh));
  while (target.childNodes.length > nodes.length) {
    target.lastChild!.remove();
  }
}

function syncNode(parent: Element, have: ChildNode | undefined, want: ChildNode, fresh: HTMLElement[]): void {
  const source = sourceOf(want);
  if (have && sources.get(have) === source) {
    return;
  }
  if (have instanceof Element && want instanceof Element && isContainer(have, want)) {
    syncAttributes(have, want);
    syncChildren(have, want, fresh);
    sources.set(have, source);
    return;
  }
  if (have instanceof Text && want instanceof Text && want.data.startsWith(have.data)) {
    have.appendData(want.data.slice(have.length)); // a selection in it survives
    sources.set(have, source);
    return;
  }
  remember(want);
  if (have) {
    have.replaceWith(want);
  } else {
    parent.append(want);
  }
  fresh.push((want instanceof HTMLElement ? want : parent) as HTMLElement);
}

function isContainer(have: Element, want: Element): boolean {
  return have.tagName === want.tagName && CONTAINERS.has(want.tagName) && !want.matches(MATH) && !have.matches(MATH);
}

function syncAttributes(have: Element, want: Element): void {
  const isFold = have instanceof HTMLDetailsElement && want instanceof HTMLDetailsElement;
  if (isFold && have.open === opened.get(have)) {
    have.open = want.open;
  }
  if (isFold) {
    opened.set(have, want.open);
  }
  const names = new Set([...have.getAttributeNames(), ...want.getAttributeNames()]);
  for (const name of names) {
    const value = want.getAttribute(name);
    if ((isFold && name === 'open') || have.getAttribute(name) === value) {
      continue;
    }
    if (value === null) {
      have.removeAttribute(name);
    } else {
      have.setAttribute(name, value);
    }
  }
}

function sourceOf(node: Node): string {
  return node instanceof Element ? node.outerHTML : `${node.nodeType}${node.nodeValue}`;
}

function remember(node: Node): void {
  sources.set(node, sourceOf(node));
  if (node instanceof HTMLDetailsElement) {
    opened.set(node, node.open);
  }
  if (node instanceof Element && CONTAINERS.has(node.tagName)) {
    node.childNodes.forEach(remember);
  }
}
