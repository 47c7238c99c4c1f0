"""Publishes the code as part of `pulumi up`, when what is in the package changes or the app is a new one."""

import os
import re
from dataclasses import dataclass

import pulumi
from pulumi_command import local

from deployment.tools import package

PYTHON = "venv/Scripts/python.exe" if os.name == "nt" else "venv/bin/python"
"""The program's own, as Pulumi.yaml names its virtual environment, seen from the folder where a command starts: that of
Pulumi.yaml. An absolute path would be another one in another folder, and the code published again there. After a change
of the operating system it is published once more."""


@dataclass(frozen=True)
class PublicationArgs:
    """Where to publish to.

    Attributes:
        pollers: how many timers the app must list then.
    """

    app_id: pulumi.Input[str]
    scm_host: pulumi.Input[str]
    pollers: str


class Publication(pulumi.ComponentResource):
    """The app with its code in it.

    Attributes:
        summary: what publishing said in the end.
        time: when it was published, ISO 8601; None where that is not known.
    """

    def __init__(self, name: str, args: PublicationArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("dataflow-poller:components:Publication", name, None, opts)
        tool = [PYTHON, "-m", "deployment.tools.publish"]
        command = local.Command(
            name,
            # The command is the last argument; there is no shell, so nothing to quote, on Windows either.
            interpreter=[*tool, "--pollers", args.pollers, "--scm-host", args.scm_host, "--app-id"],
            create=args.app_id,
            triggers=[args.app_id, package.fingerprint(), args.pollers],
            opts=pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(parent=self)),
        )
        self.summary = command.stdout
        self.time: pulumi.Output[str | None] = self.summary.apply(_time)
        self.register_outputs({})


def _time(summary: str | None) -> str | None:
    """When the code was published, as the tool says it; None where it said nothing, as in a trial without it."""
    said = re.search(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", summary or "")
    return said and said[0]
