//! The whole path of a file without a database.

use proptest::prelude::*;
use techcommerce_contracts::product_api::ProductStatus;
use techcommerce_kernel::{Currency, Timestamp};

use std::io::Cursor;

use crate::catalogue::draft::ProductDraft;

use super::{
    layout::{Context, Parsed},
    reader::{Piece, Sink, read},
};

/// Keeps all.
#[derive(Default)]
struct All {
    parsed: Vec<Parsed>,
    format: &'static str,
    rows: u64,
}

impl Sink for All {
    fn format(&mut self, name: &'static str) -> bool {
        self.format = name;
        true
    }

    fn piece(&mut self, piece: Piece) -> bool {
        self.parsed.extend(piece.parsed);
        self.rows += piece.rows;
        true
    }
}

fn whole(file: &[u8]) -> All {
    let context = Context {
        currency: Currency::EUR,
        // 20 November 2026.
        today: Timestamp::from_micros(1_795_132_800_000_000),
    };
    let mut all = All::default();
    let _ = read(&mut Cursor::new(file), context, &mut all);
    all
}

/// Everything that a file holds, however it is broken, but the warning of what is not read.
fn parse(file: &[u8]) -> Vec<Parsed> {
    let mut parsed = whole(file).parsed;
    parsed.retain(|parsed| parsed.product.is_some() || !parsed.refusals.is_empty());
    parsed
}

const HEADER: &str = "Handle,Title,Body (HTML),Type,Tags,Published,Option1 Name,Option1 Value,\
    Variant SKU,Variant Grams,Variant Inventory Tracker,Variant Inventory Qty,\
    Variant Inventory Policy,Variant Price,Variant Compare At Price,Image Src,Status\n";

/// Cells as people and programs write them, and as nobody should.
fn cell() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => Just(String::new()),
        2 => "[a-c]",
        1 => "-?[0-9]{1,6}([.,][0-9]{0,3})?",
        1 => prop::sample::select(vec!["true", "deny", "continue", "shopify", "active", "Title",
            "Default Title", "https://x.example/a.jpg", "9223372036854775808", "1e9", "İ", "\u{0}"])
            .prop_map(str::to_owned),
        1 => "\\PC{0,12}",
        1 => "\"[a-z,\n\r]{0,6}\"",
        1 => "[\"\n\r,;\t]{1,3}",
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn no_bytes_are_too_strange(file in prop::collection::vec(any::<u8>(), 0..400)) {
        parse(&file);
        let mut with_header = HEADER.as_bytes().to_vec();
        with_header.extend(&file);
        parse(&with_header);
    }

    #[test]
    fn each_product_is_whole(
        rows in prop::collection::vec(prop::collection::vec(cell(), 1..19), 0..12),
    ) {
        let rows: Vec<String> = rows.into_iter().map(|cells| cells.join(",")).collect();
        let file = format!("{HEADER}{}", rows.join("\n"));
        for parsed in parse(file.as_bytes()) {
            prop_assert!(parsed.product.is_some() || !parsed.refusals.is_empty());
            prop_assert!(parsed.refusals.iter().all(|refusal| refusal.line > 1));
            let Some(product) = parsed.product else { continue };
            prop_assert!(!product.title.is_empty() && !product.variants.is_empty());
            prop_assert!(product.handle.parse::<techcommerce_kernel::Handle>().is_ok());
            for variant in &product.variants {
                prop_assert!(variant.price >= 0);
                prop_assert_eq!(variant.options.len(), product.options.len());
                let same = product.variants.iter().filter(|v| v.options == variant.options);
                prop_assert_eq!(same.count(), 1);
            }
        }
    }
}

#[test]
fn the_newer_column_names_are_known() {
    let file = "Title,URL handle,Description,Vendor,Product category,Tags,Published on online store,\
        Status,SKU,Option1 name,Option1 value,Price,Compare-at price,Charge tax,Inventory tracker,\
        Inventory quantity,Continue selling when out of stock,Weight value (grams),Product image URL\n\
        Mug,mug,Nice,Weir,Home > Kitchen > Mugs,a,TRUE,Active,M-1,Size,S,12.50,15.00,TRUE,shopify,4,\
        CONTINUE,250.0,https://x.example/m.jpg\n";
    let parsed = parse(file.as_bytes());
    assert_eq!(parsed.len(), 1);
    assert!(parsed[0].refusals.is_empty(), "{:?}", parsed[0].refusals);
    let product = parsed[0].product.as_ref().unwrap();
    assert_eq!(
        product.category.as_ref().map(|c| c.handle.as_str()),
        Some("mugs")
    );
    let variant = &product.variants[0];
    assert_eq!(
        (variant.price, variant.compare_at_price, variant.on_hand),
        (1250, Some(1500), Some(4))
    );
    assert_eq!(variant.weight_grams, Some(250));
}

#[test]
fn a_comma_sets_thousands_apart_or_is_refused() {
    for (price, wanted) in [
        ("1,299.50", Some(129_950)),
        ("12,50", None),
        ("1,2,3", None),
        (",500", None),
        ("0", Some(0)),
        ("9.999", None),
        ("1000000001", None),
        ("€ 5", None),
    ] {
        let file = format!("Handle,Title,Variant Price\na,A,\"{price}\"\n");
        let parsed = parse(file.as_bytes());
        let found = parsed[0]
            .product
            .as_ref()
            .map(|product| product.variants[0].price);
        assert_eq!(found, wanted, "{price}");
    }
}

fn products(file: &[u8]) -> Vec<ProductDraft> {
    let parsed = whole(file).parsed.into_iter();
    let mut products: Vec<ProductDraft> = parsed.filter_map(|parsed| parsed.product).collect();
    products.sort_by(|a, b| a.handle.cmp(&b.handle));
    products
}

const IN_SHOPIFY: &[u8] = include_bytes!("../../tests/fixtures/shop-in-shopify.csv");
const IN_WOOCOMMERCE: &[u8] = include_bytes!("../../tests/fixtures/shop-in-woocommerce.csv");
const QUIRKS: &[u8] = include_bytes!("../../tests/fixtures/woocommerce-quirks.csv");

#[test]
fn one_shop_in_both_formats_is_the_same_catalogue() {
    let (shopify, woocommerce) = (whole(IN_SHOPIFY), whole(IN_WOOCOMMERCE));
    assert_eq!(
        (shopify.format, woocommerce.format),
        ("shopify", "woocommerce")
    );
    for all in [&shopify, &woocommerce] {
        let refusals: Vec<_> = all.parsed.iter().flat_map(|p| &p.refusals).collect();
        assert!(refusals.is_empty(), "{refusals:?}");
    }
    assert_eq!((shopify.rows, woocommerce.rows), (8, 8));
    let (one, other) = (products(IN_SHOPIFY), products(IN_WOOCOMMERCE));
    assert_eq!(one.len(), 5);
    assert_eq!(one, other);
    let on_hand: Vec<_> = one
        .iter()
        .map(|p| {
            (
                p.handle.as_str(),
                p.variants.iter().map(|v| v.on_hand).collect::<Vec<_>>(),
            )
        })
        .collect();
    assert_eq!(
        on_hand,
        [
            ("gift-voucher", vec![None]),
            ("linen-shirt", vec![Some(-2), Some(3), None]),
            ("salad-bowl", vec![Some(0)]),
            ("salad-bowl-1", vec![None]),
            ("weirs-stoneware-mug", vec![Some(7)]),
        ]
    );
}

#[test]
fn what_woocommerce_files_hold() {
    let all = whole(QUIRKS);
    let places = |refusals: fn(&Parsed) -> &Vec<super::report::Refusal>| -> Vec<(u64, String)> {
        let mut places: Vec<_> = all
            .parsed
            .iter()
            .flat_map(refusals)
            .map(|refusal| (refusal.line, refusal.column.clone().unwrap_or_default()))
            .collect();
        places.sort();
        places
    };
    let expected = |places: &[(u64, &str)]| -> Vec<(u64, String)> {
        places
            .iter()
            .map(|(line, column)| (*line, (*column).to_owned()))
            .collect()
    };
    assert_eq!(
        places(|p| &p.refusals),
        expected(&[
            (2, "Type"),
            (3, "Images"),
            (5, "Regular price"),
            (6, "Parent"),
            (14, "Regular price"),
        ])
    );
    assert_eq!(
        places(|p| &p.warnings),
        expected(&[
            (1, ""),
            (3, "Type"),
            (7, "Date sale price starts"),
            (7, "Type"),
            (7, "Visibility in catalog"),
            (8, "Date sale price ends"),
            (10, "Stock"),
            (11, "Stock"),
            (13, "Published"),
        ])
    );
    let products = products(QUIRKS);
    let by = |handle: &str| products.iter().find(|p| p.handle == handle).unwrap();
    assert_eq!(products.len(), 4);
    let elsewhere = by("elsewhere");
    assert_eq!(
        (elsewhere.status, elsewhere.variants[0].price),
        (ProductStatus::Draft, 1250)
    );
    assert_eq!(elsewhere.variants[0].sku.as_deref(), Some("=1+1"));
    assert_eq!(by("hidden-bundle").variants[0].price, 999);
    assert_eq!(
        (
            by("sale-over").variants[0].price,
            by("sale-over").variants[0].compare_at_price
        ),
        (1000, None)
    );
    let tee: Vec<_> = by("tee")
        .variants
        .iter()
        .map(|v| (v.title(), v.price, v.on_hand))
        .collect();
    assert_eq!(
        tee,
        [
            ("Red / S".to_owned(), 2000, None),
            ("Blue / S".to_owned(), 2100, Some(3)),
            ("Blue / M".to_owned(), 2100, Some(2)),
            ("Red / M".to_owned(), 2200, Some(3)),
        ]
    );
    assert!(!all.parsed.iter().find(|p| p.line == 4).unwrap().whole);
}

#[test]
fn other_encodings_are_named() {
    let context = Context {
        currency: Currency::EUR,
        today: Timestamp::from_micros(0),
    };
    let refused =
        |file: &[u8]| read(&mut Cursor::new(file), context, &mut All::default()).unwrap_err();
    let utf16: Vec<u8> = "Handle,Title"
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    assert!(refused(&utf16).contains("UTF-16"));
    assert!(refused(b"").contains("empty"));
    assert!(refused(b"a,b\n1,2\n").contains("WooCommerce"));
    let latin = b"Type,Name,Regular price\nsimple,Caf\xe9,3\nsimple,Tea,2\n";
    let parsed = parse(latin);
    assert!(parsed[0].refusals[0].reason.contains("UTF-8") && parsed[1].product.is_some());
}

/// Variations of many products, each far from its product, and more than wait in memory.
#[test]
fn families_that_are_torn_apart_are_put_together_in_bounded_memory() {
    let long = "x".repeat(400_000);
    let mut file = String::from(
        "ID,Type,Name,Purchase note,Regular price,Parent,Attribute 1 name,Attribute 1 value(s)\n",
    );
    for id in 0..120 {
        file += &format!("{id},variable,Product {id},{long},,,Size,\"S, M\"\n");
    }
    for size in ["S", "M"] {
        for id in 0..120 {
            file += &format!(",variation,,,5,id:{id},Size,{size}\n");
        }
    }
    let all = whole(file.as_bytes());
    assert_eq!(all.rows, 360);
    let products: Vec<_> = all
        .parsed
        .iter()
        .filter_map(|p| p.product.as_ref())
        .collect();
    assert_eq!(products.len(), 120);
    assert!(products.iter().all(|p| p.variants.len() == 2));
    assert!(all.parsed.iter().all(|p| p.refusals.is_empty()));
}

const WOO_HEADER: &str = "ID,Type,SKU,Name,Published,Description,In stock?,Stock,Backorders allowed?,\
    Weight (kg),Sale price,Regular price,Categories,Tags,Images,Parent,Position,\
    Attribute 1 name,Attribute 1 value(s),Attribute 2 name,Attribute 2 value(s)\n";

/// Cells of WooCommerce's, good and bad.
fn woo_cell() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => Just(String::new()),
        3 => prop::sample::select(vec!["simple", "variable", "variation", "variation", "id:1", "id:2", "A",
            "B", "1", "2", "0", "-1", "parent", "backorder", "notify", "12,5", "9.99", "'-3", "Size", "\"S, M\"",
            "S", "Colour", "Red", "\\,", "https://x.example/a.jpg", "A > B", "&amp;&#0;", "\\n\\\\n", "99999999999999999999"])
            .prop_map(str::to_owned),
        1 => "\\PC{0,8}",
        1 => "\"[a-z,\n\r]{0,6}\"",
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn each_woocommerce_product_is_whole(
        rows in prop::collection::vec(prop::collection::vec(woo_cell(), 1..22), 0..14),
    ) {
        let rows: Vec<String> = rows.into_iter().map(|cells| cells.join(",")).collect();
        let file = format!("{WOO_HEADER}{}", rows.join("\n"));
        let mut handles = std::collections::HashSet::new();
        for parsed in parse(file.as_bytes()) {
            prop_assert!(parsed.refusals.iter().all(|refusal| refusal.line > 1));
            let Some(product) = parsed.product else { continue };
            prop_assert!(!product.title.is_empty() && !product.variants.is_empty());
            prop_assert!(handles.insert(product.handle.clone()), "{}", product.handle);
            prop_assert!(product.handle.parse::<techcommerce_kernel::Handle>().is_ok());
            for variant in &product.variants {
                prop_assert!(variant.price >= 0);
                prop_assert_eq!(variant.options.len(), product.options.len());
                let same = product.variants.iter().filter(|v| v.options == variant.options);
                prop_assert_eq!(same.count(), 1);
            }
        }
    }

    #[test]
    fn no_lines_are_too_strange(text in "\\PC{0,200}", field in "[a-z_]{1,12}") {
        parse(format!("{{{text}").as_bytes());
        let parsed = parse(format!("{{\"handle\":\"a\",\"title\":\"A\",\"variants\":[{{\"price\":{{\"amount\":1,\"currency\":\"EUR\"}}}}],\"{field}\":null}}").as_bytes());
        prop_assert_eq!(parsed.len(), 1);
    }
}
