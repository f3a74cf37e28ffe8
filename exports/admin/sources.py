"""Sources: what each asks, how it is doing, what it took, and what a person can do about it. Registered here because
what a source did is kept by exports."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Count, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from accounts.admin.desk import answer, post_only, principal, require
from accounts.admin.editor import EditorWidget, JsonField
from accounts.display import BAD, GOOD, QUIET, WARN, badge, moment, span
from exports import sources
from exports.admin import sourcefacts
from exports.models import Claim, SourceState
from exports.models.sources import OPEN
from exports.sources import acts
from exports.states import ClaimState
from pipelines import configs, sourcing
from pipelines.admin import marks
from pipelines.admin.configuration import ConfigurationAdmin, ConfigurationForm
from pipelines.models import Source
from pipelines.refusals import Refused
from pipelines.sandbox import vocabulary

CONFIG_HELP = "By the kind; the form below writes the same. Secrets are named here and kept at the destination."


class SourceForm(ConfigurationForm):
    config = JsonField(
        required=False,
        help_text=CONFIG_HELP,
        widget=EditorWidget("json", {"data-form": "config-form", "aria-label": "Config"}),
    )

    class Meta:
        model = Source
        fields = (
            "name", "kind", "queue", "destination", "config", "arrives", "every_seconds", "slowest_seconds",
        )  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "kind" in self.fields and self.instance.pk is not None:
            self.fields["kind"].disabled = True
        if "config" in self.fields:
            self.fields["config"].widget.attrs |= {
                "data-check-url": reverse("admin:pipelines_source_check"),
                "data-offers-url": reverse("admin:pipelines_source_offers"),
            }

    def problems(self, row: Any) -> list[str]:
        return acts.problems(row)

    def clean_config(self) -> Any:
        return self.cleaned_data["config"] or {}


@admin.register(Source)
class SourceAdmin(ConfigurationAdmin):
    form = SourceForm
    list_display = ("name", "standing", "way", "queue", "looked", "next_look", "lag", "open_claims")
    list_filter = ("kind", "queue")
    search_fields = ("name",)
    list_select_related = ("queue", "destination")
    change_form_template = "admin/exports/source.html"
    fieldsets = (
        (None, {"fields": ("name", "kind", "queue", "arrives")}),
        ("Where it looks", {"fields": ("destination", "config")}),
        ("How often", {"fields": ("every_seconds", "slowest_seconds")}),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Source]:
        rows: QuerySet[Source] = super().get_queryset(request)
        states = SourceState.objects.filter(source=OuterRef("pk"))
        claims = Claim.objects.filter(source=OuterRef("pk")).order_by().values("source")
        told = {f"state_{name}": Subquery(states.values(name)[:1]) for name in sourcefacts.SHOWN}
        return rows.annotate(
            **told,
            waiting=Coalesce(Subquery(claims.filter(state__in=OPEN).annotate(n=Count("pk")).values("n")), 0),
            blocked=Coalesce(Subquery(claims.filter(state=ClaimState.BLOCKED).annotate(n=Count("pk")).values("n")), 0),
        )

    def get_urls(self) -> list[Any]:
        view = self.admin_site.admin_view
        own = [
            path(f"<int:source_id>/{name}/", view(getattr(self, name)), name=self.named(name))
            for name in ("test", "poll", "pause", "resume")
        ]
        own += [
            path(f"claims/<int:claim_id>/{name}/", view(getattr(self, name)), name=self.named(name))
            for name in ("try_again", "let_go")
        ]
        aids = [
            path("check/", view(self.check_config), name=self.named("check")),
            path("offers/", view(self.offers), name=self.named("offers")),
        ]
        return [*own, *aids, *super().get_urls()]

    def changeform_view(
        self, request: HttpRequest, object_id: Any = None, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        source = self.get_object(request, object_id) if object_id else None
        may = request.user.has_perm
        context = {
            **(sourcefacts.of(source, request.GET.get("state", "")) if source and may("exports.view_claim") else {}),
            "standing": self.standing(source) if source else "",
            "kinds": sourcing.KINDS.items(),
            "may_test": may("pipelines.test_source"),
            "may_poll": may("pipelines.poll_source"),
            "may_pause": may("pipelines.pause_source"),
            "may_claim": may("exports.change_claim"),
            **(extra_context or {}),
        }
        return super().changeform_view(request, object_id, form_url, context)

    def save_model(self, request: HttpRequest, obj: Source, form: Any, change: bool) -> None:  # noqa: FBT001 - Django's signature
        acts.save(obj, by=principal(request))

    def delete_model(self, request: HttpRequest, obj: Source) -> None:
        acts.delete(obj, by=principal(request))

    @post_only
    def check_config(self, request: HttpRequest) -> HttpResponse:
        """What is wrong with the config as it stands in the editor. Nothing is saved."""
        require(request, "pipelines.view_source")
        kind = request.POST.get("kind", "") or request.POST.get("kept_kind", "")
        try:
            module = sources.get(kind)
        except KeyError:
            return JsonResponse({"problems": []})
        found = configs.parse("", module, request.POST.get("config", "")).problems
        return JsonResponse({"problems": [marks.of_problem(problem) for problem in found]})

    def offers(self, request: HttpRequest) -> HttpResponse:
        """The schema of a kind's config, for the form beside the JSON."""
        require(request, "pipelines.view_source")
        kind = request.GET.get("kind", "")
        try:
            schema = sources.get(kind).Config.model_json_schema()
        except KeyError:
            schema = {}
        nothing: list[str] = []
        return JsonResponse({
            "kind": kind, "schema": schema, "fields": nothing, "placeholders": nothing, "keys": nothing,
            "stages": nothing, "secrets": nothing, "template": {**vocabulary.words(), "payload": {}, "file": {}},
        })  # fmt: skip

    @post_only
    def test(self, request: HttpRequest, source_id: int) -> HttpResponse:
        """Look whether the other side answers: one of the pages that wait for the network, and say so."""
        source = self.found(request, str(source_id))
        by = require(request, "pipelines.test_source")

        def do() -> str:
            finding = acts.test(source, by=by)
            if not finding.ok:
                raise Refused(finding.message)
            return finding.message

        return answer(request, _page_of(source), do, refused=(Refused,))

    @post_only
    def poll(self, request: HttpRequest, source_id: int) -> HttpResponse:
        source = self.found(request, str(source_id))
        by = require(request, "pipelines.poll_source")

        def do() -> str:
            acts.poll(source, by=by)
            return f"{source.name} looks as soon as a worker comes to it, within seconds."

        return answer(request, _page_of(source), do, refused=(Refused,))

    @post_only
    def pause(self, request: HttpRequest, source_id: int) -> HttpResponse:
        source = self.found(request, str(source_id))
        by = require(request, "pipelines.pause_source")

        def do() -> str:
            acts.pause(source, by=by, why=request.POST.get("why", "").strip())
            return f"{source.name} is paused: nothing is taken, and the other side is told nothing."

        return answer(request, _page_of(source), do, refused=(Refused,))

    @post_only
    def resume(self, request: HttpRequest, source_id: int) -> HttpResponse:
        source = self.found(request, str(source_id))
        by = require(request, "pipelines.pause_source")

        def do() -> str:
            acts.resume(source, by=by)
            return f"{source.name} is resumed: it looks within seconds."

        return answer(request, _page_of(source), do, refused=(Refused,))

    @post_only
    def try_again(self, request: HttpRequest, claim_id: int) -> HttpResponse:
        claim = sourcefacts.found(claim_id)
        by = require(request, "exports.change_claim")

        def do() -> str:
            acts.try_again(claim, by=by)
            return "It is tried again within seconds."

        return answer(request, _page_of(claim.source), do, refused=(Refused,))

    @post_only
    def let_go(self, request: HttpRequest, claim_id: int) -> HttpResponse:
        claim = sourcefacts.found(claim_id)
        by = require(request, "exports.change_claim")

        def do() -> str:
            acts.let_go(claim, by=by, why=request.POST.get("why", "").strip())
            return "It is let go: the other side is told nothing about it. Its document stays here."

        return answer(request, _page_of(claim.source), do, refused=(Refused,))

    @admin.display(description="state", ordering="paused_at")
    def standing(self, obj: Any) -> SafeString:
        if obj.paused_at:
            return badge("Paused", WARN, "pause_circle", obj.paused_why)
        if obj.destination and obj.destination.paused_at:
            return badge("Paused", WARN, "pause_circle", f"Its destination {obj.destination.name} is paused.")
        if obj.state_errors:
            return badge("Failing", BAD, "error", f"{obj.state_errors} in a row: {obj.state_error}")
        if obj.blocked:
            return badge("Blocked", WARN, "block", f"{obj.blocked} wait for a person")
        if obj.state_last_at is None:
            return badge("New", QUIET, "schedule", "It has not looked yet.")
        return badge("Open", GOOD, "check_circle")

    @admin.display(description="kind", ordering="kind")
    def way(self, obj: Source) -> str:
        return sourcing.KINDS.get(obj.kind, obj.kind).partition(":")[0]

    @admin.display(description="last poll", ordering="state_last_at")
    def looked(self, obj: Any) -> SafeString:
        return moment(obj.state_last_at, empty="never")

    @admin.display(description="next", ordering="state_next_at")
    def next_look(self, obj: Any) -> SafeString:
        return moment(None if obj.paused_at or not sourcefacts.polls(obj.kind) else obj.state_next_at)

    @admin.display(description="lag", ordering="state_lag_seconds")
    def lag(self, obj: Any) -> SafeString:
        return format_html('<span class="desk-nowrap">{}</span>', span(obj.state_lag_seconds))

    @admin.display(description="waiting for a word", ordering="waiting")
    def open_claims(self, obj: Any) -> SafeString:
        more = f"{obj.blocked:,} blocked" if obj.blocked else ""
        return format_html('<span class="desk-cell"><span>{}</span><small>{}</small></span>', f"{obj.waiting:,}", more)


def _page_of(source: Source) -> str:
    return reverse("admin:pipelines_source_change", args=[source.pk])
