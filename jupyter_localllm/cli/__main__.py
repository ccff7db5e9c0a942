"""``python -m jupyter_localllm.cli``: the same where the script is not on the path."""

import sys

from jupyter_localllm.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
