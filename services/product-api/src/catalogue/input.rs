//! What staff write, checked and made into a draft.

use techcommerce_contracts::product_api::{
    ImageInput, InventoryPolicy, OptionValue, ProductInput, ProductOption, ProductPatch,
    VariantInput,
};
use techcommerce_kernel::{Currency, Error, FieldError, Handle, Money};

use super::{
    draft::{CategoryDraft, ImageDraft, ProductDraft, VariantDraft},
    limits,
    rows::{Record, parsed},
    text,
};

/// Collects what is wrong with an input, place by place.
struct Checks {
    currency: Currency,
    texts: Texts,
}

/// Checks plain texts and collects what is wrong with them.
#[derive(Debug, Default)]
pub(super) struct Texts(Vec<FieldError>);

/// The draft of a new product. Its category is checked where it is written.
///
/// # Errors
/// `invalid_input` with every place that is wrong.
pub fn create(input: ProductInput, currency: Currency) -> Result<ProductDraft, Error> {
    let mut checks = Checks::new(currency);
    let title = checks.line("title", &input.title, limits::TITLE, true);
    let handle = match input.handle {
        Some(handle) => handle.as_str().to_owned(),
        None => handle_of(&title),
    };
    let variants = checks.variants(&input.variants);
    let draft = ProductDraft {
        handle,
        title,
        description: checks.texts.description(&input.description),
        vendor: checks.line("vendor", &input.vendor, limits::NAME, false),
        tags: checks.tags(&input.tags),
        category: input.category.as_deref().and_then(category),
        options: options(&variants),
        status: input.status,
        images: checks.images(&input.images, &[]),
        variants,
    };
    checks.texts.check()?;
    Ok(draft)
}

/// The draft of a product after a change: what is not given stays.
///
/// # Errors
/// `invalid_input` with every place that is wrong.
pub fn patch(
    record: &Record,
    patch: ProductPatch,
    currency: Currency,
) -> Result<ProductDraft, Error> {
    let mut checks = Checks::new(currency);
    let mut draft = current(record)?;
    if let Some(title) = &patch.title {
        draft.title = checks.line("title", title, limits::TITLE, true);
    }
    if let Some(handle) = &patch.handle {
        draft.handle = handle.as_str().to_owned();
    }
    if let Some(description) = &patch.description {
        draft.description = checks.texts.description(description);
    }
    if let Some(vendor) = &patch.vendor {
        draft.vendor = checks.line("vendor", vendor, limits::NAME, false);
    }
    if let Some(tags) = &patch.tags {
        draft.tags = checks.tags(tags);
    }
    if let Some(handle) = &patch.category {
        draft.category = category(handle);
    }
    if let Some(status) = patch.status {
        draft.status = status;
    }
    if let Some(images) = &patch.images {
        draft.images = checks.images(images, &draft.images);
    }
    if let Some(variants) = &patch.variants {
        draft.variants = checks.variants(variants);
        for variant in &mut draft.variants {
            keep(variant, record);
        }
        draft.options = options(&draft.variants);
    }
    checks.texts.check()?;
    Ok(draft)
}

/// What a product is now, as a draft; its stock stays as it is.
///
/// # Errors
/// `internal` if the database holds what nobody could have written.
pub fn current(record: &Record) -> Result<ProductDraft, Error> {
    let row = &record.row;
    let mut variants = Vec::with_capacity(record.variants.len());
    for variant in &record.variants {
        variants.push(VariantDraft {
            id: Some(variant.id),
            sku: variant.sku.clone(),
            options: variant.options.0.clone(),
            price: variant.price,
            compare_at_price: variant.compare_at_price,
            track_inventory: variant.track_inventory,
            inventory_policy: parsed(&variant.inventory_policy)?,
            requires_shipping: variant.requires_shipping,
            taxable: variant.taxable,
            weight_grams: variant.weight_grams,
            barcode: variant.barcode.clone(),
            source_on_hand: variant.source_on_hand,
            on_hand: None,
        });
    }
    let pixels = |size: Option<i64>| size.and_then(|size| u32::try_from(size).ok());
    let images = record.images.iter().map(|image| ImageDraft {
        alt: image.alt.clone(),
        image_id: image.image_id,
        size: pixels(image.width).zip(pixels(image.height)),
        source_url: image.source_url.clone(),
    });
    Ok(ProductDraft {
        handle: row.handle.clone(),
        title: row.title.clone(),
        description: row.description.clone(),
        vendor: row.vendor.clone(),
        tags: row.tags.0.clone(),
        category: row.category.as_deref().and_then(category),
        options: row.options.0.clone(),
        status: parsed(&row.status)?,
        images: images.collect(),
        variants,
    })
}

/// What the interface does not speak of stays as it was; the stock has calls of its own.
fn keep(variant: &mut VariantDraft, record: &Record) {
    let before = record
        .variants
        .iter()
        .find(|before| Some(before.id) == variant.id);
    if let Some(before) = before {
        variant.requires_shipping = before.requires_shipping;
        variant.taxable = before.taxable;
        variant.weight_grams = before.weight_grams;
        variant.barcode.clone_from(&before.barcode);
        variant.source_on_hand = before.source_on_hand;
        variant.on_hand = None;
    }
}

/// The handle that a title suggests.
fn handle_of(title: &str) -> String {
    text::handle_from(title, "product")
}

/// Only the handle counts: staff name categories that there are.
pub fn category(handle: &str) -> Option<CategoryDraft> {
    (!handle.is_empty()).then(|| CategoryDraft {
        handle: handle.to_owned(),
        title: String::new(),
        description: String::new(),
    })
}

/// The options that the variants have, with their values as they first appear.
pub fn options(variants: &[VariantDraft]) -> Vec<ProductOption> {
    let mut options: Vec<ProductOption> = Vec::new();
    for selected in variants.iter().flat_map(|variant| &variant.options) {
        match options
            .iter_mut()
            .find(|option| option.name == selected.name)
        {
            Some(option) if option.values.contains(&selected.value) => {}
            Some(option) => option.values.push(selected.value.clone()),
            None => options.push(ProductOption {
                name: selected.name.clone(),
                values: vec![selected.value.clone()],
            }),
        }
    }
    options
}

/// A tag, checked as those of a product.
///
/// # Errors
/// `invalid_input` at `path`.
pub fn tag(path: &str, tag: &str) -> Result<String, Error> {
    let mut texts = Texts::default();
    let tag = texts.tag(path, tag);
    texts.check()?;
    Ok(tag)
}

/// A description, cleaned as those of a product.
///
/// # Errors
/// `invalid_input` at `description`.
pub fn description(html: &str) -> Result<String, Error> {
    let mut texts = Texts::default();
    let html = texts.description(html);
    texts.check()?;
    Ok(html)
}

impl Texts {
    pub(super) fn say(&mut self, path: impl Into<String>, message: impl Into<String>) {
        self.0.push(FieldError {
            path: path.into(),
            message: message.into(),
        });
    }

    pub(super) fn line(&mut self, path: &str, value: &str, most: usize, needed: bool) -> String {
        let value = value.trim();
        if needed && value.is_empty() {
            self.say(path, "must not be empty");
        }
        if value.chars().count() > most {
            self.say(path, format!("is longer than {most} characters"));
        }
        if value.chars().any(char::is_control) {
            self.say(path, "must not hold line breaks or control characters");
        }
        value.to_owned()
    }

    fn tag(&mut self, path: &str, tag: &str) -> String {
        let tag = self.line(path, tag, limits::NAME, true);
        if tag.contains(',') {
            self.say(path, "must not hold commas, which set tags apart in files");
        }
        tag
    }

    fn description(&mut self, html: &str) -> String {
        if html.chars().count() > limits::DESCRIPTION {
            self.say(
                "description",
                format!("is longer than {} characters", limits::DESCRIPTION),
            );
            return String::new();
        }
        text::clean_html(&html.replace('\0', ""))
    }

    /// # Errors
    /// `invalid_input` with all that was said.
    pub(super) fn check(self) -> Result<(), Error> {
        Error::check(self.0)
    }
}

impl Checks {
    fn new(currency: Currency) -> Self {
        Self {
            currency,
            texts: Texts::default(),
        }
    }

    fn say(&mut self, path: impl Into<String>, message: impl Into<String>) {
        self.texts.say(path, message);
    }

    fn line(&mut self, path: &str, value: &str, most: usize, needed: bool) -> String {
        self.texts.line(path, value, most, needed)
    }

    fn tags(&mut self, input: &[String]) -> Vec<String> {
        if input.len() > limits::TAGS {
            self.say("tags", format!("are more than {}", limits::TAGS));
        }
        let mut tags: Vec<String> = Vec::new();
        for (index, tag) in input.iter().enumerate() {
            let tag = self.texts.tag(&format!("tags[{index}]"), tag);
            if !tags.contains(&tag) {
                tags.push(tag);
            }
        }
        tags
    }

    /// What is known of the product's pictures stays: where they came from, so that an import
    /// knows them again, and how large they are.
    fn images(&mut self, input: &[ImageInput], known: &[ImageDraft]) -> Vec<ImageDraft> {
        if input.len() > limits::IMAGES {
            self.say("images", format!("are more than {}", limits::IMAGES));
        }
        let mut images = Vec::with_capacity(input.len());
        for (index, image) in input.iter().enumerate() {
            let path = |field: &str| format!("images[{index}].{field}");
            let alt = self.line(&path("alt"), &image.alt, limits::TITLE, false);
            let given = (image.width, image.height);
            let size = Some(given).filter(|(width, height)| *width > 0 && *height > 0);
            match (image.id, image.source_url.as_deref()) {
                (Some(id), _) => {
                    let before = known.iter().find(|known| known.image_id == Some(id));
                    images.push(ImageDraft {
                        alt,
                        image_id: Some(id),
                        size: size.or_else(|| before?.size).or(Some(given)),
                        source_url: before.and_then(|before| before.source_url.clone()),
                    });
                }
                (None, Some(url)) => {
                    let mut sources = known.iter();
                    match sources.find(|known| known.source_url.as_deref() == Some(url)) {
                        // It may have been fetched since it was shown.
                        Some(before) => images.push(ImageDraft {
                            alt,
                            ..before.clone()
                        }),
                        None => self.say(
                            path("source_url"),
                            "is the address of no picture of this product",
                        ),
                    }
                }
                (None, None) => self.say(path("id"), "must be what the upload answered"),
            }
        }
        images
    }

    fn variants(&mut self, input: &[VariantInput]) -> Vec<VariantDraft> {
        if input.is_empty() || input.len() > limits::VARIANTS {
            self.say("variants", format!("must be 1 to {}", limits::VARIANTS));
        }
        let mut variants: Vec<VariantDraft> = Vec::with_capacity(input.len());
        for (index, variant) in input.iter().enumerate() {
            let draft = self.variant(index, variant);
            self.options(index, &draft, &variants);
            variants.push(draft);
        }
        variants
    }

    fn variant(&mut self, index: usize, input: &VariantInput) -> VariantDraft {
        let at = |field: &str| format!("variants[{index}].{field}");
        let price = self.money(&at("price"), input.price);
        let compare_at_price = input.compare_at_price.map(|before| {
            let before = self.money(&at("compare_at_price"), before);
            if before <= price {
                self.say(at("compare_at_price"), "must be more than the price");
            }
            before
        });
        let lowest = match input.inventory_policy {
            InventoryPolicy::Deny => 0,
            InventoryPolicy::Continue => -limits::STOCK,
        };
        if !(lowest..=limits::STOCK).contains(&input.on_hand) {
            self.say(
                at("on_hand"),
                format!("must be between {lowest} and {}", limits::STOCK),
            );
        }
        let mut options = Vec::with_capacity(input.options.len());
        for (place, option) in input.options.iter().enumerate() {
            let path = |field: &str| format!("variants[{index}].options[{place}].{field}");
            options.push(OptionValue {
                name: self.line(&path("name"), &option.name, limits::NAME, true),
                value: self.line(&path("value"), &option.value, limits::NAME, true),
            });
        }
        VariantDraft {
            id: input.id,
            sku: input.sku.clone().map(String::from),
            options,
            price,
            compare_at_price,
            track_inventory: input.track_inventory,
            inventory_policy: input.inventory_policy,
            requires_shipping: true,
            taxable: true,
            weight_grams: None,
            barcode: None,
            source_on_hand: None,
            on_hand: Some(input.on_hand),
        }
    }

    /// All variants choose of the same options, and no two choose the same.
    fn options(&mut self, index: usize, variant: &VariantDraft, before: &[VariantDraft]) {
        let path = format!("variants[{index}].options");
        if variant.options.len() > limits::OPTIONS {
            self.say(path.as_str(), format!("are more than {}", limits::OPTIONS));
        }
        let names = |variant: &VariantDraft| -> Vec<String> {
            variant
                .options
                .iter()
                .map(|option| option.name.clone())
                .collect()
        };
        let own = names(variant);
        if own
            .iter()
            .enumerate()
            .any(|(place, name)| own[..place].contains(name))
        {
            self.say(path.as_str(), "name an option twice");
        }
        if before.first().is_some_and(|first| names(first) != own) {
            self.say(
                path.as_str(),
                "must name the same options as variants[0], in the same order",
            );
        } else if before.iter().any(|other| other.options == variant.options) {
            self.say(path.as_str(), "are those of another variant");
        }
    }

    fn money(&mut self, path: &str, money: Money) -> i64 {
        if money.currency != self.currency {
            self.say(
                format!("{path}.currency"),
                format!("must be {}", self.currency),
            );
        }
        if !(0..=limits::PRICE).contains(&money.amount) {
            let message = format!("must be between 0 and {}", limits::PRICE);
            self.say(format!("{path}.amount"), message);
        }
        money.amount
    }
}

/// Whether a handle was made from a title, so that another may be made if it is taken.
pub fn numbered(handle: &str, number: u32) -> Option<Handle> {
    let suffix = format!("-{number}");
    let room = Handle::MAX_LEN.saturating_sub(suffix.len());
    let base: String = handle.chars().take(room).collect();
    format!("{base}{suffix}").parse().ok()
}
