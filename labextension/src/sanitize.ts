/**
 * From the HTML of an output to nodes that may stand in the page.
 *
 * The kernel renders answers safely, but the HTML in a notebook file may be anybody's. JupyterLab's own sanitizer is
 * asked for less than it would allow: no image, no media and no style but two harmless ones, because each of them can be a request that
 * leaves the machine, and no `data-` attribute, because some of them run commands on a click.
 */
import type { IRenderMime } from '@jupyterlab/rendermime-interfaces';

const TAGS = (
  'a abbr b blockquote br caption code col colgroup dd del details div dl dt em figcaption figure footer h1 h2 h3 h4 ' +
  'h5 h6 header hr i ins kbd li mark ol p pre q s samp section small span strong sub summary sup table tbody td tfoot ' +
  'th thead tr u ul var wbr'
).split(' ');

const OPTIONS: IRenderMime.ISanitizerOptions = {
  allowedTags: TAGS,
  allowedAttributes: {
    '*': ['class', 'title', 'lang', 'dir', 'role', 'aria-*'],
    a: ['href'],
    details: ['open'],
    div: ['style'],
    ol: ['start', 'reversed'],
    pre: ['style'],
    td: ['colspan', 'rowspan', 'style'],
    th: ['colspan', 'rowspan', 'scope', 'style']
  },
  allowedStyles: {
    '*': { 'text-align': [/^(left|center|right)$/], 'white-space': [/^pre-wrap$/] }
  }
};

/** Ours, and the language of a code block; any other class could dress text up as a part of JupyterLab. */
const CLASS = /^(jp-LocalLLM-|language-)[\w-]*$/;

export function safeFragment(html: string, sanitizer: IRenderMime.ISanitizer): DocumentFragment {
  // The content of a template is inert: nothing in it loads or runs before it has been looked at.
  const template = document.createElement('template');
  template.innerHTML = sanitizer.sanitize(html, OPTIONS);
  for (const element of template.content.querySelectorAll('[class]')) {
    const classes = [...element.classList].filter(name => CLASS.test(name));
    element.setAttribute('class', classes.join(' '));
  }
  for (const link of template.content.querySelectorAll('a')) {
    link.target = '_blank';
    link.rel = 'noopener noreferrer nofollow';
  }
  return template.content;
}
