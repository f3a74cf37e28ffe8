"""The form at the door of the admin: it tells whoever was wrong too often how long to wait.

Not in accounts/admin: the theme imports it while it makes the admin's site, with which that package registers pages."""

from __future__ import annotations

from django.core.exceptions import ValidationError
from unfold.forms import AuthenticationForm

from accounts import signin


class SignInForm(AuthenticationForm):
    """Django's, with one answer more."""

    def get_invalid_login_error(self) -> ValidationError:
        left = signin.wait(str(self.cleaned_data.get("username", "")), signin.address(self.request))
        if not left:
            usual: ValidationError = super().get_invalid_login_error()
            return usual
        minutes = -(-left // 60)
        many = f"{minutes} minutes" if minutes > 1 else "a minute"
        return ValidationError(f"Too many sign-ins failed. Try again in {many}.", code="throttled")
