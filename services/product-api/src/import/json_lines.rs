//! Our own export with a product as JSON on each line.

use std::io::{BufRead, BufReader, Read};

use techcommerce_contracts::product_api::InventoryPolicy;
use techcommerce_kernel::{Currency, Handle, Money, Sku};

use super::{
    cells::{bounded, line},
    layout::{Context, Parsed, image},
    report::Refusal,
};
use crate::{
    catalogue::{
        draft::{CategoryDraft, ImageDraft, ProductDraft, VariantDraft},
        limits, text,
    },
    export::line::{CategoryLine, ImageLine, ProductLine, VariantLine},
};

/// The most bytes of a line.
const MAX_LINE: usize = 8 * 1024 * 1024;

/// What is wrong: the field, and why.
type Wrong = (String, String);

/// Reads lines one after another.
pub(super) struct Lines<R> {
    source: BufReader<R>,
    buffer: Vec<u8>,
    number: u64,
    bytes: u64,
    context: Context,
}

/// What came of a line.
pub(super) enum Line {
    /// A product, or why it is none.
    Product(Box<Parsed>),
    /// The file cannot be read from here on.
    Broken(Refusal),
    /// The end of the file.
    End,
}

impl Line {
    /// Why it is no line of ours at all, if it is none.
    pub fn is_no_line(&self) -> Option<&str> {
        let refusal = match self {
            Self::Product(parsed) => parsed.refusals.first().filter(|r| r.column.is_none())?,
            Self::Broken(refusal) => refusal,
            Self::End => return None,
        };
        Some(&refusal.reason)
    }
}

impl<R: Read> Lines<R> {
    /// From the file's first byte on.
    pub fn new(source: R, context: Context) -> Self {
        Self {
            source: BufReader::new(source),
            buffer: Vec::new(),
            number: 0,
            bytes: 0,
            context,
        }
    }

    /// How many bytes were read.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The next line that is not blank.
    pub fn next_line(&mut self) -> Line {
        loop {
            self.buffer.clear();
            self.number += 1;
            let limit = MAX_LINE as u64 + 1;
            let read = (&mut self.source)
                .take(limit)
                .read_until(b'\n', &mut self.buffer);
            match read {
                Ok(0) => return Line::End,
                Ok(read) if read > MAX_LINE => {
                    let reason = format!("The line has more than {MAX_LINE} bytes.");
                    return Line::Broken(Refusal::line(self.number, reason));
                }
                Ok(read) => self.bytes += read as u64,
                Err(error) => {
                    let reason = format!("The file cannot be read from here on: {error}.");
                    return Line::Broken(Refusal::line(self.number, reason));
                }
            }
            let text = self
                .buffer
                .strip_prefix(b"\xef\xbb\xbf")
                .unwrap_or(&self.buffer);
            if !text.trim_ascii().is_empty() {
                return Line::Product(Box::new(parse(text, self.number, self.context)));
            }
        }
    }
}

fn parse(text: &[u8], number: u64, context: Context) -> Parsed {
    let refused = |column: Option<String>, reason: String| {
        Parsed::refused(Refusal::new(number, column, reason))
    };
    let product: ProductLine = match serde_json::from_slice(text) {
        Ok(product) => product,
        Err(error) => return refused(None, format!("The line is no product: {error}.")),
    };
    match draft(product, context.currency) {
        Ok(draft) => Parsed {
            product: Some(draft),
            line: number,
            whole: true,
            ..Parsed::default()
        },
        Err((field, reason)) => refused(Some(field), reason),
    }
}

fn draft(product: ProductLine, currency: Currency) -> Result<ProductDraft, Wrong> {
    let at = |field: &str| {
        let field = field.to_owned();
        move |why: String| (field, why)
    };
    let text =
        |field: &str, text: &str, most| line(&text.replace('\0', ""), most).map_err(at(field));
    let title = text("title", &product.title, limits::TITLE)?;
    if title.is_empty() {
        return Err(("title".into(), "is empty".into()));
    }
    let description = product.description.replace('\0', "");
    let description = bounded(&description, limits::DESCRIPTION).map_err(at("description"))?;
    let description = text::clean_html(description);
    let mut tags: Vec<String> = Vec::new();
    for tag in &product.tags {
        let tag = text("tags", tag, limits::NAME)?;
        if !tag.is_empty() && !tags.contains(&tag) && tags.len() < limits::TAGS {
            tags.push(tag);
        }
    }
    if product.options.len() > limits::OPTIONS {
        return Err((
            "options".into(),
            format!("are more than {}", limits::OPTIONS),
        ));
    }
    let count = product.variants.len();
    if count == 0 || count > limits::VARIANTS {
        return Err((
            "variants".into(),
            format!("are not between 1 and {}", limits::VARIANTS),
        ));
    }
    let mut variants: Vec<VariantDraft> = Vec::with_capacity(count);
    let names: Vec<&str> = product
        .options
        .iter()
        .map(|option| option.name.as_str())
        .collect();
    for (index, given) in product.variants.into_iter().enumerate() {
        let place = format!("variants[{index}]");
        let named = given.options.iter().map(|option| option.name.as_str());
        if !named.eq(names.iter().copied()) {
            return Err((
                format!("{place}.options"),
                "are not those of the product".into(),
            ));
        }
        let variant = variant(given, &place, currency)?;
        if variants
            .iter()
            .any(|known| known.options == variant.options)
        {
            return Err((
                format!("{place}.options"),
                "are those of another variant".into(),
            ));
        }
        variants.push(variant);
    }
    Ok(ProductDraft {
        handle: product.handle.into(),
        title,
        description,
        vendor: text("vendor", &product.vendor, limits::NAME)?,
        tags,
        category: product.category.map(category).transpose()?,
        options: product.options,
        status: product.status,
        images: images(&product.images)?,
        variants,
    })
}

fn category(category: CategoryLine) -> Result<CategoryDraft, Wrong> {
    let field = |field: &'static str| move |why| (format!("category.{field}"), why);
    Ok(CategoryDraft {
        handle: Handle::into(category.handle),
        title: line(&category.title, limits::NAME).map_err(field("title"))?,
        description: bounded(&category.description.replace('\0', ""), limits::DESCRIPTION)
            .map_err(field("description"))?
            .to_owned(),
    })
}

fn images(given: &[ImageLine]) -> Result<Vec<ImageDraft>, Wrong> {
    if given.len() > limits::IMAGES {
        return Err(("images".into(), format!("are more than {}", limits::IMAGES)));
    }
    let mut images = Vec::with_capacity(given.len());
    for (index, given) in given.iter().enumerate() {
        let alt = given.alt.replace('\0', "");
        match image(&given.address, &alt) {
            Ok(Some(image)) => images.push(image),
            Ok(None) => {}
            Err(why) => return Err((format!("images[{index}].address"), why)),
        }
    }
    Ok(images)
}

fn variant(given: VariantLine, place: &str, currency: Currency) -> Result<VariantDraft, Wrong> {
    let wrong = |field: &str, why: &str| (format!("{place}.{field}"), why.to_owned());
    let amount = |field: &str, money: Money| {
        if money.currency != currency {
            let why = format!(
                "is in {}; this shop's prices are in {currency}",
                money.currency
            );
            return Err(wrong(field, &why));
        }
        if !(0..=limits::PRICE).contains(&money.amount) {
            return Err(wrong(field, "is no price"));
        }
        Ok(money.amount)
    };
    let price = amount("price", given.price)?;
    let compare_at_price = given
        .compare_at_price
        .map(|money| amount("compare_at_price", money))
        .transpose()?;
    let sku = given.sku.filter(|sku| !sku.is_empty());
    let sku = sku.map(|sku| sku.parse::<Sku>().map_err(|why| wrong("sku", &why)));
    if given.on_hand.abs() > limits::STOCK {
        return Err(wrong("on_hand", "is no number of pieces"));
    }
    let too_heavy = |grams: i64| !(0..=limits::GRAMS).contains(&grams);
    if given.weight_grams.is_some_and(too_heavy) {
        return Err(wrong("weight_grams", "is no weight"));
    }
    let barcode = given.barcode.unwrap_or_default();
    let barcode = line(&barcode, limits::NAME).map_err(|why| wrong("barcode", &why))?;
    let mut options = given.options;
    for option in &mut options {
        option.value = line(&option.value, limits::NAME).map_err(|why| wrong("options", &why))?;
    }
    let on_hand = Some(given.on_hand).filter(|count| given.track_inventory || *count != 0);
    let policy: InventoryPolicy = given.inventory_policy;
    Ok(VariantDraft {
        id: None,
        sku: sku.transpose()?.map(String::from),
        options,
        price,
        compare_at_price,
        track_inventory: given.track_inventory,
        inventory_policy: policy,
        requires_shipping: given.requires_shipping,
        taxable: given.taxable,
        weight_grams: given.weight_grams,
        barcode: Some(barcode).filter(|code| !code.is_empty()),
        source_on_hand: on_hand,
        on_hand,
    })
}
