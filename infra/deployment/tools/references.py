"""Makes Azure read the app's master keys from Key Vault again, and waits until each is resolved.

Part of publishing. After a key was changed ('pulumi up'), by hand, in infra/, with the Python of its virtual
environment:

    python -m deployment.tools.references --app-id /subscriptions/.../sites/<app>
"""

import argparse
import sys
from dataclasses import dataclass

from deployment.tools.rest import API_VERSION, MANAGEMENT, Azure, DeploymentError, NotYet
from deployment.tools.sign_in import sign_in

RESOLVED = "Resolved"
WHAT_TO_DO = {
    "AccessToKeyVaultDenied": "the app's identity may not read the secret, or not yet: 'pulumi up' gives it the right, "
    "which takes up to ten minutes to spread; with privateNetwork, the vault's private endpoint must be there",
    "SecretNotFound": "the secret is not in the vault: set its key again, then run 'pulumi up'",
    "SecretVersionNotFound": "this version of the secret is not in the vault: run 'pulumi refresh', then 'pulumi up'",
    "VaultNotFound": "the vault is not there, or its name is not known yet: run 'pulumi refresh', then 'pulumi up'",
    "MSINotEnabled": "the app has no identity: run 'pulumi refresh', then 'pulumi up'",
    "InvalidSyntax": "the app setting is no reference any more: run 'pulumi refresh', then 'pulumi up'",
}
"""Status of a reference (Microsoft.Web's ResolveStatus) -> what to do, where that is known."""

REFRESHED_EVERY = 6
"""Azure is told to read the keys again with every sixth look only: reading them takes it a while."""

NONE_LISTED = 3
"""An app whose list is empty so many times has no references: a new app's may be empty at first."""


@dataclass(frozen=True)
class References:
    """The references to Key Vault among an app's settings.

    Attributes:
        azure: how to ask, and how patiently.
        app_url: of the app in the management plane.
    """

    azure: Azure
    app_url: str

    def resolve(self) -> int:
        """Have all of them read again, and wait until each is resolved; how many there are.

        Raises:
            DeploymentError: says which one is not, why, and what to do.
        """
        url, version = f"{self.app_url}/config/configreferences/appsettings", f"?api-version={API_VERSION}"
        looks = 0

        def look() -> int:
            nonlocal looks
            if looks % REFRESHED_EVERY == 0:
                self.azure.request("POST", f"{url}/refresh{version}")
            listed = self.azure.listed(url + version)
            looks += 1
            if not listed and looks < NONE_LISTED:
                raise NotYet("no references are listed")
            properties = {str(one.get("name")): one.get("properties") or {} for one in listed}
            problems = [_problem(name, one) for name, one in properties.items() if one.get("status") != RESOLVED]
            if problems:
                raise NotYet("; ".join(problems))
            return len(listed)

        return self.azure.until(
            look,
            "The app's master keys are not resolved",
            "Jobs of these keys wait. Look again with: python -m deployment.tools.references --app-id <resource id>",
        )


def _problem(name: str, properties: dict[str, str]) -> str:
    status = properties.get("status") or "no status"
    details = (properties.get("details") or "").strip()
    return f"{name}: {status}" + "".join(f", {text}" for text in (details, WHAT_TO_DO.get(status)) if text)


def app_id(text: str) -> str:
    """The resource id of a function app, as an argument of a command.

    Raises:
        argparse.ArgumentTypeError: it is none.
    """
    if not text.lower().startswith("/subscriptions/"):
        raise argparse.ArgumentTypeError(
            "expected /subscriptions/<id>/resourceGroups/<group>/providers/Microsoft.Web/sites/<app> (Git Bash on "
            "Windows changes what begins with a slash: use PowerShell, or set MSYS_NO_PATHCONV=1)"
        )
    return text


def app_parser(module: str, description: str | None) -> argparse.ArgumentParser:
    """The arguments of a command about one function app; ``description`` is shown with its lines as they are."""
    parser = argparse.ArgumentParser(
        prog=f"python -m {module}",
        description=description,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--app-id", type=app_id, required=True, help="resource id of the function app")
    return parser


def main() -> None:
    """Refresh and wait."""
    options = app_parser("deployment.tools.references", __doc__).parse_args()
    try:
        number = References(Azure(sign_in()), MANAGEMENT + options.app_id).resolve()
    except DeploymentError as error:
        sys.exit(str(error))
    print(f"Resolved: all {number} references of the app to Key Vault.")


if __name__ == "__main__":
    main()
