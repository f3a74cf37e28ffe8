"""The people's part of the admin, the trail's page, and what every page has in common (desk.py)."""

from accounts.admin import keys, organizations, oversight, people

__all__ = ["keys", "organizations", "oversight", "people"]
