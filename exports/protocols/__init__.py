"""Protocols of other products, served: each package translates requests into Waybill's verbs and rows into replies."""
