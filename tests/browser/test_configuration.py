"""The flows of the person who configures: edit a stage with its problems and its output beside it, publish, secrets."""

from __future__ import annotations

from playwright.sync_api import expect

from pipelines.models import Secret, Stage
from tests import desk


def type_into(page, nth: int, text: str) -> None:
    """Replace what stands in the nth editor of the page."""
    page.locator(".cm-content").nth(nth).click()
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.insert_text(text)


def test_a_template_is_edited_with_its_problems_and_its_output_beside_it(sit_down, queue):
    desk.document(queue, "INV-77")
    stage = queue.pipeline.stages.get()

    page = sit_down("integrator").open(f"/admin/pipelines/pipeline/{queue.pipeline_id}/stages/{stage.pk}/")
    expect(page.locator("[data-preview-url]")).to_contain_text("No INV-77")
    type_into(page, 1, "Invoice {{ field.document_id }} for {{ field.sender_name }}")
    expect(page.locator("[data-preview-url]")).to_contain_text("Invoice INV-77 for Acme Paper")
    page.get_by_role("button", name="Save in the draft").click()
    expect(page.get_by_text("is saved in the draft")).to_be_visible()

    assert "Invoice {{ field.document_id }}" in Stage.objects.get().config


def test_a_misspelt_key_is_marked_on_its_line_and_told_beneath(sit_down, queue):
    stage = queue.pipeline.stages.get()

    page = sit_down("integrator").open(f"/admin/pipelines/pipeline/{queue.pipeline_id}/stages/{stage.pk}/")
    type_into(page, 0, '{\n  "export_config": []\n}')

    expect(page.locator("#problems")).to_contain_text("Did you mean")
    misspelt = page.locator("#problems li", has_text="Did you mean")
    expect(misspelt.locator("button")).to_have_text("Line 2")
    expect(page.locator(".cm-lint-marker-error").first).to_be_visible()


def test_a_new_stage_is_judged_once_something_is_typed_and_its_name_when_it_is_saved(sit_down, queue):
    window = sit_down("integrator")

    with window.page.expect_response("**/check/") as checked:
        page = window.open(f"/admin/pipelines/pipeline/{queue.pipeline_id}/stages/new/")
    untouched = checked.value.json()["problems"]
    page.get_by_label("Kind").select_option("template")
    type_into(page, 0, '{\n  "export_config": []\n}')
    expect(page.locator("#problems")).to_contain_text("Did you mean")

    assert untouched == []
    expect(page.locator("#problems")).not_to_contain_text("has no name")


def test_a_draft_is_published_after_its_differences_were_seen(sit_down, queue):
    stage = queue.pipeline.stages.get()
    Stage.objects.filter(pk=stage.pk).update(config=stage.config.replace("No ", "Number "))

    page = sit_down("integrator").open(f"/admin/pipelines/pipeline/{queue.pipeline_id}/publish/")
    expect(page.locator(".desk-diff .is-added").first).to_contain_text("Number ")
    expect(page.locator(".desk-diff .is-removed").first).to_contain_text("No ")
    page.get_by_label("What is new?").fill("says Number")
    page.get_by_role("button", name="Publish").click()

    expect(page.get_by_text("Revision 2 is published.")).to_be_visible()


def test_a_viewer_reads_a_stage_and_cannot_type_in_it(sit_down, queue):
    stage = queue.pipeline.stages.get()

    page = sit_down("viewer").open(f"/admin/pipelines/pipeline/{queue.pipeline_id}/stages/{stage.pk}/")

    expect(page.locator(".cm-content").first).to_have_attribute("contenteditable", "false")
    expect(page.get_by_role("button", name="Save in the draft")).to_have_count(0)
    expect(page.get_by_role("button", name="Remove the stage")).to_have_count(0)


def test_a_secret_is_set_and_never_shown(sit_down, queue):
    window = sit_down("integrator")

    page = window.open("/admin/pipelines/secret/add/")
    page.get_by_label("Name").fill("client_secret")
    page.get_by_label("Value").fill("hunter2-hunter2")
    page.get_by_role("button", name="Save", exact=True).click()
    page.wait_for_url("**/admin/pipelines/secret/")

    secret = Secret.objects.get()
    html = window.open(f"/admin/pipelines/secret/{secret.pk}/change/").content()
    assert secret.name == "client_secret"
    assert "hunter2" not in html
    assert page.get_by_label("Value").input_value() == ""


def test_an_api_key_is_shown_once(sit_down):
    window = sit_down("owner")

    page = window.open("/admin/accounts/apikey/add/")
    page.get_by_label("Name").fill("erp-robot")
    page.get_by_role("button", name="Make the key").click()
    plain = page.locator("#plain-key").inner_text()
    page.get_by_role("link", name="I have kept it").click()
    page.get_by_role("link", name="erp-robot").click()
    page.wait_for_load_state("networkidle")

    assert plain.startswith("wb_")
    assert plain not in page.content()
