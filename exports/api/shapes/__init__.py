"""What goes over the wire, both ways: one serializer a shape, each with the example that the reference shows."""
