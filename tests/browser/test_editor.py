"""The flows of the person who writes templates and configs: complete, see the output, see the error on its line, work
beside somebody else, compare before publishing, go back."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from pipelines import publishing
from pipelines.models import Pipeline, Stage
from tests import builders, editing


@pytest.fixture
def pipeline(queue):
    made = editing.pipeline(queue)
    for number in range(3):
        editing.answered(editing.document(queue, f"INV-{number}"))
    return made


def path(pipeline, name="Render", more=""):
    stage = pipeline.stages.get(name=name)
    return f"/admin/pipelines/pipeline/{pipeline.pk}/stages/{stage.pk}/{more}"


def opened(window, pipeline, name="Render"):
    page = window.open(path(pipeline, name))
    expect(page.locator("#config-form .desk-form__field").first).to_be_visible()
    return page


def config(pipeline, name="Render"):
    return Stage.objects.get(pipeline=pipeline, name=name).config


def the_json(page):
    return page.locator(".desk-bench__json .cm-content")


def the_template(page):
    return page.locator("#config-form .cm-content")


def read_json(page):
    return page.locator("#id_config").evaluate("area => area.value")


def write(page, editor, text):
    editor.click()
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.insert_text(text)


def write_at(page, editor, text):
    """Replace what stands in the editor; the cursor comes to stand where the text has ¦."""
    before, _, after = text.partition("¦")
    write(page, editor, before + after)
    for _ in after:
        page.keyboard.press("ArrowLeft")


def offered(page):
    expect(page.locator(".cm-tooltip-autocomplete")).to_be_visible()
    return page.locator(".cm-tooltip-autocomplete .cm-completionLabel").all_inner_texts()


def wrong(page):
    """What axe finds, by its rules of WCAG 2.2 A and AA."""
    found = Axe().run(page, options={"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]})
    return {each["id"]: [node["html"][:160] for node in each["nodes"]] for each in found.response["violations"]}


def test_a_field_a_column_and_a_filter_are_completed(sit_down, pipeline):
    page = opened(sit_down("integrator"), pipeline)

    write(page, the_template(page), "{{ field.")
    page.keyboard.type("doc")
    fields = offered(page)
    page.keyboard.press("Escape")
    write(page, the_template(page), "{% for row in field.line_items %}{{ row.")
    page.keyboard.type("item_q")
    columns = offered(page)
    page.wait_for_timeout(150)  # a completion that has just appeared is not taken by Enter yet
    page.keyboard.press("Enter")
    page.keyboard.type(" | up")
    filters = offered(page)
    page.wait_for_timeout(150)
    page.keyboard.press("Enter")

    assert fields == ["document_id"]
    assert columns == ["item_quantity"]
    assert "upper" in filters
    assert "item_quantity | upper" in read_json(page)


def test_keys_values_secrets_and_reference_keys_are_completed_in_the_json(sit_down, pipeline):
    page = opened(sit_down("integrator"), pipeline, "Send")

    write_at(page, the_json(page), '{"export_reference_key": "¦"}')
    page.keyboard.type("p")
    keys = offered(page)
    write_at(page, the_json(page), '{"request": {"url": "https://erp.example/{secret.¦"}}')
    page.keyboard.type("t")
    secrets = offered(page)
    write_at(page, the_json(page), '{"mode": "¦"}')
    page.keyboard.press("Control+Space")
    modes = offered(page)
    write_at(page, the_json(page), '{"request": {"¦"}}')
    page.keyboard.type("head")
    settings = offered(page)

    assert keys == ["payload"]
    assert secrets == ["token"]
    assert modes == ["retry", "wait"]
    assert settings[0] == "headers"


def test_the_output_follows_what_is_typed_for_the_chosen_document(sit_down, pipeline):
    window = sit_down("integrator")
    page = opened(window, pipeline)
    output = page.locator("[data-preview-url]")
    expect(output).to_contain_text("<Number>INV-2</Number>")

    page.get_by_label("External id").fill("INV-0")
    page.get_by_label("External id").press("Enter")
    page.get_by_label("External id").blur()
    expect(output).to_contain_text("<Number>INV-0</Number>")
    write(page, the_template(page), "Total {{ field.amount_total }} of {{ field.document_id }}")
    expect(output).to_contain_text("Total 12.50 of INV-0")
    page.on("dialog", lambda dialog: dialog.accept())
    again = opened(window, pipeline)

    expect(again.get_by_label("External id")).to_have_value("INV-0")
    assert "Total" not in config(pipeline)


def test_an_error_stands_on_its_line_of_the_template_and_of_the_json(sit_down, pipeline):
    page = opened(sit_down("integrator"), pipeline)

    write(page, the_template(page), "one\ntwo {{ field.document_id + 1 }}\nthree")

    marker = page.locator("#config-form .cm-lint-marker-error")
    expect(marker).to_be_visible()
    expect(page.locator(".desk-bench__json .cm-lint-marker-error")).to_be_visible()
    expect(page.locator("#problems")).to_contain_text("A text and a number meet here")
    expect(page.locator("#config-form .desk-form__error:visible")).to_contain_text("A text and a number meet here")
    line = marker.evaluate("mark => Math.round(mark.getBoundingClientRect().top)")
    second = page.locator("#config-form .cm-line").nth(1).evaluate("row => Math.round(row.getBoundingClientRect().top)")
    assert abs(line - second) < 12


def test_a_hostile_template_leaves_the_page_alive(sit_down, pipeline):
    page = opened(sit_down("integrator"), pipeline)
    output = page.locator("[data-preview-url]")

    write(page, the_template(page), "{{ 'x' * 999999999 }}")
    expect(output).to_contain_text("would make 999,999,999 characters")
    write(page, the_template(page), "<b onmouseover=alert(1)>{{ field.document_id }}</b>")

    expect(output).to_contain_text("<b onmouseover=alert(1)>INV-2</b>")
    assert page.locator("[data-preview-url] b").count() == 0


def test_a_request_is_shown_and_nothing_is_sent(sit_down, pipeline):
    page = opened(sit_down("integrator"), pipeline, "Send")

    output = page.locator("[data-preview-url]")
    expect(output).to_contain_text("Authorization: Bearer <secret:token>")
    expect(output).to_contain_text("<Number>INV-2</Number>")
    assert editing.SECRET not in page.content()


def test_the_form_changes_one_value_and_keeps_the_text_around_it(sit_down, pipeline):
    Stage.objects.filter(pipeline=pipeline, name="Send").update(
        config='{\n   "request": {"url": "https://erp.example/a",   "method": "POST"},\n  // why not\n  "retry_on": [429, 503]\n}\n'
    )
    page = opened(sit_down("integrator"), pipeline, "Send")

    page.locator('[data-path="request.url"] textarea').fill("https://erp.example/b")
    page.locator('[data-path="mode"] select').select_option("retry")
    page.locator('[data-path="retry_on"] textarea').fill("429\n500")

    assert read_json(page) == (
        '{\n   "request": {"url": "https://erp.example/b",   "method": "POST"},\n  // why not\n'
        '  "retry_on": [429, 500],\n  "mode": "retry"\n}\n'
    )


def test_the_form_follows_the_json_and_adds_and_takes_away(sit_down, pipeline):
    page = opened(sit_down("integrator"), pipeline, "Send")

    write(page, the_json(page), '{"request": {"url": "https://erp.example/z"}}')
    expect(page.locator('[data-path="request.url"] textarea')).to_have_value("https://erp.example/z")
    page.get_by_role("button", name="Add auth").click()
    expect(page.locator('[data-path="auth.url"] textarea')).to_be_visible()
    page.get_by_label("New name in request.headers").fill("X-Tenant")
    page.get_by_label("New name in request.headers").press("Enter")
    page.locator('[data-path="request.headers.X-Tenant"] textarea').fill("acme")
    page.get_by_role("button", name="Take away auth").click()

    expect(page.get_by_role("button", name="Add auth")).to_be_visible()
    assert page.evaluate("() => JSON.parse(document.getElementById('id_config').value)") == {
        "request": {"url": "https://erp.example/z", "headers": {"X-Tenant": "acme"}}
    }


def test_what_was_not_saved_is_offered_again(sit_down, pipeline):
    window = sit_down("integrator")
    page = opened(window, pipeline)
    page.on("dialog", lambda dialog: dialog.accept())
    write(page, the_template(page), "half a thought")
    expect(page.locator("#draft-status")).to_contain_text("kept in this browser")

    page = opened(window, pipeline)
    expect(page.locator("#draft-offer")).to_contain_text("You did not save what you typed here")
    page.get_by_role("button", name="Restore it").click()
    expect(the_template(page)).to_contain_text("half a thought")
    page.get_by_role("button", name="Save in the draft").click()
    expect(page.get_by_text("is saved in the draft")).to_be_visible()

    expect(page.locator("#draft-offer")).to_be_hidden()
    assert "half a thought" in config(pipeline)


def test_two_at_one_stage_are_told_and_both_texts_are_kept(sit_down, pipeline):
    anna, ben = sit_down("integrator"), sit_down("integrator")
    of_anna = opened(anna, pipeline)
    of_ben = opened(ben, pipeline)
    expect(of_ben.locator("#presence")).to_contain_text("has this stage open since")
    text = read_json(of_anna)

    write(of_anna, the_json(of_anna), text.replace("<Invoice>", "<Bill>"))
    of_anna.get_by_role("button", name="Save in the draft").click()
    expect(of_anna.get_by_text("is saved in the draft")).to_be_visible()
    write(of_ben, the_json(of_ben), text.replace("</Invoice>", "</Bill>"))
    of_ben.get_by_role("button", name="Save in the draft").click()
    expect(of_ben.get_by_role("heading", name="Somebody saved this stage before you")).to_be_visible()
    assert "</Bill>" not in config(pipeline)
    of_ben.get_by_role("button", name="Put both together").click()
    of_ben.get_by_role("button", name="Save in the draft").click()
    expect(of_ben.get_by_text("is saved in the draft")).to_be_visible()

    assert config(pipeline) == text.replace("Invoice>", "Bill>")


def test_a_publication_is_compared_over_the_last_documents_first(sit_down, queue, pipeline):
    editing.change(
        pipeline, "Render", "{{ field.document_id }}", "{{ field.document_id }}{{ 1 / (field.amount_total | int) }}"
    )
    editing.answered(editing.document(queue, "INV-0-TOTAL", amount_total="0"))
    window = sit_down("integrator")

    page = window.open(f"/admin/pipelines/pipeline/{pipeline.pk}/publish/")
    expect(page.locator("#comparison-told")).to_have_text("4 of 4 documents: 1 now fails, 3 changed")
    page.locator("details[data-compared] summary").nth(1).click()
    expect(page.locator("details[data-compared]").nth(1).locator(".is-added").first).to_contain_text("0.08333")
    broken = wrong(page)
    page.get_by_role("button", name="Publish").click()
    expect(page.get_by_text("Revision 2 is published.")).to_be_visible()

    assert broken == {}


def test_a_stage_returns_to_a_former_revision(sit_down, pipeline):
    editing.change(pipeline, "Render", "Invoice>", "Bill>")
    publishing.publish(Pipeline.objects.get(pk=pipeline.pk), by=builders.owner(), note="bills")
    window = sit_down("integrator")

    page = window.open(path(pipeline, more="history/"))
    expect(page.locator(".desk-diff .is-added").first).to_contain_text("<Bill>")
    page.get_by_role("tab", name="Line by line").click()
    expect(page.locator(".desk-blame tr.is-first").first).to_contain_text("r2")
    broken = wrong(page)
    page.get_by_role("tab", name="Changes").click()
    page.get_by_role("button", name="Return the stage to revision 1").click()
    expect(page.get_by_text("Render is what it was in revision 1.")).to_be_visible()

    assert "<Invoice>" in config(pipeline)
    assert broken == {}


@pytest.mark.parametrize("dark", [False, True])
def test_the_editor_has_nothing_that_axe_finds_and_is_no_wider_than_a_phone(sit_down, pipeline, dark):
    window = sit_down("integrator", width=390, dark=dark)

    found = {}
    for name in ("Render", "Send", "Judge"):
        page = opened(window, pipeline, name)
        expect(page.locator("[data-preview-url]")).to_contain_text("Nothing was sent")
        found[name] = wrong(page), window.overflow()

    assert found == dict.fromkeys(found, ({}, 0))
