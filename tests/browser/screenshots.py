"""The pictures of docs/dashboard: every page as it is, small. Usage: python screenshots.py FOLDER"""

from __future__ import annotations

import io
import sys
import tempfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

from dashboard_pages import address, open_page, settle
from dashboard_server import dashboard
from madeup_logs import submission_files, write_tree

WIDTH, TALLEST = 1200, 1500
COLOURS = 192
"""Of the palette; text stays readable and a page stays below 150 kB."""

RED, NYX = "5.0/tinycorp/tinybox_red/bert", "5.0/NVIDIA/nyx_n1_ngc25.04_pytorch/bert"
PAGES = {
    "results": "",
    "result": address("result", {"id": RED}),
    "compare": address("compare", {"result": [RED, NYX]}),
    "combined": address("combined", {"submission": "4.0/Dell/XE9680x8H100-SXM-80GB"}),
    "planning": address("planning", {"plan-benchmark": "bert"}),
    "variance": "variance",
    "scale": address("scale", {"scale-benchmark": "bert"}),
    "runs": "runs",
    "about": "about",
}


def main(folder: Path) -> None:
    """Write a PNG for each page."""
    from shutil import which

    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch, "training_results_v5.0")
        write_tree(root, submission_files("ACME", "acme_x8", "retinanet", (95.0, 97.0, 101.0, 96.0, 99.0)))
        with dashboard(Path(scratch, "home"), root) as at, sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=which("chromium"), args=["--no-sandbox"])
            page = browser.new_page(viewport={"width": WIDTH, "height": 900})
            page.set_default_timeout(120_000)
            for name, path in PAGES.items():
                open_page(page, f"{at}/{path}")
                height = page.evaluate("document.querySelector('[data-testid=stMain]').scrollHeight")
                page.set_viewport_size({"width": WIDTH, "height": min(height, TALLEST)})
                settle(page)
                page.wait_for_function("document.fonts.status === 'loaded'")
                picture = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
                reduced = picture.quantize(COLOURS, dither=Image.Dither.NONE)
                reduced.save(folder / f"{name}.png", optimize=True)
                print(f"{name}.png: {(folder / f'{name}.png').stat().st_size} bytes")
            page.close()
            browser.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
