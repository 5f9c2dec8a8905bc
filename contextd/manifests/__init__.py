"""What repositories declare and resolve as dependencies."""
