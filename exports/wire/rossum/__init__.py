"""The objects, lists and parameters of Rossum's API, as its official clients read and write them."""
