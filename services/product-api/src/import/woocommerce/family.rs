//! One product out of its row and those of its variations.

use std::collections::HashSet;

use techcommerce_contracts::product_api::{InventoryPolicy, OptionValue, ProductStatus};
use techcommerce_kernel::Sku;

use super::{
    WooCommerce,
    offer::{Kind, Stock, price, stock, weight},
    text::{addresses, description, list, plain, unescaped},
};
use crate::{
    catalogue::{
        draft::{CategoryDraft, ImageDraft, ProductDraft, VariantDraft},
        limits, text,
    },
    import::{
        cells::{bounded, line},
        layout::{Parsed, Wrong, image, options_of, refused_whole},
        records::Row,
    },
};

/// What the shop's catch-all category is called; it says nothing.
const UNCATEGORISED: [&str; 8] = [
    "uncategorized",
    "uncategorised",
    "unkategorisiert",
    "non classe",
    "non categorise",
    "sin categorizar",
    "senza categoria",
    "geen categorie",
];

/// What stands for a choice that is left to the buyer.
const ANY: &str = "Any";

/// A product's rows.
pub(super) struct Family<'a> {
    layout: &'a WooCommerce,
    rows: &'a [Row],
    top: &'a Row,
    kind: Kind,
}

/// One variation before its choices are known.
struct Variation<'a> {
    row: &'a Row,
    /// For each option its value; none: any.
    values: Vec<Option<String>>,
    draft: VariantDraft,
}

impl<'a> Family<'a> {
    /// Of all rows of a product, in whichever order.
    pub fn new(layout: &'a WooCommerce, rows: &'a [Row]) -> Option<Self> {
        let top = rows.iter().find(|row| !layout.is_variation(row))?;
        let kind = Kind::of(top.cell(layout.at.kind));
        Some(Self {
            layout,
            rows,
            top,
            kind,
        })
    }

    /// The product, and every row of it that cannot be taken.
    pub fn read(&self) -> Parsed {
        let mut parsed = Parsed {
            line: self.top.line,
            whole: true,
            ..Parsed::default()
        };
        match self.product(&mut parsed) {
            Ok(product) => parsed.product = Some(product),
            Err((column, reason)) => {
                let first = self.layout.refuse(self.top, column, reason);
                let others = self.rows.iter().filter(|row| row.line != self.top.line);
                refused_whole(&mut parsed, first, others);
            }
        }
        parsed
    }

    fn product(&self, parsed: &mut Parsed) -> Result<ProductDraft, Wrong> {
        let (at, top) = (&self.layout.at, self.top);
        if self.kind.name == "grouped" {
            let why = "`grouped` is a page for several products; they have rows of their own, \
                 and nothing here stands for the group";
            return Err((at.kind, why.into()));
        }
        let title = line(&plain(top.cell(at.name)), limits::TITLE).map_err(|why| (at.name, why))?;
        if title.is_empty() {
            return Err((at.name, "is empty; each product has a name".into()));
        }
        let status = self.status(parsed)?;
        let brands = list(top.cell(at.brands));
        let vendor = brands.first().map_or("", String::as_str);
        let vendor = line(vendor, limits::NAME).map_err(|why| (at.brands, why))?;
        let mut images = Vec::new();
        self.pictures(top, &mut images, parsed);
        let (names, variants) = if self.is_variable() {
            self.variants(&mut images, parsed)?
        } else {
            (Vec::new(), vec![self.variant(top, None, parsed)?])
        };
        Ok(ProductDraft {
            handle: self.layout.handle(top),
            title,
            description: self.description()?,
            vendor,
            tags: text::tags(&list(top.cell(at.tags)).join(",")),
            category: self.category(),
            options: options_of(&names, &variants),
            status,
            images,
            variants,
        })
    }

    fn is_variable(&self) -> bool {
        self.rows.len() > 1 || self.kind.name.starts_with("variable")
    }

    fn status(&self, parsed: &mut Parsed) -> Result<ProductStatus, Wrong> {
        let (at, top) = (&self.layout.at, self.top);
        let mut warn = |column, why: String| {
            parsed.warnings.push(self.layout.refuse(top, column, why));
        };
        let published = match unescaped(top.cell(at.published)).to_lowercase().as_str() {
            "" | "1" | "true" | "yes" | "publish" => true,
            "0" | "-1" | "2" | "false" | "no" | "draft" | "private" | "pending" => false,
            other => {
                let why = format!("`{other}` is none of 1, 0 and -1");
                return Err((at.published, why));
            }
        };
        if self.kind.name == "external" {
            let why = "`external` is sold in another shop; it is taken as a draft, so that nobody \
                 buys it here";
            warn(at.kind, why.into());
            return Ok(ProductStatus::Draft);
        }
        if !self.kind.is_known() {
            let why = format!(
                "`{}` is no kind of product here; it is taken as a simple one, look at its price",
                self.kind.name
            );
            warn(at.kind, why);
        }
        if published && top.cell(at.visibility).eq_ignore_ascii_case("hidden") {
            let why = "`hidden` products are taken as drafts; publish it to show it everywhere";
            warn(at.visibility, why.into());
            return Ok(ProductStatus::Draft);
        }
        Ok(if published {
            ProductStatus::Active
        } else {
            ProductStatus::Draft
        })
    }

    fn description(&self) -> Result<String, Wrong> {
        let at = &self.layout.at;
        let long = description(self.top.cell(at.description));
        let (column, html) = if long.is_empty() {
            (at.short, description(self.top.cell(at.short)))
        } else {
            (at.description, long)
        };
        let html = bounded(&html, limits::DESCRIPTION).map_err(|why| (column, why))?;
        Ok(text::clean_html(html))
    }

    /// The last step of the first path; the shop names parents beside their children, so a path
    /// that another goes on from does not count.
    fn category(&self) -> Option<CategoryDraft> {
        let paths: Vec<Vec<String>> = list(self.top.cell(self.layout.at.categories))
            .iter()
            .map(|path| path.split('>').map(|step| step.trim().to_owned()).collect())
            .collect();
        let goes_on = |path: &[String]| {
            paths
                .iter()
                .any(|other| other.len() > path.len() && other.starts_with(path))
        };
        let titles = paths
            .iter()
            .filter(|path| !goes_on(path))
            .filter_map(|path| path.last());
        let title = titles
            .filter(|title| !title.is_empty())
            .find(|title| !UNCATEGORISED.contains(&text::fold(title).as_str()))?;
        let title: String = title
            .chars()
            .filter(|c| !c.is_control())
            .take(limits::NAME)
            .collect();
        Some(CategoryDraft {
            handle: text::handle_from(&title, "category"),
            title,
            description: String::new(),
        })
    }

    fn pictures(&self, row: &Row, images: &mut Vec<ImageDraft>, parsed: &mut Parsed) {
        let column = self.layout.at.images;
        for address in addresses(row.cell(column)) {
            let refusal = match image(&address, "") {
                Ok(Some(image)) if images.iter().all(|i| i.source_url != image.source_url) => {
                    if images.len() < limits::IMAGES {
                        images.push(image);
                        continue;
                    }
                    format!("is more than {} pictures", limits::IMAGES)
                }
                Ok(_) => continue,
                Err(why) => why,
            };
            parsed
                .refusals
                .push(self.layout.refuse(row, column, refusal));
        }
    }

    /// The names of the options, and the variants in the order that the shop shows them.
    fn variants(
        &self,
        images: &mut Vec<ImageDraft>,
        parsed: &mut Parsed,
    ) -> Result<(Vec<String>, Vec<VariantDraft>), Wrong> {
        let at = &self.layout.at;
        let mut rows: Vec<&Row> = self
            .rows
            .iter()
            .filter(|row| row.line != self.top.line)
            .collect();
        let place = |row: &Row| unescaped(row.cell(at.position)).parse::<i64>().unwrap_or(0);
        rows.sort_by_key(|row| (place(row), row.line));
        let offered = self.attributes(self.top);
        let names = self.option_names(&offered, &rows);
        if names.len() > limits::OPTIONS {
            let why = format!(
                "is one of {} attributes to choose by; a product here has at most {}",
                names.len(),
                limits::OPTIONS
            );
            return Err((
                at.attributes.get(limits::OPTIONS).map(|(name, _)| *name),
                why,
            ));
        }
        let shared = rows
            .iter()
            .filter(|row| is_parent(row.cell(at.stock)))
            .count();
        let mut share = Share::new(shared);
        let mut variations = Vec::with_capacity(rows.len());
        for row in rows {
            if unescaped(row.cell(at.published)) == "0" && self.is_published() {
                let why = "is 0: the variation is switched off, and left out";
                parsed
                    .warnings
                    .push(self.layout.refuse(row, at.published, why));
                continue;
            }
            self.pictures(row, images, parsed);
            match self.variation(row, &names, &offered, &mut share, parsed) {
                Ok(variation) => variations.push(variation),
                Err((column, why)) => {
                    parsed.whole = false;
                    parsed.refusals.push(self.layout.refuse(row, column, why));
                }
            }
        }
        let variants = self.expanded(&names, &offered, variations, parsed);
        if variants.is_empty() {
            return Err((
                at.kind,
                "has no variation that can be sold; give it one, with a price".into(),
            ));
        }
        Ok((names, variants))
    }

    fn is_published(&self) -> bool {
        matches!(unescaped(self.top.cell(self.layout.at.published)), "" | "1")
    }

    /// What a row says of attributes: names with their values.
    fn attributes(&self, row: &Row) -> Vec<(String, Vec<String>)> {
        let columns = self.layout.at.attributes.iter();
        let short = |text: String| {
            text.chars()
                .filter(|c| !c.is_control())
                .take(limits::NAME)
                .collect()
        };
        columns
            .map(|(name, values)| {
                let name: String = short(plain(row.cell(Some(*name))));
                let values = list(row.cell(Some(*values)))
                    .into_iter()
                    .map(short)
                    .collect();
                (name, values)
            })
            .filter(|(name, _)| !name.is_empty())
            .collect()
    }

    /// Those attributes that variations name: the others only describe.
    fn option_names(&self, offered: &[(String, Vec<String>)], rows: &[&Row]) -> Vec<String> {
        let mut used: Vec<String> = Vec::new();
        for row in rows {
            for (name, _) in self.attributes(row) {
                if !used.iter().any(|known| same(known, &name)) {
                    used.push(name);
                }
            }
        }
        let mut names: Vec<String> = Vec::new();
        for (name, _) in offered {
            if let Some(place) = used.iter().position(|known| same(known, name)) {
                used.remove(place);
                names.push(name.clone());
            }
        }
        names.extend(used);
        names
    }

    fn variation<'r>(
        &self,
        row: &'r Row,
        names: &[String],
        offered: &[(String, Vec<String>)],
        share: &mut Share,
        parsed: &mut Parsed,
    ) -> Result<Variation<'r>, Wrong> {
        let chosen = self.attributes(row);
        let values = names.iter().map(|name| {
            let (_, values) = chosen.iter().find(|(known, _)| same(known, name))?;
            let value = values.first()?;
            // As the product spells it.
            let offered = offered.iter().find(|(known, _)| same(known, name));
            let spelled = offered.and_then(|(_, all)| all.iter().find(|known| same(known, value)));
            Some(spelled.unwrap_or(value).clone())
        });
        let values = values.collect();
        let draft = self.variant(row, Some(share), parsed)?;
        Ok(Variation { row, values, draft })
    }

    /// What is left to the buyer becomes a variant for each value, unless it is counted: then the
    /// pieces are there but once.
    fn expanded(
        &self,
        names: &[String],
        offered: &[(String, Vec<String>)],
        variations: Vec<Variation<'_>>,
        parsed: &mut Parsed,
    ) -> Vec<VariantDraft> {
        let exact: HashSet<Vec<String>> = variations
            .iter()
            .filter_map(|variation| variation.values.iter().cloned().collect())
            .collect();
        let mut taken: HashSet<Vec<String>> = HashSet::new();
        let mut variants = Vec::new();
        for variation in variations {
            let open = variation.values.iter().any(Option::is_none);
            let counted = variation.draft.track_inventory;
            if open && counted {
                let why = "leaves a choice to the buyer and is counted; it is taken as one \
                     variant with the value `Any`, split it to offer each choice";
                let warning = self.layout.refuse(variation.row, self.layout.at.stock, why);
                parsed.warnings.push(warning);
            }
            let choices = names.iter().zip(&variation.values).map(|(name, value)| {
                let all = offered.iter().find(|(known, _)| same(known, name));
                match (value, all) {
                    (Some(value), _) => vec![value.clone()],
                    (None, Some((_, all))) if !counted && !all.is_empty() => all.clone(),
                    (None, _) => vec![ANY.to_owned()],
                }
            });
            for values in combinations(choices.collect()) {
                if open && exact.contains(&values) {
                    continue;
                }
                if variants.len() >= limits::VARIANTS {
                    let why = format!("The product has more than {} variants.", limits::VARIANTS);
                    parsed
                        .refusals
                        .push(self.layout.refuse(variation.row, None, why));
                    break;
                }
                if !taken.insert(values.clone()) {
                    if !open {
                        let why = format!(
                            "`{}` is there already, from another row",
                            values.join(" / ")
                        );
                        let column = self.layout.at.attributes.first().map(|(_, value)| *value);
                        parsed
                            .refusals
                            .push(self.layout.refuse(variation.row, column, why));
                    }
                    continue;
                }
                let options = names.iter().zip(values);
                variants.push(VariantDraft {
                    options: options
                        .map(|(name, value)| OptionValue {
                            name: name.clone(),
                            value,
                        })
                        .collect(),
                    ..variation.draft.clone()
                });
            }
        }
        variants
    }

    /// What is sold, without its options. `share` is given for a variation.
    fn variant(
        &self,
        row: &Row,
        share: Option<&mut Share>,
        parsed: &mut Parsed,
    ) -> Result<VariantDraft, Wrong> {
        let at = &self.layout.at;
        let context = self.layout.context;
        let (price, compare_at_price) = price(at, row, context, |column, why| {
            parsed.warnings.push(self.layout.refuse(row, column, why));
        })?;
        let sku = match plain(row.cell(at.sku)) {
            sku if sku.is_empty() => None,
            sku => Some(sku.parse::<Sku>().map_err(|why| (at.sku, why))?),
        };
        let barcode =
            line(&plain(row.cell(at.barcode)), limits::NAME).map_err(|why| (at.barcode, why))?;
        let shares = is_parent(row.cell(at.stock));
        let mut stock = stock(at, if shares { self.top } else { row })?;
        if shares && let (Some(share), Some(count)) = (share, stock.on_hand) {
            let part = share.part(count);
            let why = format!(
                "is its product's stock of {count}; here each variant counts its own, and this one \
                 gets {part} of them"
            );
            parsed.warnings.push(self.layout.refuse(row, at.stock, why));
            stock.on_hand = Some(part);
        }
        if stock.on_hand.is_some_and(|count| count < 0) {
            let why = "is below zero and taken so: it is sold out until as many came in";
            parsed.warnings.push(self.layout.refuse(row, at.stock, why));
        }
        let own_weight = weight(at, row)?;
        let weight_grams = match own_weight {
            None => weight(at, self.top)?,
            own => own,
        };
        let kind = Kind::of(row.cell(at.kind));
        let tax = self.top.cell(at.tax_status);
        let Stock {
            tracked,
            policy,
            on_hand,
        } = stock;
        Ok(VariantDraft {
            id: None,
            sku: sku.map(String::from),
            options: Vec::new(),
            price,
            compare_at_price,
            track_inventory: tracked,
            inventory_policy: if policy {
                InventoryPolicy::Continue
            } else {
                InventoryPolicy::Deny
            },
            requires_shipping: !kind.is_virtual,
            taxable: tax.is_empty() || tax.eq_ignore_ascii_case("taxable"),
            weight_grams,
            barcode: Some(barcode).filter(|code| !code.is_empty()),
            source_on_hand: on_hand,
            on_hand,
        })
    }
}

/// A stock that a product's variations share, dealt out so that its sum stays.
struct Share {
    among: i64,
    dealt: i64,
}

impl Share {
    fn new(among: usize) -> Self {
        Self {
            among: i64::try_from(among.max(1)).unwrap_or(1),
            dealt: 0,
        }
    }

    fn part(&mut self, count: i64) -> i64 {
        let number = self.dealt;
        self.dealt += 1;
        count.div_euclid(self.among) + i64::from(number < count.rem_euclid(self.among))
    }
}

fn is_parent(stock: &str) -> bool {
    stock.eq_ignore_ascii_case("parent")
}

fn same(one: &str, other: &str) -> bool {
    one == other || text::fold(one) == text::fold(other)
}

/// Every way to take one of each, at most as many as a product may have variants.
fn combinations(choices: Vec<Vec<String>>) -> Vec<Vec<String>> {
    let mut all: Vec<Vec<String>> = vec![Vec::new()];
    for values in choices {
        let longer = all.iter().flat_map(|start| {
            values.iter().map(|value| {
                let mut longer = start.clone();
                longer.push(value.clone());
                longer
            })
        });
        all = longer.take(limits::VARIANTS + 1).collect();
    }
    all
}
