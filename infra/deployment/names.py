"""Names within Azure's rules, whatever the stack is called. Pure but for asking who we are."""

import hashlib
import re
from dataclasses import dataclass

import pulumi
from pulumi_azure_native import authorization


@dataclass(frozen=True)
class Names:
    """Names of one stack: readable by `slug`, unique in the world by `suffix`."""

    slug: str
    suffix: str

    @classmethod
    def of_stack(cls) -> "Names":
        """Those of the running stack in its subscription."""
        subscription = authorization.get_client_config().subscription_id
        return cls.of_parts(pulumi.get_stack(), f"{subscription}/{pulumi.get_project()}/{pulumi.get_stack()}")

    @classmethod
    def of_parts(cls, stack: str, unique: str) -> "Names":
        """For a stack's name and what tells it from all others."""
        slug = re.sub("[^a-z0-9]", "", stack.lower())[:8] or "stack"
        return cls(slug, hashlib.sha256(unique.encode()).hexdigest()[:8])

    def of(self, kind: str, longest: int) -> str:
        """Letters, digits and single hyphens, such as `dfp-app-dev-1a2b3c4d`."""
        return _fitting(f"dfp-{kind}-{self.slug}-{self.suffix}", longest)

    def compact(self, kind: str) -> str:
        """Lower-case letters and digits only, 24 at most, as a storage account takes it."""
        return _fitting(f"dfp{kind}{self.slug}{self.suffix}", 24)


def _fitting(name: str, longest: int) -> str:
    if len(name) > longest:
        raise ValueError(f"{name} is longer than {longest} characters: choose a shorter kind")
    return name
