//! Looks at a page: at a width, by day or night, on paper.

use std::fs;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use serde_json::{Value, json};

use crate::browser::Browser;

/// What is measured on the page; the page itself has no script.
const MEASURE: &str = include_str!("measure.js");

/// A desk and a phone.
pub const WIDTHS: [u32; 2] = [1280, 390];

/// Where the pictures go.
fn folder() -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("html");
    fs::create_dir_all(&folder).unwrap();
    folder
}

/// Leaves a page where the browser can read it, and where a person finds it.
pub fn written(name: &str, page: &str) -> PathBuf {
    let path = folder().join(format!("{name}.html"));
    fs::write(&path, page).unwrap();
    path
}

/// Looks at a page in both widths, light and dark, and fails on whatever is wrong with it.
pub fn look_everywhere(name: &str, page: &str) {
    let path = written(name, page);
    let mut browser = Browser::open();
    for width in WIDTHS {
        for scheme in ["light", "dark"] {
            let seen = look(&mut browser, name, &path, width, scheme);
            assert_in_order(&format!("{name} at {width}, {scheme}"), &seen);
        }
    }
    let seen = look_on_paper(&mut browser, name, &path);
    assert_in_order(&format!("{name} on paper"), &seen);
}

/// Looks at a page as it is printed, on A4 between margins: nothing is folded there.
fn look_on_paper(browser: &mut Browser, name: &str, path: &Path) -> Value {
    const WIDTH: u32 = 718;
    let size = json!({ "width": WIDTH, "height": 1000, "deviceScaleFactor": 1, "mobile": false });
    browser.call("Emulation.setDeviceMetricsOverride", &size);
    browser.call("Emulation.setEmulatedMedia", &json!({ "media": "print", "features": [] }));
    let seen = measured(browser, path, WIDTH);
    assert_eq!(seen["folded"], 0, "{name} hides something on paper");
    picture(browser, &format!("{name}-print"));
    seen
}

fn measured(browser: &mut Browser, path: &Path, width: u32) -> Value {
    browser.visit(path);
    let mut seen = browser.evaluate(&format!("{}({width})", MEASURE.trim_end()));
    let (complaints, asked) = browser.heard();
    seen["complaints"] = json!(complaints);
    seen["asked"] = json!(asked);
    seen
}

/// Looks once: the measures.
pub fn look(browser: &mut Browser, name: &str, path: &Path, width: u32, scheme: &str) -> Value {
    let size = json!({ "width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 500 });
    browser.call("Emulation.setDeviceMetricsOverride", &size);
    let features = json!({ "media": "", "features": [{ "name": "prefers-color-scheme", "value": scheme }] });
    browser.call("Emulation.setEmulatedMedia", &features);
    let seen = measured(browser, path, width);
    picture(browser, &format!("{name}-{width}-{scheme}"));
    seen
}

fn picture(browser: &mut Browser, name: &str) {
    let size = browser.call("Page.getLayoutMetrics", &json!({}))["cssContentSize"].take();
    let height = size["height"].as_f64().unwrap().min(8_000.0);
    let clip = json!({ "x": 0, "y": 0, "width": size["width"], "height": height, "scale": 1 });
    let params = json!({ "format": "png", "captureBeyondViewport": true, "clip": clip });
    let png = browser.call("Page.captureScreenshot", &params);
    let bytes = base64::engine::general_purpose::STANDARD.decode(png["data"].as_str().unwrap()).unwrap();
    assert!(bytes.len() > 2_000, "{name}: the picture is empty");
    fs::write(folder().join(format!("{name}.png")), bytes).unwrap();
}

/// A list of what is wrong must be empty; each says where.
#[track_caller]
pub fn assert_in_order(what: &str, seen: &Value) {
    for measure in ["complaints", "overlaps", "faint", "headings", "unscoped", "outside", "beside"] {
        let found = seen[measure].as_array().unwrap_or_else(|| panic!("{measure} was not measured"));
        assert!(found.is_empty(), "{what}: {measure}: {found:#?}");
    }
    let asked: Vec<&str> =
        seen["asked"].as_array().unwrap().iter().map(|url| url.as_str().unwrap()).collect();
    let is_page = |url: &&str| url.starts_with("file://") && url.ends_with(".html");
    let others: Vec<_> = asked.iter().filter(|url| !is_page(url) && **url != "data:,").collect();
    assert!(others.is_empty(), "{what}: the page asked for {others:?}");
    assert!(seen["texts"].as_u64().unwrap() > 10, "{what}: nothing was measured: {seen}");
    assert!(seen["wide"].as_f64().unwrap() <= 0.0, "{what}: {} px too wide", seen["wide"]);
}
