//! How the pages look and what stands in them.

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::driver::{Browser, Look};
use super::{browse, stocked_shop};
use crate::shop::{ADMIN, ADMIN_PASSWORD};
use crate::shopper::{buy, wait_for_payment};
use crate::staff::text;

const PAGES: &[&str] = &[
    "/",
    "/products",
    "/search?q=lamp",
    "/products/terracotta-pot",
    "/cart",
    "/login",
    "/register",
    "/contact",
    "/imprint",
    "/status",
];

/// What staff see, beside an order and an account of the shop.
const PAGES_FOR_STAFF: &[&str] = &[
    "/admin",
    "/admin/orders",
    "/admin/payments",
    "/admin/discounts",
    "/admin/discounts/new",
    "/admin/customers",
    "/admin/customers/invite",
    "/admin/products",
    "/admin/products/new",
    "/admin/categories",
    "/admin/stock",
    "/admin/import",
    "/admin/api-keys",
    "/admin/webhooks",
    "/admin/audit",
    "/admin/jobs",
    "/admin/system",
    "/admin/nowhere",
];

/// Light and dark, wide and narrow: nothing runs over the edge, text can be read on its ground,
/// every field has a label, every picture a text.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_page_in_every_light() -> Result<()> {
    let shop = stocked_shop().await?;
    for (width, dark) in [(1280, false), (1280, true), (360, false), (360, true)] {
        let look = Look {
            width,
            dark,
            ..Look::default()
        };
        let browser = browse(&shop, look).await?;
        for page in PAGES {
            inspect(&browser, page, look).await?;
        }
        browser.close().await?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_page_for_staff_in_every_light() -> Result<()> {
    let shop = stocked_shop().await?;
    let admin = shop.admin().await?;
    let client = shop.client();
    let pot: Value = client
        .get("/api/products/terracotta-pot")
        .value(200)
        .await?;
    let placed = buy(&client, &text(&pot, "/variants/0/id")?, 2, "look").await?;
    wait_for_payment(&client, &placed, "paid").await?;
    let me: Value = admin.get("/api/auth/me").value(200).await?;
    let mut pages: Vec<String> = PAGES_FOR_STAFF.iter().map(ToString::to_string).collect();
    pages.push(format!("/admin/orders/{}", placed.id));
    pages.push(format!("/admin/orders/{}/print?what=invoice", placed.id));
    pages.push(format!("/admin/customers/{}", text(&me, "/id")?));
    for (width, dark) in [(1280, false), (1280, true), (390, false), (390, true)] {
        let look = Look {
            width,
            dark,
            ..Look::default()
        };
        let browser = browse(&shop, look).await?;
        browser.open("/login").await?;
        browser.fill("main [name=email]", ADMIN).await?;
        browser.fill("main [name=password]", ADMIN_PASSWORD).await?;
        browser.click("main form button[type=submit]").await?;
        browser.wait_for_path("/admin").await?;
        for page in &pages {
            inspect(&browser, page, look).await?;
        }
        browser.close().await?;
    }
    Ok(())
}

pub(super) async fn inspect(browser: &Browser, page: &str, look: Look) -> Result<()> {
    let (width, dark) = (look.width, look.dark);
    browser.open(page).await?;
    let found: Value = browser.run(CHECKS).await?;
    let wrong = found["wrong"].as_array().context("a list")?;
    axe(browser, page).await?;
    ensure!(
        wrong.is_empty(),
        "{page} at {width}, dark: {dark}: {wrong:#?}"
    );
    let ground = found["ground"].as_f64().context("a number")?;
    ensure!(
        (ground < 0.2) == dark,
        "{page}: the ground's brightness is {ground}, dark: {dark}"
    );
    if let Some(folder) = std::env::var_os("TECHCOMMERCE_TEST_PICTURES") {
        let name: String = page
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() { c } else { '_' })
            .collect();
        let light = if dark { "dark" } else { "light" };
        let file = std::path::Path::new(&folder).join(format!("{name}-{width}-{light}.png"));
        browser.driver.screenshot(&file).await?;
    }
    Ok(())
}

/// The rules of axe-core, where `cargo xtask test` could get it.
async fn axe(browser: &Browser, page: &str) -> Result<()> {
    let Some(file) = std::env::var_os("TECHCOMMERCE_TEST_AXE") else {
        return Ok(());
    };
    browser.run(&std::fs::read_to_string(file)?).await?;
    let script = "
        const done = arguments[arguments.length - 1];
        axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'] }).then(
            ({ violations }) => done(violations.map(({ id, help, nodes }) =>
                `${id}: ${help}: ${nodes.slice(0, 3).map((node) => node.html).join(' ')}`)),
            (error) => done([String(error)]));
    ";
    let found = browser
        .driver
        .execute_async(script, Vec::<Value>::new())
        .await?;
    let violations = found.json().as_array().context("a list")?;
    ensure!(violations.is_empty(), "{page}: {violations:#?}");
    Ok(())
}

/// What a person with a reader, or with weak eyes, needs; WCAG 2.2 AA where it can be computed.
const CHECKS: &str = r"
    const wrong = [];
    const html = (e) => e.outerHTML.slice(0, 140);
    if (document.documentElement.scrollWidth > innerWidth + 1) wrong.push('wider than the window: ' + document.documentElement.scrollWidth);
    if (!document.documentElement.lang) wrong.push('no language');
    if (!document.title) wrong.push('no title');
    if (document.querySelectorAll('h1').length !== 1) wrong.push(document.querySelectorAll('h1').length + ' h1');
    for (const role of ['main', 'header', 'footer']) if (!document.querySelector(role)) wrong.push('no ' + role);
    let level = 0;
    for (const h of document.querySelectorAll('main h1, main h2, main h3, main h4')) {
        const own = Number(h.tagName[1]);
        if (own > level + 1) wrong.push('a heading is left out before ' + html(h));
        level = own;
    }
    const ids = new Set();
    for (const e of document.querySelectorAll('[id]')) { if (ids.has(e.id)) wrong.push('id twice: ' + e.id); ids.add(e.id); }
    for (const e of document.querySelectorAll('[aria-labelledby], [aria-describedby], label[for]'))
        for (const id of [e.getAttribute('aria-labelledby'), e.getAttribute('aria-describedby'), e.htmlFor].filter(Boolean).join(' ').split(/\s+/))
            if (!document.getElementById(id)) wrong.push('refers to nothing: ' + html(e));
    for (const img of document.images) {
        if (!img.hasAttribute('alt')) wrong.push('no text: ' + html(img));
        if (!img.getAttribute('width') || !img.getAttribute('height')) wrong.push('no size: ' + html(img));
    }
    for (const e of document.querySelectorAll('input:not([type=hidden]), select, textarea'))
        if (!e.labels?.length && !e.ariaLabel) wrong.push('no label: ' + html(e));
    for (const e of document.querySelectorAll('a[href], button')) {
        const name = (e.ariaLabel || e.innerText || e.textContent || '').trim() || e.querySelector('img')?.alt;
        if (!name) wrong.push('no name: ' + html(e));
    }
    const parse = (text) => {
        const c = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
        c.fillStyle = text; c.fillRect(0, 0, 1, 1);
        const [r, g, b, a] = c.getImageData(0, 0, 1, 1).data;
        return [r, g, b, a / 255];
    };
    const light = ([r, g, b]) => {
        const f = (v) => { v /= 255; return v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; };
        return 0.2126 * f(r) + 0.7152 * f(g) + 0.0722 * f(b);
    };
    const groundOf = (e) => {
        for (let n = e; n; n = n.parentElement) {
            const s = getComputedStyle(n);
            if (s.backgroundImage !== 'none') return null;
            const c = parse(s.backgroundColor);
            if (c[3] > 0.95) return c;
            if (c[3] > 0) return null;
        }
        return parse(getComputedStyle(document.documentElement).backgroundColor);
    };
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    const seen = new Set();
    while (walker.nextNode()) {
        const e = walker.currentNode.parentElement;
        if (!walker.currentNode.data.trim() || seen.has(e)) continue;
        seen.add(e);
        if (['SCRIPT', 'STYLE', 'NOSCRIPT', 'OPTION'].includes(e.tagName) || e.closest(':disabled, [aria-hidden=true]')) continue;
        const r = e.getBoundingClientRect(), s = getComputedStyle(e);
        if (r.width < 2 || r.height < 2 || s.visibility === 'hidden' || e.closest('.visually-hidden, .skip, .gone')) continue;
        if (e.closest('.card-picture, .tile, .hero-pictures')) continue;
        const ground = groundOf(e);
        if (!ground) continue;
        const [a, b] = [light(parse(s.color)), light(ground)].sort((x, y) => y - x);
        const ratio = (a + 0.05) / (b + 0.05);
        const large = parseFloat(s.fontSize) >= 24 || (parseFloat(s.fontSize) >= 18.66 && Number(s.fontWeight) >= 700);
        if (ratio < (large ? 3 : 4.5) - 0.01) wrong.push('contrast ' + ratio.toFixed(2) + ': ' + html(e));
    }
    let ground = parse(getComputedStyle(document.body).backgroundColor);
    if (ground[3] === 0) ground = parse(getComputedStyle(document.documentElement).backgroundColor);
    return { wrong: wrong.slice(0, 12), ground: light(ground) };
";
