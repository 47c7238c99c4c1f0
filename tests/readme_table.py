"""README's table of app settings, written from the table that the app reads: `python -m tests.readme_table`."""

import re
from pathlib import Path

from dataflow_poller.app_settings import APP_SETTINGS

README = Path(__file__).parents[1] / "README.md"
TABLE = re.compile(r"\| setting \|.*?(?=\n\n)", re.DOTALL)


def table() -> str:
    """A row a setting, in Markdown."""
    rows = ["| setting | default | meaning | a value is |", "|---|---|---|---|"]
    for setting in APP_SETTINGS.values():
        default = "" if setting.default is None else f"`{setting.default}` "
        rows.append(f"| `{setting.name}` | {default}| {setting.meaning} | {setting.expected} |")
    return "\n".join(rows)


if __name__ == "__main__":
    README.write_text(TABLE.sub(lambda _: table(), README.read_text("utf-8"), count=1), "utf-8")
