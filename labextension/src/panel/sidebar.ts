/**
 * The panel's place in the sidebar. What fills it is loaded when it is first seen.
 */
import type { LabIcon } from '@jupyterlab/ui-components';
import type { Message } from '@lumino/messaging';
import { PanelLayout, Widget } from '@lumino/widgets';

export class Sidebar extends Widget {
  /** @param fill - makes the content. */
  constructor(
    title: string,
    icon: LabIcon,
    private readonly fill: () => Promise<Widget>
  ) {
    super();
    this.id = 'jupyter-localllm:chat';
    this.addClass('jp-LocalLLM-sidebar');
    this.title.icon = icon;
    this.title.caption = title;
    this.node.setAttribute('role', 'region');
    this.node.setAttribute('aria-label', title);
    this.layout = new PanelLayout();
  }

  /** Make the content, if it is not there yet. */
  ready(): Promise<void> {
    this.filled ??= this.fill().then(content => (this.layout as PanelLayout).addWidget(content));
    return this.filled;
  }

  protected onAfterShow(message: Message): void {
    super.onAfterShow(message);
    void this.ready();
  }

  protected onAfterAttach(message: Message): void {
    super.onAfterAttach(message);
    if (this.isVisible) {
      void this.ready();
    }
  }

  private filled: Promise<void> | null = null;
}
