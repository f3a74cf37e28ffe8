"""Servers that tests start on loopback: real protocol servers, each on a free port, stopped at the end."""
