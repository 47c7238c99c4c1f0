"""Tags: to tell from what a resource comes, and whatever else the user wants to tell by them."""

from collections.abc import Mapping

import pulumi


def tag_everything(own: Mapping[str, str]) -> None:
    """From now on, tag each resource that takes tags: with the project, the stack, and the user's own.

    The user's own go before ours of the same name; Azure tells names apart without case.
    """
    named = {name.lower() for name in own}
    ours = {"project": pulumi.get_project(), "stack": pulumi.get_stack()}
    tags = {name: text for name, text in ours.items() if name not in named} | dict(own)

    def tagged(resource: pulumi.ResourceTransformationArgs) -> pulumi.ResourceTransformationResult | None:
        if "tags" not in resource.props:
            return None
        return pulumi.ResourceTransformationResult({**resource.props, "tags": tags}, resource.opts)

    pulumi.runtime.register_stack_transformation(tagged)
