"""What is run by hand, or by `pulumi up`, beside the program: building the package and publishing it."""
