//! One product out of the rows of a Shopify export.

use techcommerce_contracts::product_api::{InventoryPolicy, OptionValue};
use techcommerce_kernel::{Handle, Sku};

use super::{
    cells::{boolean, bounded, grams, line, money, quantity},
    layout::{Context, Parsed, Wrong, image, options_of, refused_whole},
    records::Row,
    shopify::{Shopify, status},
};
use crate::catalogue::{
    draft::{CategoryDraft, ImageDraft, ProductDraft, VariantDraft},
    limits, text,
};

/// The rows of one product.
pub(super) struct Group {
    pub handle: String,
    pub rows: Vec<Row>,
    pub bytes: usize,
}

impl Group {
    /// Reads the product; every row that cannot be taken is named.
    pub fn finish(&self, layout: &Shopify, context: Context) -> Parsed {
        let Some(first) = self.rows.first() else {
            return Parsed::default();
        };
        let mut parsed = Parsed {
            line: first.line,
            ..Parsed::default()
        };
        match self.product(layout, context, first, &mut parsed) {
            Ok(product) => parsed.product = Some(product),
            Err((column, reason)) => {
                let refusal = layout.refuse(first, column, reason);
                refused_whole(&mut parsed, refusal, self.rows.iter().skip(1));
            }
        }
        parsed
    }

    fn product(
        &self,
        layout: &Shopify,
        context: Context,
        first: &Row,
        parsed: &mut Parsed,
    ) -> Result<ProductDraft, Wrong> {
        let at = &layout.at;
        let Parsed {
            refusals,
            warnings,
            whole,
            ..
        } = parsed;
        *whole = true;
        if first.cell(at.handle) != self.handle {
            let why = format!(
                "becomes `{}`, for an address here has no other letters",
                self.handle
            );
            warnings.push(layout.refuse(first, at.handle, why));
        }
        let title = line(first.cell(at.title), limits::TITLE).map_err(|why| (at.title, why))?;
        if title.is_empty() {
            return Err((
                at.title,
                "is empty; a product's first row carries its title".into(),
            ));
        }
        let body =
            bounded(first.cell(at.body), limits::DESCRIPTION).map_err(|why| (at.body, why))?;
        let vendor = line(first.cell(at.vendor), limits::NAME).map_err(|why| (at.vendor, why))?;
        let status = status(first.cell(at.status), first.cell(at.published))
            .map_err(|(in_status, why)| (if in_status { at.status } else { at.published }, why))?;
        let names = self.option_names(layout, first);
        let mut variants: Vec<(u64, VariantDraft)> = Vec::new();
        let mut pictures = Pictures::default();
        for row in &self.rows {
            let source = row.cell(at.image);
            let place = row.cell(at.image_position).parse().ok();
            if let Err(why) = pictures.add(source, row.cell(at.image_alt), place) {
                refusals.push(layout.refuse(row, at.image, why));
            }
            if let Err(why) = pictures.add_of_variant(row.cell(at.variant_image)) {
                refusals.push(layout.refuse(row, at.variant_image, why));
            }
            if !has_variant(layout, row, names.len()) {
                if source.is_empty() && row.line != first.line {
                    let why = "The row has neither a variant nor a picture.";
                    refusals.push(layout.refuse(row, None, why));
                }
                continue;
            }
            match variant(layout, context, row, &names) {
                Ok(_) if variants.len() >= limits::VARIANTS => {
                    let why = format!("The product has more than {} variants.", limits::VARIANTS);
                    refusals.push(layout.refuse(row, None, why));
                }
                Ok(variant) => match variants.iter().find(|(_, v)| v.options == variant.options) {
                    None => {
                        if variant.on_hand.is_some_and(|count| count < 0) {
                            let why =
                                "is below zero and taken so: it is sold out until as many came in";
                            warnings.push(layout.refuse(row, at.quantity, why));
                        }
                        variants.push((row.line, variant));
                    }
                    Some((line, _)) => {
                        let why = format!("`{}` stands on line {line} already", variant.title());
                        refusals.push(layout.refuse(row, at.option_values[0], why));
                    }
                },
                Err((column, why)) => {
                    *whole = false;
                    refusals.push(layout.refuse(row, column, why));
                }
            }
        }
        if variants.is_empty() {
            // If each variant was refused, those reasons say more than ours.
            let why = refusals.first().map_or_else(
                || {
                    (
                        at.price,
                        "is empty; a product needs at least one variant with a price".into(),
                    )
                },
                |refusal| {
                    (
                        refusal
                            .column
                            .as_deref()
                            .and_then(|name| layout.columns.find(&[name])),
                        refusal.reason.clone(),
                    )
                },
            );
            return Err(why);
        }
        let variants: Vec<VariantDraft> =
            variants.into_iter().map(|(_, variant)| variant).collect();
        let titles: Vec<String> = names.iter().map(|(_, name)| name.clone()).collect();
        Ok(ProductDraft {
            handle: self.handle.clone(),
            title,
            description: text::clean_html(body),
            vendor,
            tags: text::tags(first.cell(at.tags)),
            category: category(
                first.cell(at.kind),
                first.cell(at.category),
                first.cell(at.category_handle),
            ),
            options: options_of(&titles, &variants),
            status,
            images: pictures.finish(),
            variants,
        })
    }

    /// `Title` with `Default Title` as its only value means that there is nothing to choose.
    fn option_names(&self, layout: &Shopify, first: &Row) -> Vec<(usize, String)> {
        let at = &layout.at;
        let mut names: Vec<(usize, String)> = Vec::new();
        for (index, column) in at.option_names.iter().enumerate() {
            let name = self
                .rows
                .iter()
                .map(|row| row.cell(*column))
                .find(|name| !name.is_empty());
            if let Some(name) = name {
                names.push((
                    index,
                    name.chars()
                        .filter(|c| !c.is_control())
                        .take(limits::NAME)
                        .collect(),
                ));
            }
        }
        let default = names.len() == 1
            && names[0].1.eq_ignore_ascii_case("title")
            && first
                .cell(at.option_values[names[0].0])
                .eq_ignore_ascii_case("default title");
        if default {
            names.clear();
        }
        names
    }
}

/// Whether a row adds a variant, or only a picture.
fn has_variant(layout: &Shopify, row: &Row, options: usize) -> bool {
    let at = &layout.at;
    let filled = |column: &Option<usize>| !row.cell(*column).is_empty();
    let any_option = options > 0 && at.option_values.iter().any(filled);
    any_option || [at.price, at.sku].iter().any(filled)
}

fn variant(
    layout: &Shopify,
    context: Context,
    row: &Row,
    names: &[(usize, String)],
) -> Result<VariantDraft, Wrong> {
    let at = &layout.at;
    let mut options = Vec::with_capacity(names.len());
    for (index, name) in names {
        let column = at.option_values[*index];
        let value = line(row.cell(column), limits::NAME).map_err(|why| (column, why))?;
        if value.is_empty() {
            return Err((
                column,
                format!("is empty; the product has the option `{name}`"),
            ));
        }
        options.push(OptionValue {
            name: name.clone(),
            value,
        });
    }
    let sku = match row.cell(at.sku) {
        "" => None,
        // Excel marks texts that look like numbers with an apostrophe.
        sku => Some(
            sku.trim_start_matches('\'')
                .parse::<Sku>()
                .map_err(|why| (at.sku, why))?,
        ),
    };
    let price = row.cell(at.price);
    if price.is_empty() {
        return Err((at.price, "is empty; each variant has a price".into()));
    }
    let price = money(price, context).map_err(|why| (at.price, why))?;
    let compare_at_price = match row.cell(at.compare_at) {
        "" => None,
        text => Some(money(text, context).map_err(|why| (at.compare_at, why))?),
    };
    let inventory_policy = match row.cell(at.policy).to_ascii_lowercase().as_str() {
        "" | "deny" | "false" => InventoryPolicy::Deny,
        "continue" | "true" => InventoryPolicy::Continue,
        other => return Err((at.policy, format!("`{other}` is neither deny nor continue"))),
    };
    let track_inventory = !row.cell(at.tracker).is_empty();
    let on_hand = match row.cell(at.quantity) {
        "" => None,
        text => Some(quantity(text).map_err(|why| (at.quantity, why))?),
    };
    let yes = |column, default| boolean(row.cell(column), default).map_err(|why| (column, why));
    let weight_grams = match row.cell(at.grams) {
        "" => None,
        text => Some(grams(text).map_err(|why| (at.grams, why))?),
    };
    let barcode = line(row.cell(at.barcode), limits::NAME).map_err(|why| (at.barcode, why))?;
    Ok(VariantDraft {
        id: None,
        sku: sku.map(String::from),
        options,
        price,
        // Shopify writes 0 where there is none.
        compare_at_price: compare_at_price.filter(|amount| *amount > 0),
        track_inventory,
        inventory_policy,
        requires_shipping: yes(at.requires_shipping, true)?,
        taxable: yes(at.taxable, true)?,
        weight_grams: weight_grams.filter(|grams| *grams > 0),
        barcode: Some(barcode.trim_start_matches('\'').to_owned()).filter(|code| !code.is_empty()),
        source_on_hand: on_hand.filter(|_| track_inventory),
        on_hand: on_hand.filter(|_| track_inventory),
    })
}

/// A product's pictures, each once.
#[derive(Default)]
struct Pictures {
    /// With the place that `Image Position` gives them.
    own: Vec<(u64, ImageDraft)>,
    /// Those that only a variant names.
    variants: Vec<ImageDraft>,
}

impl Pictures {
    fn add(&mut self, source: &str, alt: &str, place: Option<u64>) -> Result<(), String> {
        let Some(image) = image(source, alt)? else {
            return Ok(());
        };
        let known = |(_, known): &(u64, ImageDraft)| known.source_url == image.source_url;
        if self.own.iter().any(known) {
            return Ok(());
        }
        if self.own.len() >= limits::IMAGES {
            return Err(format!("is more than {} pictures", limits::IMAGES));
        }
        // Without a place it stands behind the one before it.
        let before = self.own.last().map_or(0, |(place, _)| *place);
        self.own.push((place.unwrap_or(before), image));
        Ok(())
    }

    fn add_of_variant(&mut self, source: &str) -> Result<(), String> {
        if let Some(image) = image(source, "")?
            && self.variants.len() < limits::IMAGES
            && self
                .variants
                .iter()
                .all(|known| known.source_url != image.source_url)
        {
            self.variants.push(image);
        }
        Ok(())
    }

    /// In the order of their places.
    fn finish(mut self) -> Vec<ImageDraft> {
        self.own.sort_by_key(|(place, _)| *place);
        let mut images: Vec<ImageDraft> = self.own.into_iter().map(|(_, image)| image).collect();
        for image in self.variants {
            let is_new = images
                .iter()
                .all(|known| known.source_url != image.source_url);
            if is_new && images.len() < limits::IMAGES {
                images.push(image);
            }
        }
        images
    }
}

/// The owner's own type, else the last step of Shopify's taxonomy (`Home > Decor > Vases`).
/// Our own exports name its handle too.
fn category(kind: &str, taxonomy: &str, handle: &str) -> Option<CategoryDraft> {
    let last = taxonomy.rsplit('>').next().unwrap_or_default().trim();
    let title = if kind.is_empty() { last } else { kind };
    (!title.is_empty()).then(|| CategoryDraft {
        handle: match handle.parse::<Handle>() {
            Ok(handle) => handle.into(),
            Err(_) => text::handle_from(title, "category"),
        },
        title: title.chars().take(limits::NAME).collect(),
        description: String::new(),
    })
}
