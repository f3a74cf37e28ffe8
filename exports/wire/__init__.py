"""What other products' protocols look like on the wire: pure functions, shared by serving, pulling and extensions."""
