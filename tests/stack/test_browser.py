"""A user's browser: headless Chromium logs in to the ERP through the load balancer; it trusts the stack's authority."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import ROOT, Stack
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support import expected_conditions as expected
from selenium.webdriver.support.ui import WebDriverWait

NAME = "erp.golive.test"
COMPANY = "Golive Demo Trading"


@pytest.fixture
def browser(stack: Stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[webdriver.Chrome]:
    # Chromium reads its authorities from the NSS database below HOME.
    database = tmp_path / ".pki" / "nssdb"
    database.mkdir(parents=True)
    for command in (
        ["certutil", "-N", "--empty-password", "-d", f"sql:{database}"],
        ["certutil", "-A", "-d", f"sql:{database}", "-t", "C,,", "-n", "stack", "-i", str(stack.ca)],
    ):
        subprocess.run(command, check=True, capture_output=True)
    monkeypatch.setenv("HOME", str(tmp_path))
    options = webdriver.ChromeOptions()
    options.binary_location = "/usr/bin/chromium"
    for argument in (
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--disable-dev-shm-usage",
        "--window-size=1280,900",
        f"--user-data-dir={tmp_path / 'profile'}",
        f"--host-resolver-rules=MAP {NAME} {stack.address('lb1')}",
    ):
        options.add_argument(argument)
    service = webdriver.ChromeService("/usr/bin/chromedriver", env=dict(os.environ))
    driver = webdriver.Chrome(options=options, service=service)
    yield driver
    driver.quit()


def test_login_shows_the_company(stack: Stack, browser: webdriver.Chrome) -> None:
    wait = WebDriverWait(browser, 60)
    browser.get(f"https://{NAME}/")
    try:
        wait.until(expected.element_to_be_clickable((By.CSS_SELECTOR, ".login-dialog input#database"))).send_keys("erp")
        name = wait.until(expected.element_to_be_clickable((By.CSS_SELECTOR, ".login-dialog #login")))
        name.send_keys("admin", Keys.ENTER)
        field = wait.until(expected.visibility_of_element_located((By.CSS_SELECTOR, "input[type=password]")))
        field.send_keys(stack.password("erp_admin_password"), Keys.ENTER)
        wait.until(expected.text_to_be_present_in_element((By.TAG_NAME, "body"), "Administrator"))
        browser.get(f"https://{NAME}/#erp/model/company.company")
        wait.until(expected.text_to_be_present_in_element((By.TAG_NAME, "body"), COMPANY))
    finally:
        shot = ROOT / "reports" / stack.name / "browser.png"
        shot.parent.mkdir(parents=True, exist_ok=True)
        browser.save_screenshot(str(shot))
