"""Waybill in the place of Rossum's export extensions: a hook's call becomes an attempt of a document that stands for
its annotation, run by the same stages and the same engine as every other, and is answered as a hook is.

The token of a call lives in the memory of the one thread that works on it, and nowhere else
(docs/protocols/extensions.md)."""
