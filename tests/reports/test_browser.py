"""The report in a real browser: no error, no request, every picture to be seen on a screen, a phone and paper."""

from __future__ import annotations

import base64
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from capmix.reports.html.page import html
from capmix.reports.html.plan_page import plan_page

from .stored import stored

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
DRIVER = shutil.which("chromedriver")
if BROWSER is None or DRIVER is None:
    pytest.skip("no Chromium with its driver is installed", allow_module_level=True)

QUIET = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--hide-scrollbars", "--force-prefers-reduced-motion",
)  # fmt: skip


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("report") / "report.html"
    path.write_text(html(plan_page(stored())), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    from selenium.webdriver import Chrome, ChromeOptions
    from selenium.webdriver.chrome.service import Service

    options = ChromeOptions()
    options.binary_location = str(BROWSER)
    for word in (*QUIET, f"--user-data-dir={tmp_path_factory.mktemp('profile')}"):
        options.add_argument(word)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = Chrome(options=options, service=Service(executable_path=DRIVER))
    yield driver
    driver.quit()


def shown(browser: Any, page: Path, width: int, scheme: str = "light") -> None:
    metrics = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "screen", "features": features})
    browser.get(page.as_uri())


def test_nothing_is_asked_for_and_nothing_complains(browser: Any, page: Path) -> None:
    browser.get_log("browser"), browser.get_log("performance")
    shown(browser, page, 1280)
    assert browser.get_log("browser") == []
    asked = [entry["message"] for entry in browser.get_log("performance") if "requestWillBeSent" in entry["message"]]
    assert all(f'"url":"{page.as_uri()}"' in message.replace(" ", "") for message in asked), asked


@pytest.mark.parametrize("width", [1280, 390])
def test_every_picture_is_seen_whole(browser: Any, page: Path, width: int) -> None:
    shown(browser, page, width)
    sizes = browser.execute_script(
        "return [...document.querySelectorAll('figure svg')].map(s => { const b = s.getBoundingClientRect();"
        "return [b.left, b.right, b.width, b.height, s.querySelectorAll('path,text').length]; })"
    )
    assert len(sizes) > 10
    for left, right, wide, high, marks in sizes:
        assert left >= 0
        assert right <= width
        assert wide > 200
        assert high > 50
        assert marks > 5
    assert browser.execute_script("return document.documentElement.scrollWidth") <= width


def test_text_of_a_picture_follows_light_and_dark(browser: Any, page: Path) -> None:
    inks = []
    for scheme in ("light", "dark"):
        shown(browser, page, 1280, scheme)
        inks.append(
            browser.execute_script(
                "return [getComputedStyle(document.querySelector('figure svg text')).fill,"
                "getComputedStyle(document.body).backgroundColor]"
            )
        )
    assert inks[0] != inks[1]
    for ink, paper in inks:
        assert ink != paper


def test_numbers_fold_out_by_keyboard(browser: Any, page: Path) -> None:
    shown(browser, page, 1280)
    fold = browser.find_element("css selector", "figure details")
    summary = fold.find_element("css selector", "summary")
    assert not fold.get_property("open")
    summary.send_keys("\ue007")
    assert fold.get_property("open")
    assert fold.find_element("css selector", "table").is_displayed()


def test_it_prints_on_a4(browser: Any, page: Path) -> None:
    shown(browser, page, 1280)
    printed = browser.execute_cdp_cmd("Page.printToPDF", {"paperWidth": 8.27, "paperHeight": 11.69})
    content = base64.b64decode(printed["data"])
    assert content.startswith(b"%PDF")
    assert 3 <= content.count(b"/Type /Page\n") + content.count(b"/Type /Page ") <= 30
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    hidden = browser.execute_script("return getComputedStyle(document.querySelector('nav')).display")
    assert hidden == "none"
    seen = browser.execute_script(
        "return [...document.querySelectorAll('figure svg')].every(s => s.getBoundingClientRect().height > 50)"
    )
    assert seen


def test_statements_fold_on_a_screen_and_print_whole(browser: Any, page: Path) -> None:
    shown(browser, page, 1280)
    high = "return [...document.querySelectorAll('.fold + .body')].map(e => e.getBoundingClientRect().height)"
    assert set(browser.execute_script(high)) == {0}
    fold = browser.find_element("css selector", "#statements .fold")
    fold.find_element("css selector", "summary").send_keys("\ue007")
    assert sum(tall > 0 for tall in browser.execute_script(high)) == 1
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    assert all(tall > 0 for tall in browser.execute_script(high))
    clipped = browser.execute_script(
        "return [...document.querySelectorAll('#statements .body table')]"
        ".filter(t => t.scrollWidth > t.clientWidth + 1).length"
    )
    assert clipped == 0
