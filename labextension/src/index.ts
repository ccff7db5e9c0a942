/**
 * Wiring: tells JupyterLab and Notebook 7 that this package can show answers.
 */
import type { IRenderMime } from '@jupyterlab/rendermime-interfaces';

import { AnswerWidget } from './answer';
import { MIME_TYPE } from './model';

/** Below `text/html` (50), so that ours is preferred among the mime types of one output. */
const RANK = 40;

const extension: IRenderMime.IExtension = {
  id: 'jupyter-localllm:answer',
  description: 'Shows the answers of jupyter_localllm.',
  rendererFactory: {
    // Safe: what is shown passes the sanitizer, also in a notebook that nobody trusted yet.
    safe: true,
    mimeTypes: [MIME_TYPE],
    defaultRank: RANK,
    createRenderer: options => new AnswerWidget(options)
  },
  rank: RANK,
  dataType: 'json'
};

export default extension;
