"""A notebook as a page that one sends to people who do not read notebooks: one file, no script, nothing fetched.

::

    whole -> outputs, words (sanitize)       what stands in cells
          -> answers -> notes                answers, their marks and sources
          -> headings, code                  contents, folded code
          -> page.html.j2, style.css

``jupyter_localllm.report.pdf`` prints it.
"""

from jupyter_localllm.report.page.whole import html
from jupyter_localllm.report.pdf import printed as pdf

__all__ = ["html", "pdf"]
