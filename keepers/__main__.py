"""`python -m keepers` and the console script `bellkeeper` are the same program."""

import sys

from keepers.cli import main

sys.exit(main())
