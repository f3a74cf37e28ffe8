"""Looking at one page: at two widths, in light and dark, with axe, with the Tab key, and keeping what it looked like."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from axe_playwright_python.sync_playwright import Axe
from django.conf import settings

RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}
NARROW_RULES = {"runOnly": {"type": "rule", "values": ["scrollable-region-focusable", "target-size"]}}
"""What depends on the width."""
WIDTHS = {"wide": 1280, "narrow": 390}

SCHEME = "getComputedStyle(document.documentElement).colorScheme"

TWO_FRAMES = "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"

FRAME = """() => ({
  title: document.title.trim(),
  headings: [...document.querySelectorAll("h1")].map((one) => one.innerText.trim()),
  over: document.documentElement.scrollWidth - document.documentElement.clientWidth,
})"""

UNSEEN_FOCUS = """() => {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync("*, *::before, *::after { transition: none !important; animation: none !important; }");
  document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet];
  const looks = (element) => {
    const of = [];
    for (let up = element, steps = 0; up && steps < 3; up = up.parentElement, steps += 1) {
      const style = getComputedStyle(up);
      of.push(style.outlineStyle, style.outlineWidth, style.boxShadow, style.borderColor, style.backgroundColor,
        style.textDecorationLine, style.color);
    }
    for (const part of [...element.querySelectorAll("*")].slice(0, 6)) {
      const style = getComputedStyle(part);
      of.push(style.outlineStyle, style.stroke, style.fill, style.backgroundColor);
    }
    return of.join();
  };
  const unseen = [];
  for (const element of document.querySelectorAll("a[href], button, input, select, textarea, summary, [tabindex='0']")) {
    if (element.disabled || element.tabIndex < 0 || !element.checkVisibility({ visibilityProperty: true })) continue;
    document.activeElement.blur();
    const before = looks(element);
    element.focus({ preventScroll: true });
    if (document.activeElement === element && looks(element) === before) unseen.push(element.outerHTML.slice(0, 120));
  }
  document.activeElement.blur();
  document.adoptedStyleSheets = document.adoptedStyleSheets.filter((one) => one !== sheet);
  return unseen;
}"""
"""What gets the focus and does not show it: neither itself, nor what it stands in, nor what stands in it."""

MOUSE_ONLY = """() => [...document.querySelectorAll("*")]
  .filter((one) => one.checkVisibility({ visibilityProperty: true })
    && [...one.attributes].some((has) => /^(x-on:|@)click($|\\.(?!outside|away))/.test(has.name))
    && !one.matches("a[href], button, input, select, textarea, label, summary, [tabindex]")
    && !one.closest("a[href], button, label, summary"))
  .map((one) => one.outerHTML.slice(0, 120))"""
"""What a click does something to and no key reaches."""

CONVENIENCES = ("visibility_off",)
"""Of the theme, for the mouse alone: what shows the letters of a password does nothing that another way does not."""


def folder() -> Path:
    """Where pictures are kept: WAYBILL_SCREENSHOTS, or build/screenshots."""
    made = Path(os.environ.get("WAYBILL_SCREENSHOTS") or settings.BASE_DIR / "build" / "screenshots")
    made.mkdir(parents=True, exist_ok=True)
    return made


def faults(page, address: str, name: str, *, status: int = 200) -> Iterator[str]:
    """What is wrong with the page at the address; its four pictures are kept under the name."""
    for width, pixels in WIDTHS.items():
        page.set_viewport_size({"width": pixels, "height": 900})
        page.emulate_media(color_scheme="light")
        if width == "wide":
            answer = page.goto(address)
            page.wait_for_load_state("networkidle")
            if answer.status != status:
                yield f"answers {answer.status}"
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
            page.wait_for_function(f"{SCHEME} === '{scheme}'")  # told to the page with its next frame
            page.evaluate(TWO_FRAMES)  # in which the colours arrive
            yield from _seen(page, scheme, width)
            _keep(page, f"{name}-{width}-{scheme}", pixels)


def _keep(page, name: str, width: int) -> None:
    """The whole page in a window as high as itself, so that what sticks to the window's edge covers nothing."""
    height = page.evaluate("document.documentElement.scrollHeight")
    page.set_viewport_size({"width": width, "height": max(900, min(height, 4000))})
    page.screenshot(path=folder() / f"{name}.png")
    page.set_viewport_size({"width": width, "height": 900})


def _seen(page, scheme: str, width: str) -> Iterator[str]:
    frame = page.evaluate(FRAME)
    if frame["over"] > 0:
        yield f"{width} {scheme}: {frame['over']} pixels wider than the window"
    if (width, scheme) == ("narrow", "dark"):
        return
    rules = RULES if width == "wide" else NARROW_RULES
    for broken in Axe().run(page, options=rules).response["violations"]:
        for node in broken["nodes"][:3]:
            yield f"{width} {scheme}: {broken['id']}: {node['html'][:180]} ({node['any'][0]['message'][:150] if node['any'] else ''})"
    if (width, scheme) == ("wide", "light"):
        if not frame["title"] or frame["title"].startswith(("·", "|")):
            yield f"title: {frame['title']!r}"
        if len(frame["headings"]) != 1 or not frame["headings"][0]:
            yield f"h1: {frame['headings']}"
        mouse = page.evaluate(MOUSE_ONLY)
        yield from (f"mouse only: {html}" for html in mouse if not any(known in html for known in CONVENIENCES))
        page.keyboard.press("Tab")
        yield from (f"focus not seen: {html}" for html in page.evaluate(UNSEEN_FOCUS))
