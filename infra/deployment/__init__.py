"""The deployment of dataflow-poller to Azure, as a Pulumi program."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[2]))
"""The app's own package lies there, whose settings, bounds and defaults are the only ones."""
