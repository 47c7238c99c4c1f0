"""Publishes the code as part of `pulumi up`, when what is in the package changes or the app is a new one."""

import sys
from pathlib import Path

import pulumi
from pulumi_command import local

from deployment.components.app import FunctionApp
from deployment.config import DeploymentConfig
from deployment.tools import package


class Published(pulumi.ComponentResource):
    """The app with its code in it."""

    def __init__(self, name: str, app: FunctionApp, config: DeploymentConfig) -> None:
        super().__init__("dataflow-poller:publish:Published", name)
        pollers = config.app_settings["POLLERS"]
        fingerprint = package.fingerprint()
        options = ["--pollers", pollers, "--scm-host", app.scm_host, "--app-id"]
        command = local.Command(
            name,
            # The command is the last argument; there is no shell, so nothing to quote, on Windows either.
            interpreter=[
                sys.executable,
                "-m",
                "deployment.tools.publish",
                "--pollers",
                pollers,
                "--scm-host",
                app.scm_host,
                "--app-id",
            ],
            create=app.id,
            dir=str(Path(__file__).parents[2]),
            triggers=[app.id, fingerprint, pollers],
            opts=pulumi.ResourceOptions(parent=self, depends_on=[app]),
        )
        self.summary = command.stdout
        self.register_outputs({})
