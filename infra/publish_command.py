"""Publishes the code as part of `pulumi up`, when what is in the package changes or the app is a new one."""

import sys
from pathlib import Path

import pulumi
from pulumi_command import local

import package
from app import FunctionApp
from config import DeploymentConfig


class Published(pulumi.ComponentResource):
    """The app with its code in it."""

    def __init__(self, name: str, app: FunctionApp, config: DeploymentConfig) -> None:
        super().__init__("dataflow-poller:publish:Published", name)
        pollers = config.app_settings["POLLERS"]
        fingerprint = package.fingerprint()
        command = local.Command(
            name,
            # The command is the last argument; there is no shell, so nothing to quote, on Windows either.
            interpreter=[sys.executable, "publish.py", "--pollers", pollers, "--scm-host", app.scm_host, "--app-id"],
            create=app.id,
            dir=str(Path(__file__).parent),
            triggers=[app.id, fingerprint, pollers],
            opts=pulumi.ResourceOptions(parent=self, depends_on=[app]),
        )
        self.summary = command.stdout
        self.register_outputs({})
