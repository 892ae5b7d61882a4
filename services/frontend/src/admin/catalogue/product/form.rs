//! The form of a product as it travels: out of a product, through the browser and back, without
//! losing anything that was typed.

use std::collections::HashMap;

use techcommerce_contracts::{
    images::Uploaded,
    product_api::{Product, ProductStatus},
};

use super::{
    fields::{Fields, lines, mark, unix},
    rows::{OptionRow, PictureRow, StockRule, VariantRow, picture_of, row_of},
};

/// Options of a product; as many as the API takes.
pub const OPTIONS: usize = 3;
/// Variants of a product; as many as the API takes.
pub const VARIANTS: usize = 2_048;

/// A product as it is typed.
#[derive(Debug, Clone, Default)]
pub struct ProductForm {
    /// However often it is sent, a new product is made once for each key.
    pub key: String,
    /// The product's version that the form was made from; 0 for a new one.
    pub version: i64,
    /// What was there then, part by part, as [`mark`]s.
    pub seen: HashMap<String, String>,
    /// As it is called.
    pub title: String,
    /// Names it in addresses.
    pub handle: String,
    /// HTML.
    pub description: String,
    /// Who made it.
    pub vendor: String,
    /// A category's handle, or empty.
    pub category: String,
    /// Set apart by commas.
    pub tags: String,
    /// Whether the public sees it.
    pub status: ProductStatus,
    /// At most [`OPTIONS`].
    pub options: Vec<OptionRow>,
    /// At least one.
    pub variants: Vec<VariantRow>,
    /// In their order.
    pub pictures: Vec<PictureRow>,
    /// The titles of variants that are there and go when the form is saved.
    pub going: Vec<String>,
}

impl ProductForm {
    /// The form of a product that is not there yet.
    pub fn new() -> Self {
        let first = VariantRow {
            stock: StockRule {
                tracked: true,
                sells_on: false,
            },
            ..VariantRow::default()
        };
        Self {
            status: ProductStatus::Draft,
            variants: vec![first],
            ..Self::default()
        }
    }

    /// The form of a product that is there.
    pub fn of(product: &Product, language: &str) -> Self {
        let option = |option: &techcommerce_contracts::product_api::ProductOption| OptionRow {
            name: option.name.clone(),
            values: option.values.join("\n"),
            was: option.values.clone(),
        };
        let mut form = Self {
            key: String::new(),
            version: product.version,
            seen: HashMap::new(),
            title: product.title.clone(),
            handle: product.handle.to_string(),
            description: product.description.clone(),
            vendor: product.vendor.clone(),
            category: product.category.clone().unwrap_or_default(),
            tags: product.tags.join(", "),
            status: product.status,
            options: product.options.iter().map(option).collect(),
            variants: product
                .variants
                .iter()
                .map(|variant| row_of(variant, language))
                .collect(),
            pictures: product.images.iter().map(picture_of).collect(),
            going: Vec::new(),
        };
        form.remember();
        form
    }

    /// The form as it was sent. What is missing is empty; nothing is an error yet.
    pub fn read(fields: &Fields) -> Self {
        let mut options = Vec::new();
        for place in 0..OPTIONS {
            if fields.has(&format!("o{place}-name")) {
                options.push(OptionRow {
                    name: fields.text(&format!("o{place}-name")),
                    values: unix(&fields.text(&format!("o{place}-values"))),
                    was: lines(&fields.text(&format!("o{place}-was"))),
                });
            }
        }
        let mut variants = Vec::new();
        while variants.len() < VARIANTS && fields.has(&format!("v{}-price", variants.len())) {
            let at = |field: &str| format!("v{}-{field}", variants.len());
            let values = (0..options.len()).map_while(|place| {
                let name = at(&format!("o{place}"));
                fields.has(&name).then(|| fields.text(&name))
            });
            variants.push(VariantRow {
                id: fields.parsed(&at("id")),
                values: values.collect(),
                sku: fields.text(&at("sku")),
                price: fields.text(&at("price")),
                before: fields.text(&at("before")),
                stock: StockRule::of(&fields.text(&at("stock"))),
                on_hand: fields.text(&at("on_hand")),
                seen: fields.text(&at("seen")),
            });
        }
        if variants.is_empty() {
            variants = Self::new().variants;
        }
        let picture = |key: &str| {
            let size = fields.text(&format!("size-{key}"));
            let (width, height) = size.split_once('x').unwrap_or_default();
            PictureRow {
                key: key.to_owned(),
                id: key.parse().ok(),
                source: fields.text(&format!("source-{key}")),
                alt: fields.text(&format!("alt-{key}")),
                width: width.parse().unwrap_or_default(),
                height: height.parse().unwrap_or_default(),
            }
        };
        let seen = fields.text("seen");
        let pairs = seen
            .split_whitespace()
            .filter_map(|pair| pair.split_once('='));
        Self {
            key: fields.text("key"),
            version: fields.parsed("version").unwrap_or_default(),
            seen: pairs.map(|(k, v)| (k.to_owned(), v.to_owned())).collect(),
            title: fields.text("title"),
            handle: fields.text("handle"),
            description: unix(&fields.text("description")),
            vendor: fields.text("vendor"),
            category: fields.text("category"),
            tags: fields.text("tags"),
            status: fields.parsed("status").unwrap_or(ProductStatus::Draft),
            options,
            variants,
            pictures: fields.all("picture").map(picture).collect(),
            going: fields.all("going").map(str::to_owned).collect(),
        }
    }

    /// The tags, each once.
    pub fn tag_list(&self) -> Vec<String> {
        lines(&self.tags.replace(',', "\n"))
    }

    /// Adds a picture that was just uploaded, unless it is there already.
    pub fn add_picture(&mut self, uploaded: &Uploaded) {
        if self.pictures.iter().any(|p| p.id == Some(uploaded.id)) {
            return;
        }
        self.pictures.push(PictureRow {
            key: uploaded.id.to_string(),
            id: Some(uploaded.id),
            source: String::new(),
            alt: String::new(),
            width: uploaded.width,
            height: uploaded.height,
        });
    }

    /// Moves a picture one place up or down.
    pub fn move_picture(&mut self, key: &str, by: isize) {
        let Some(place) = self.pictures.iter().position(|p| p.key == key) else {
            return;
        };
        let to = place
            .checked_add_signed(by)
            .filter(|to| *to < self.pictures.len());
        if let Some(to) = to {
            self.pictures.swap(place, to);
        }
    }

    /// What there is to compare of each part.
    pub fn parts(&self) -> [(&'static str, String); 9] {
        let options = self.options.iter();
        let options = options.map(|o| format!("{}\u{1e}{}", o.name, o.lines().join("\u{1f}")));
        let variants = self.variants.iter().map(|variant| {
            let id = variant.id.map(|id| id.to_string()).unwrap_or_default();
            format!("{id}\u{1f}{}", variant.canonical())
        });
        let shape = options.chain(variants).collect::<Vec<_>>().join("\u{1d}");
        let pictures = self
            .pictures
            .iter()
            .map(|p| format!("{}\u{1f}{}", p.key, p.alt));
        [
            ("title", self.title.clone()),
            ("handle", self.handle.clone()),
            ("description", self.description.clone()),
            ("vendor", self.vendor.clone()),
            ("category", self.category.clone()),
            ("tags", self.tag_list().join("\u{1f}")),
            ("status", self.status.name().to_owned()),
            ("variants", shape),
            ("pictures", pictures.collect::<Vec<_>>().join("\u{1d}")),
        ]
    }

    /// Whether a part is no longer as it was when the form was made.
    pub fn changed(&self, part: &str) -> bool {
        let now = self.parts().into_iter().find(|(name, _)| *name == part);
        let now = now.map(|(_, text)| mark(&text));
        self.seen.get(part) != now.as_ref()
    }

    /// From now on, this is what was there.
    pub fn remember(&mut self) {
        let parts = self.parts().into_iter();
        self.seen = parts
            .map(|(name, text)| (name.to_owned(), mark(&text)))
            .collect();
        for variant in &mut self.variants {
            variant.seen = mark(&variant.canonical());
        }
    }

    /// [`ProductForm::seen`] as it travels.
    pub fn seen_text(&self) -> String {
        let mut pairs: Vec<String> = self.seen.iter().map(|(k, v)| format!("{k}={v}")).collect();
        pairs.sort();
        pairs.join(" ")
    }
}

#[cfg(test)]
pub mod tests {
    use super::*;

    /// A product with one option, as the API shows it.
    pub fn bowl() -> Product {
        let variant = |id: u8, size: &str| {
            serde_json::json!({"id": format!("0193a1b2-0000-7000-8000-00000000000{id}"),
                "sku": "BOWL", "title": size, "options": [{"name": "Size", "value": size}],
                "price": {"amount": 3000, "currency": "EUR"},
                "compare_at_price": {"amount": 4000, "currency": "EUR"}, "available": 3,
                "track_inventory": true, "inventory_policy": "deny"})
        };
        serde_json::from_value(serde_json::json!({
            "id": "0193a1b2-0000-7000-8000-000000000009", "handle": "oak-bowl",
            "title": "Oak bowl", "description": "<p>Turned.</p>\n<p>Oiled.</p>",
            "vendor": "Fjord", "tags": ["oak", "table"], "category": "kitchen",
            "status": "active", "version": 4,
            "images": [
                {"id": "0193a1b2-0000-7000-8000-00000000000a", "url": "/x", "alt": "A bowl",
                    "width": 1280, "height": 960},
                {"id": null, "url": "/static/placeholder.svg", "alt": "", "width": 0, "height": 0,
                    "source_url": "https://old.example/bowl.jpg"},
            ],
            "options": [{"name": "Size", "values": ["Small", "Large"]}],
            "variants": [variant(1, "Small"), variant(2, "Large")],
            "created_at": "2026-11-01T00:00:00Z", "updated_at": "2026-11-01T00:00:00Z",
        }))
        .unwrap()
    }

    /// The form as a browser sends it back.
    pub fn sent(form: &ProductForm) -> Fields {
        let mut fields = Fields::default();
        let mut push = |name: &str, value: &str| {
            fields.push(name.to_owned(), value.replace('\n', "\r\n"));
        };
        push("version", &form.version.to_string());
        push("seen", &form.seen_text());
        push("title", &form.title);
        push("handle", &form.handle);
        push("description", &form.description);
        push("vendor", &form.vendor);
        push("category", &form.category);
        push("tags", &form.tags);
        push("status", form.status.name());
        for (n, option) in form.options.iter().enumerate() {
            push(&format!("o{n}-name"), &option.name);
            push(&format!("o{n}-values"), &option.values);
            push(&format!("o{n}-was"), &option.was_lines());
        }
        for (n, variant) in form.variants.iter().enumerate() {
            if let Some(id) = variant.id {
                push(&format!("v{n}-id"), &id.to_string());
            }
            for (place, value) in variant.values.iter().enumerate() {
                push(&format!("v{n}-o{place}"), value);
            }
            push(&format!("v{n}-sku"), &variant.sku);
            push(&format!("v{n}-price"), &variant.price);
            push(&format!("v{n}-before"), &variant.before);
            push(&format!("v{n}-stock"), variant.stock.name());
            push(&format!("v{n}-on_hand"), &variant.on_hand);
            push(&format!("v{n}-seen"), &variant.seen);
        }
        for picture in &form.pictures {
            let key = &picture.key;
            push("picture", key);
            push(&format!("source-{key}"), &picture.source);
            push(&format!("alt-{key}"), &picture.alt);
            push(
                &format!("size-{key}"),
                &format!("{}x{}", picture.width, picture.height),
            );
        }
        fields
    }

    #[test]
    fn a_round_trip_through_the_browser_loses_nothing() {
        let form = ProductForm::of(&bowl(), "de");
        assert_eq!(form.variants[0].price, "30,00");
        let again = ProductForm::read(&sent(&form));
        assert_eq!(format!("{again:?}").len(), format!("{form:?}").len());
        assert_eq!(again.parts(), form.parts());
        assert_eq!(again.variants, form.variants);
        assert_eq!(again.pictures, form.pictures);
        assert_eq!(again.options, form.options);
        assert_eq!((again.version, again.seen.len()), (4, 9));
        for (part, _) in form.parts() {
            assert!(!again.changed(part), "{part}");
        }
    }

    #[test]
    fn a_part_that_was_edited_is_known() {
        let mut form = ProductForm::read(&sent(&ProductForm::of(&bowl(), "en")));
        form.title.push('!');
        form.variants[1].price = "31".into();
        let changed: Vec<_> = form
            .parts()
            .map(|(part, _)| part)
            .into_iter()
            .filter(|part| form.changed(part))
            .collect();
        assert_eq!(changed, ["title", "variants"]);
    }

    #[test]
    fn pictures_move_and_stay_within_bounds() {
        let mut form = ProductForm::of(&bowl(), "en");
        let first = form.pictures[0].key.clone();
        form.move_picture(&first, -1);
        assert_eq!(form.pictures[0].key, first);
        form.move_picture(&first, 1);
        assert_eq!(form.pictures[1].key, first);
        form.move_picture(&first, 1);
        form.move_picture("nobody", 1);
        assert_eq!(form.pictures[1].key, first);
    }

    #[test]
    fn an_empty_form_has_one_variant() {
        let form = ProductForm::read(&Fields::default());
        assert_eq!(form.variants.len(), 1);
        assert!(form.variants[0].stock.tracked);
        assert_eq!(form.status, ProductStatus::Draft);
    }
}
