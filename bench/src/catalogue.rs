//! A catalogue of made-up products, the same in every run.

use std::{fmt::Write, path::Path};

use anyhow::Result;
use tempfile::TempDir;

const WORDS: [&str; 20] = [
    "oak", "linen", "stone", "wool", "glass", "copper", "amber", "river", "north", "cedar",
    "field", "lamp", "chair", "table", "bowl", "mug", "throw", "basket", "shelf", "rug",
];

/// A file in Shopify's format that the shop can import.
pub struct Catalogue {
    folder: TempDir,
}

impl Catalogue {
    /// With so many products of one variant each, of which nobody runs out.
    pub fn new(products: usize) -> Result<Self> {
        Self::with_stock(products, 100_000_000)
    }

    /// With so many products, of the first of which there are so many units.
    pub fn with_stock(products: usize, units: usize) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let mut text = String::from(
            "Handle,Title,Body (HTML),Vendor,Type,Tags,Published,Option1 Name,Option1 Value,\
             Variant SKU,Variant Inventory Tracker,Variant Inventory Qty,\
             Variant Inventory Policy,Variant Price,Status\n",
        );
        let mut numbers = Numbers(1);
        for number in 0..products {
            let (a, b) = (numbers.word(), numbers.word());
            let body: Vec<&str> = (0..40).map(|_| numbers.word()).collect();
            let (x, y) = (numbers.word(), numbers.word());
            let price = 100 + numbers.below(20_000);
            let units = if number == 0 { units } else { 100_000_000 };
            writeln!(
                text,
                "p-{number},{a} {b} {number},<p>{}</p>,Maker {},Type {},\"{x}, {y}\",TRUE,Title,\
                 Default Title,SKU-{number},shopify,{units},deny,{}.{:02},active",
                body.join(" "),
                number % 50,
                number % 20,
                price / 100,
                price % 100
            )?;
        }
        std::fs::write(folder.path().join("catalogue.csv"), text)?;
        Ok(Self { folder })
    }

    pub fn file(&self) -> std::path::PathBuf {
        self.folder.path().join("catalogue.csv")
    }

    /// A folder for what belongs to this run.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }
}

/// A generator of numbers that nobody could call random, but that repeat.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: u64) -> u64 {
        // Knuth's MMIX constants.
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }

    fn word(&mut self) -> &'static str {
        let index = usize::try_from(self.below(WORDS.len() as u64)).unwrap_or(0);
        WORDS[index]
    }
}
