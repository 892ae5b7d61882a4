//! The whole path of a file without a database.

use proptest::prelude::*;
use techcommerce_kernel::{Currency, Timestamp};

use std::io::Cursor;

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
